#include "platform/sensors/nvml_sensor.hpp"

#include <doctest/doctest.h>

#include <map>

#include "platform/fake_calls.hpp"
#include "platform/kernel/access.hpp"
#include "platform/sensor_samples.hpp"
#include "support/fake_cards.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

/// Each look at it is later by what a test says that a call takes: it is read before and after.
class ClockOfCalls final : public Clock {
 public:
  TimePoint now() const override { return now_ += step; }
  void sleep_until(TimePoint /*moment*/) override {}
  Duration step{};

 private:
  mutable TimePoint now_{};
};

struct Machine {
  explicit Machine(const Strings& addresses = {"0000:01:00.0"}) : cards(addresses) {
    calls.library = REIN_FAKE_NVML;
  }
  void list_card(const std::string& address, const std::string& status = "active") const {
    const std::string device = "/sys/bus/pci/devices/" + address;
    tree.write(device + "/vendor", "0x10de\n");
    tree.write(device + "/class", "0x030200\n");
    tree.write(device + "/power/runtime_status", status + "\n");
  }
  NvmlSensor sensor(const std::vector<Signal>& others = {}, bool wakes = false) {
    missing.clear();
    return NvmlSensor(SysfsRoot(tree.path(), calls), clock, wakes, others, missing);
  }
  Strings lines() const {
    Strings lines;
    for (const auto& each : missing) {
      lines.push_back(each.line());
    }
    return lines;
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  test::FakeCards cards;
  ClockOfCalls clock;
  std::vector<Missing> missing;
};

/// Samples by the names of signals.
class Samples {
 public:
  explicit Samples(NvmlSensor& sensor) : names_(test::names(sensor)), sampler_(sensor) {}
  Measurement at(const std::string& name, Duration after = {}) { return sample(after).at(name); }
  std::map<std::string, Measurement> sample(Duration after = {}) {
    const auto& measurements = sampler_.sample(after);
    DOCTEST_REQUIRE(measurements.size() == names_.size());
    std::map<std::string, Measurement> named;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      named[names_[i]] = measurements[i];
    }
    return named;
  }

 private:
  Strings names_;
  test::Sampler sampler_;
};

const std::string kPower = "power_w.gpu";

}  // namespace

DOCTEST_TEST_CASE("a card tells power, temperature, clocks, load and what throttles it") {
  Machine machine;
  machine.cards.card()["reasons"] = 0x80 | 0x08 | 0x01;
  machine.cards.say();
  auto sensor = machine.sensor();
  DOCTEST_CHECK(machine.missing.empty());
  DOCTEST_CHECK(test::names(sensor) == Strings{"power_w.gpu", "temperature_c.gpu",
                                               "frequency_mhz.gpu", "frequency_mhz.gpu_memory",
                                               "gpu_load_share", "throttled.gpu_power",
                                               "throttled.gpu_heat", "throttled.gpu_hardware"});
  DOCTEST_CHECK(sensor.signals()[0].source == "NVML, NVIDIA H200, energy");
  DOCTEST_CHECK(sensor.signals()[2].source == "NVML, NVIDIA H200, SM clock");
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sampler.values() == test::Values{75.0, 31.0, 1980.0, 3201.0, 0.25, 1.0, 0.0, 1.0});
  machine.cards.card()["reasons"] = 0x40;
  machine.cards.say();
  DOCTEST_CHECK(sampler.values(seconds(1))[6] == 1.0);
}

DOCTEST_TEST_CASE("a card's energy gives its mean power over the period") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  DOCTEST_CHECK(samples.at(kPower).value ==
                75.0);  // What the card says, until it has been watched.
  machine.cards.card()["energy"] = 5'000'000 + 350'000;
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, seconds(1)).value == 350.0);
  machine.cards.card()["energy"] = 5'350'000 + 100'000;
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, milliseconds(500)).value == 200.0);
}

DOCTEST_TEST_CASE("a card without a count of energy, and a library without one, give their power") {
  Machine machine;
  machine.cards.card().erase("energy");
  machine.cards.say();
  for (const char* library : {REIN_FAKE_NVML, REIN_OLD_FAKE_NVML}) {
    machine.calls.library = library;
    auto sensor = machine.sensor();
    DOCTEST_CHECK(machine.missing.empty());
    DOCTEST_CHECK(sensor.signals()[0].source == "NVML, NVIDIA H200, power");
    Samples samples(sensor);
    const auto sample = samples.sample(seconds(1));
    DOCTEST_CHECK(sample.at(kPower).value == 75.0);
    DOCTEST_CHECK(sample.at("throttled.gpu_power").value == 0.0);
    DOCTEST_CHECK(sample.at("temperature_c.gpu").value == 31.0);
    // By itself, a number that stays the same measures nothing.
    DOCTEST_CHECK(samples.at(kPower, seconds(9)).value == 75.0);
    DOCTEST_CHECK(samples.at(kPower, seconds(1)).problem ==
                  "NVML, NVIDIA H200, power: has not changed for 10 s");
  }
}

DOCTEST_TEST_CASE("a count of energy that was reset gave a power below 0 or of megawatts") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  samples.sample();
  const auto next = [&](std::int64_t energy, Duration after) {
    machine.cards.card()["energy"] = energy;
    machine.cards.say();
    return samples.at(kPower, after);
  };
  DOCTEST_CHECK(next(5'100'000, seconds(1)).value == 100.0);
  const auto reset = next(1'000, seconds(1));
  DOCTEST_CHECK_FALSE(reset.value);
  DOCTEST_CHECK(reset.problem ==
                "NVML, NVIDIA H200, energy: expected a count that grows, found 1000 mJ after "
                "5100000");
  DOCTEST_CHECK(next(11'000, milliseconds(100)).value == 75.0);
  DOCTEST_CHECK(next(101'000, milliseconds(900)).value == doctest::Approx(100.0));
  // More than twice what it can be set to draw.
  DOCTEST_CHECK(next(5'101'000, seconds(1)).problem ==
                "NVML, NVIDIA H200, energy: expected 0 to 1400 W, found 5000");
  DOCTEST_CHECK(next(5'111'000, milliseconds(100)).value == 75.0);
  DOCTEST_CHECK(next(5'201'000, milliseconds(900)).value == doctest::Approx(100.0));
}

DOCTEST_TEST_CASE("a count of energy that stands still leaves the power that the card says") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  for (int i = 0; i < 30; ++i) {
    machine.cards.card()["power"] = 80'000 + i;
    machine.cards.say();
    DOCTEST_CHECK(samples.at(kPower, seconds(1)).value == doctest::Approx(80.0 + 1e-3 * i));
  }
  DOCTEST_CHECK(samples.at(kPower, seconds(10)).problem ==
                "NVML, NVIDIA H200, power: has not changed for 10 s");
  machine.cards.card().erase("power");
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, seconds(1)).problem ==
                "NVML, NVIDIA H200, energy: has not moved for 500 ms");
}

DOCTEST_TEST_CASE("numbers of a card that cannot be are none") {
  Machine machine;
  auto& card = machine.cards.card();
  card["temperature"] = 255;
  card["sm"] = 0;
  card["busy"] = 4'294'967'295;
  card["power"] = 2'000'000;
  machine.cards.say();
  auto sensor = machine.sensor();
  Samples samples(sensor);
  const auto sample = samples.sample();
  DOCTEST_CHECK(sample.at("temperature_c.gpu").problem ==
                "NVML, NVIDIA H200, temperature: expected -40 to 150 degC, found 255");
  DOCTEST_CHECK(sample.at("frequency_mhz.gpu").problem ==
                "NVML, NVIDIA H200, SM clock: expected 0.001 to 100000 MHz, found 0");
  DOCTEST_CHECK_FALSE(sample.at("gpu_load_share").value);
  DOCTEST_CHECK_FALSE(sample.at(kPower).value);
}

DOCTEST_TEST_CASE("what a card does not offer is one line, and it is not asked for again") {
  Machine machine;
  auto& card = machine.cards.card();
  card.erase("busy");  // As with MIG.
  card.erase("memory");
  card["temperature"] = -4;
  machine.cards.say();
  auto sensor = machine.sensor();
  DOCTEST_CHECK(test::names(sensor) == Strings{"power_w.gpu", "frequency_mhz.gpu",
                                               "throttled.gpu_power", "throttled.gpu_heat",
                                               "throttled.gpu_hardware"});
  Strings lines;
  for (const auto& each : fold(machine.missing)) {
    lines.push_back(each.line());
  }
  DOCTEST_CHECK(
      lines ==
      Strings{
          "temperature_c.gpu: NVML, NVIDIA H200: Insufficient Permissions; run as root, or give "
          "access to /dev/nvidiactl and the card's /dev/nvidia*",
          "frequency_mhz.gpu_memory, load_share.gpu: NVML, NVIDIA H200: Not Supported; go "
          "without it: the card, its driver or its mode (MIG) does not offer it"});
  Samples samples(sensor);
  card["busy"] = 50;
  machine.cards.say();
  DOCTEST_CHECK(samples.sample().size() == 5);
}

DOCTEST_TEST_CASE("a value that a card refuses for a while is missed alone, and comes back") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  for (const int error : {-3, -999, -4}) {
    machine.cards.card()["busy"] = error;
    machine.cards.say();
    const auto sample = samples.sample(seconds(1));
    DOCTEST_CHECK_FALSE(sample.at("gpu_load_share").value);
    DOCTEST_CHECK(sample.at(kPower).value == 75.0);
  }
  DOCTEST_CHECK(samples.at("gpu_load_share").problem ==
                "NVML, NVIDIA H200, utilisation: Insufficient Permissions");
  machine.cards.card()["busy"] = 50;
  machine.cards.say();
  DOCTEST_CHECK(samples.at("gpu_load_share", seconds(1)).value == 0.5);
}

DOCTEST_TEST_CASE("a card that is lost is let go of, and is found when it is back") {
  Machine machine;
  machine.list_card("0000:01:00.0");
  auto sensor = machine.sensor();
  Samples samples(sensor);
  samples.sample();
  DOCTEST_CHECK(machine.cards.new_calls() == Strings{"init", "card 0000:01:00.0"});
  auto& card = machine.cards.card();
  card["lost"] = 15;
  machine.cards.say();
  for (const auto& named : samples.sample(seconds(1))) {
    DOCTEST_CAPTURE(named.first);
    DOCTEST_CHECK_FALSE(named.second.value);
    DOCTEST_CHECK(named.second.problem == "NVML, NVIDIA H200: GPU is lost");
  }
  // Else nobody could reset it.
  DOCTEST_CHECK(machine.cards.new_calls() == Strings{"shutdown"});
  samples.sample(milliseconds(900));
  DOCTEST_CHECK(machine.cards.new_calls().empty());
  samples.sample(milliseconds(100));
  DOCTEST_CHECK(machine.cards.new_calls() == Strings{"init", "card 0000:01:00.0", "shutdown"});
  // Twice as long the next time.
  samples.sample(milliseconds(1900));
  DOCTEST_CHECK(machine.cards.new_calls().empty());
  card.erase("lost");
  card["energy"] = 10;  // Of a driver that was loaded anew.
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, milliseconds(100)).value == 75.0);
  DOCTEST_CHECK(machine.cards.new_calls() == Strings{"init", "card 0000:01:00.0"});
  card["energy"] = 120'010;
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, seconds(1)).value == 120.0);
}

DOCTEST_TEST_CASE("a driver that was replaced under the library gives no values until they fit") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  machine.cards.card()["lost"] = 9;
  machine.cards.script["init"] = 18;
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, seconds(1)).problem == "NVML, NVIDIA H200: Driver Not Loaded");
  DOCTEST_CHECK(samples.at(kPower, seconds(1)).problem ==
                "NVML, NVIDIA H200: Driver/library version mismatch");
  machine.cards.card().erase("lost");
  machine.cards.script["init"] = 0;
  machine.cards.say();
  DOCTEST_CHECK(samples.at(kPower, seconds(2)).value == 75.0);
}

DOCTEST_TEST_CASE("a lost card leaves the others their values") {
  Machine machine({"0000:c1:00.0", "0000:0a:00.0"});
  auto sensor = machine.sensor();
  DOCTEST_CHECK(test::names(sensor)[0] == "power_w.gpu_0000_0a_00.0");
  DOCTEST_CHECK(test::names(sensor)[4] == "load_share.gpu_0000_0a_00.0");
  DOCTEST_CHECK(test::names(sensor)[11] == "frequency_mhz.gpu_0000_c1_00.0_memory");
  Samples samples(sensor);
  samples.sample();
  machine.cards.new_calls();
  machine.cards.card(0)["lost"] = 15;
  machine.cards.card(1)["energy"] = 5'200'000;
  machine.cards.say();
  auto sample = samples.sample(seconds(1));
  DOCTEST_CHECK_FALSE(sample.at("power_w.gpu_0000_c1_00.0").value);
  DOCTEST_CHECK(sample.at("power_w.gpu_0000_0a_00.0").value == 200.0);
  DOCTEST_CHECK(machine.cards.new_calls() == Strings{"shutdown", "init", "card 0000:0a:00.0"});
  machine.cards.card(1)["energy"] = 5'500'000;
  machine.cards.say();
  DOCTEST_CHECK(samples.at("power_w.gpu_0000_0a_00.0", seconds(1)).value == 300.0);
  machine.cards.card(0).erase("lost");
  machine.cards.say();
  sample = samples.sample(seconds(2));
  DOCTEST_CHECK(sample.at("power_w.gpu_0000_c1_00.0").value == 75.0);
  DOCTEST_CHECK(sample.at("temperature_c.gpu_0000_0a_00.0").value == 31.0);
}

DOCTEST_TEST_CASE("a card whose calls take long is asked seldom, and says how old its values are") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  const auto next = [&](int temperature) {
    machine.cards.card()["temperature"] = temperature;
    machine.cards.say();
    return samples.at("temperature_c.gpu", milliseconds(100));
  };
  machine.clock.step = milliseconds(30);
  DOCTEST_CHECK(next(40).value == 40.0);
  DOCTEST_CHECK(next(41).value == 41.0);  // Once is chance; twice is 600 ms.
  for (int i = 1; i < 6; ++i) {
    const auto held = next(50);
    DOCTEST_CHECK(held.value == 41.0);
    DOCTEST_CHECK(held.age == milliseconds(100 * i));
  }
  machine.clock.step = Duration{};
  const auto fresh = next(50);
  DOCTEST_CHECK(fresh.value == 50.0);
  DOCTEST_CHECK(fresh.age == Duration::zero());
  DOCTEST_CHECK(next(51).value == 51.0);
}

DOCTEST_TEST_CASE("a clock that goes backwards asks a card anew") {
  Machine machine;
  auto sensor = machine.sensor();
  Samples samples(sensor);
  machine.clock.step = milliseconds(30);
  samples.sample(milliseconds(100));
  samples.sample(milliseconds(100));
  machine.cards.card()["temperature"] = 60;
  machine.cards.say();
  const auto sample = samples.at("temperature_c.gpu", -seconds(10));
  DOCTEST_CHECK(sample.value == 60.0);
  DOCTEST_CHECK(sample.age == Duration::zero());
}

DOCTEST_TEST_CASE("without a driver's library there is no line unless there is a card") {
  Machine machine;
  machine.calls.library.clear();
  DOCTEST_CHECK(machine.sensor().signals().empty());
  DOCTEST_CHECK(machine.missing.empty());
  // A bridge and the sound of a card are none.
  machine.tree.write("/sys/bus/pci/devices/0000:00:01.0/vendor", "0x10de\n");
  machine.tree.write("/sys/bus/pci/devices/0000:00:01.0/class", "0x060400\n");
  machine.tree.write("/sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n");
  machine.tree.write("/sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n");
  machine.sensor();
  DOCTEST_CHECK(machine.missing.empty());
  machine.list_card("0000:01:00.0");
  DOCTEST_CHECK(machine.sensor().signals().empty());
  DOCTEST_CHECK(machine.lines() ==
                Strings{"libnvidia-ml.so.1: cannot be loaded; install it (Debian's package "
                        "libnvidia-ml1), or let the container have it"});
  machine.tree.remove("/sys/bus/pci");
  machine.tree.make_folder("/proc/driver/nvidia");
  machine.sensor();
  DOCTEST_CHECK(machine.missing.size() == 1);
}

DOCTEST_TEST_CASE("a library that cannot be used is one line") {
  Machine machine;
  machine.list_card("0000:01:00.0");
  machine.calls.library = (machine.tree.path() / "libnvidia-ml.so.1").string();
  machine.tree.write("/libnvidia-ml.so.1", "not a library");
  machine.sensor();
  DOCTEST_REQUIRE(machine.missing.size() == 1);
  DOCTEST_CHECK(machine.missing[0].reason.ends_with("file too short"));
  machine.calls.library = "libm.so.6";
  machine.sensor();
  DOCTEST_CHECK(
      machine.lines() ==
      Strings{"libnvidia-ml.so.1: lacks functions of NVIDIA's management library; install "
              "the driver's own (Debian's package libnvidia-ml1)"});
  machine.calls.library = REIN_FAKE_NVML;
  const std::map<int, std::string> kInits{
      {4,
       "Insufficient Permissions; run as root, or give access to /dev/nvidiactl and the card's "
       "/dev/nvidia*"},
      {9, "Driver Not Loaded; load the driver: modprobe nvidia"},
      {18,
       "Driver/library version mismatch; load the driver anew, or restart the machine: it is not "
       "of the library's version"},
      {999, "Unknown Error; look at what nvidia-smi and the kernel's log say"}};
  for (const auto& [error, line] : kInits) {
    machine.cards.script["init"] = error;
    machine.cards.say();
    DOCTEST_CHECK(machine.sensor().signals().empty());
    DOCTEST_CHECK(machine.lines() == Strings{"libnvidia-ml.so.1: " + line});
  }
  DOCTEST_CHECK(machine.cards.new_calls().empty());
  // Without a card it is of no interest.
  machine.tree.remove("/sys/bus/pci");
  machine.sensor();
  DOCTEST_CHECK(machine.missing.empty());
}

DOCTEST_TEST_CASE("a card that this user may not ask is told, and the others are asked") {
  Machine machine({"0000:01:00.0", "0000:02:00.0"});
  machine.list_card("0000:02:00.0");
  machine.list_card("0000:01:00.0");
  machine.list_card("0000:03:00.0");
  machine.cards.card(0)["closed"] = 4;
  machine.cards.say();
  const auto sensor = machine.sensor();
  DOCTEST_CHECK(test::names(sensor)[0] == kPower);
  DOCTEST_CHECK(
      machine.lines() ==
      Strings{
          "/sys/bus/pci/devices/0000:01:00.0: cannot be asked: Insufficient Permissions; run as "
          "root, or give access to /dev/nvidiactl and the card's /dev/nvidia*",
          "/sys/bus/pci/devices/0000:03:00.0: cannot be asked: Not Found; look at what "
          "nvidia-smi and the kernel's log say"});
}

DOCTEST_TEST_CASE("a card that sleeps was woken by being measured") {
  Machine machine;
  machine.list_card("0000:01:00.0", "suspended");
  DOCTEST_CHECK(machine.sensor().signals().empty());
  const std::string power = "/sys/bus/pci/devices/0000:01:00.0/power";
  DOCTEST_CHECK(machine.lines() ==
                Strings{power +
                        "/runtime_status: holds 'suspended': the card sleeps, and asking "
                        "would wake it; wake it (echo on > " +
                        power + "/control), or give the board file a place with `device: gpu`"});
  DOCTEST_CHECK(machine.cards.new_calls().empty());
  // Who computes on it wakes it anyway.
  DOCTEST_CHECK(machine.sensor({}, /*wakes=*/true).signals().size() == 8);
  DOCTEST_CHECK(machine.missing.empty());
}

DOCTEST_TEST_CASE("a card that offers nothing is let go of") {
  Machine machine;
  machine.list_card("0000:01:00.0");
  machine.cards.script["cards"] = {{{"address", "0000:01:00.0"}}};
  machine.cards.say();
  auto sensor = machine.sensor();
  DOCTEST_CHECK(sensor.signals().empty());
  DOCTEST_CHECK(machine.missing.size() == 8);
  DOCTEST_CHECK(machine.missing[0].reason == "NVML, NVIDIA card: Not Supported");
  DOCTEST_CHECK(machine.cards.new_calls() == Strings{"init", "card 0000:01:00.0", "shutdown"});
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sampler.sample().empty());
}

DOCTEST_TEST_CASE("the library is shut down in the end") {
  Machine machine;
  { const auto sensor = machine.sensor(); }
  // Addresses first, where the kernel lists no cards.
  DOCTEST_CHECK(machine.cards.new_calls() ==
                Strings{"init", "card 0000:01:00.0", "card 0000:01:00.0", "shutdown"});
}

}  // namespace rein
