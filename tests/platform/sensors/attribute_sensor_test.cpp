#include "platform/sensors/attribute_sensor.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "platform/sensor_samples.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Values;

const std::string kFile = "/sys/a/power1_input";

Attribute power(NumberUse use = NumberUse::kLevel) {
  return {.quantity = "power_w", .name = {"rail", ""}, .paths = {kFile}, .use = use, .scale = 1e-6};
}

Attribute temperature() {
  return {
      .quantity = "temperature_c", .name = {"cpu", ""}, .paths = {"/sys/a/temp"}, .scale = 1e-3};
}

/// A sensor of one attribute.
struct Setup {
  explicit Setup(const Attribute& attribute)
      : sensor(root(), test::named(root(), {attribute})), sampler(sensor) {}

  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }
  std::string path(const std::string& kernel_path) { return root().resolve(kernel_path).string(); }
  void write(const std::string& text) { tree.write(kFile, text); }
  Measurement sample(Duration after = {}) { return sampler.sample(after).at(0); }
  std::optional<double> value(Duration after = {}) { return sample(after).value; }

  test::TemporaryTree tree;
  test::FaultyCalls calls;
  AttributeSensor sensor;
  test::Sampler sampler;
};

}  // namespace

DOCTEST_TEST_CASE("a number is scaled, and a product of two files is one value") {
  Attribute rail = power();
  rail.paths = {"/sys/a/curr1_input", "/sys/a/in1_input"};
  Setup setup(rail);
  DOCTEST_CHECK(setup.sensor.signals().at(0).name == "power_w.rail");
  DOCTEST_CHECK(setup.sensor.signals().at(0).unit == "W");
  DOCTEST_CHECK(setup.sensor.signals().at(0).source == "/sys/a/curr1_input x /sys/a/in1_input");
  setup.tree.write("/sys/a/curr1_input", "1200\n");
  setup.tree.write("/sys/a/in1_input", " 5000 \n");
  DOCTEST_CHECK(setup.value() == doctest::Approx(6.0));
  setup.tree.write("/sys/a/in1_input", "");
  DOCTEST_CHECK(setup.sample().problem ==
                setup.path("/sys/a/in1_input") + ": expected a value, found nothing");
}

DOCTEST_TEST_CASE("each file is opened once and read once a sample") {
  Attribute one = power();
  Attribute other = power();
  other.quantity = "power_ours_w";
  other.enable = "/sys/a/enable";
  Setup setup(one);
  setup.write("1000000");
  setup.tree.write("/sys/a/enable", "1");
  AttributeSensor sensor(setup.root(), test::named(setup.root(), {one, other}));
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sampler.values() == Values{1.0, 1.0});
  setup.calls.num_opens = 0;
  setup.calls.num_reads = 0;
  for (int i = 0; i < 5; ++i) {
    sampler.values(milliseconds(100));
  }
  DOCTEST_CHECK(setup.calls.num_opens == 0);
  DOCTEST_CHECK(setup.calls.num_reads == 10);
}

DOCTEST_TEST_CASE("what is no number, or none that can be, has no value and says why") {
  Setup setup(power());
  setup.write("1000000");
  DOCTEST_CHECK(setup.value() == 1.0);
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "expected a value, found nothing"},
      {" \n", "expected a value, found nothing"},
      {"oops\n", "expected a whole number, found 'oops'"},
      {"nan", "expected a whole number, found 'nan'"},
      {"12.5", "expected a whole number, found '12.5'"},
      {"1 2", "expected a whole number, found '1 2'"},
      {"99999999999999999999", "expected a whole number, found '99999999999999999999'"},
      {"-2500000", "expected 0 to 10000 W, found -2.5"},
      {"99999999999", "expected 0 to 10000 W, found 100000"},
  };
  for (const auto& each : cases) {
    const auto& [text, problem] = each;
    DOCTEST_CAPTURE(each.first);
    setup.write(text);
    const Measurement measurement = setup.sample(milliseconds(100));
    DOCTEST_CHECK(measurement.value == std::nullopt);
    DOCTEST_CHECK(measurement.problem == setup.path(kFile) + ": " + problem);
  }
  setup.write("2000000");
  DOCTEST_CHECK(setup.value(milliseconds(100)) == 2.0);
}

DOCTEST_TEST_CASE("a device that is gone has no value, and is read again when it is back") {
  Setup setup(power());
  setup.write("1000000");
  DOCTEST_CHECK(setup.value() == 1.0);
  setup.calls.read_errors[kFile] = ENODEV;
  DOCTEST_CHECK(setup.sample().problem == setup.path(kFile) + ": cannot be read: No such device");
  setup.calls.open_errors[kFile] = ENOENT;
  DOCTEST_CHECK(setup.sample().problem ==
                setup.path(kFile) + ": cannot be read: No such file or directory");
  setup.calls.open_errors.clear();
  setup.calls.read_errors[kFile] = EIO;
  DOCTEST_CHECK(setup.sample().problem ==
                setup.path(kFile) + ": cannot be read: Input/output error");
  setup.calls.read_errors.clear();
  setup.tree.remove(kFile);
  setup.write("3000000");
  DOCTEST_CHECK(setup.value() == 3.0);
}

DOCTEST_TEST_CASE("a temperature outside -40 to 150 degC is none") {
  Setup setup(temperature());
  const auto sample = [&setup](const char* text) {
    setup.tree.write("/sys/a/temp", text);
    return setup.sample(milliseconds(100));
  };
  DOCTEST_CHECK(sample("-256000").problem ==
                setup.path("/sys/a/temp") + ": expected -40 to 150 degC, found -256");
  DOCTEST_CHECK(sample("150001").value == std::nullopt);
  DOCTEST_CHECK(sample("150000").value == 150.0);
  DOCTEST_CHECK(sample("-40000").value == -40.0);
}

DOCTEST_TEST_CASE("power that does not move for 10 s is not measured, until it moves") {
  Setup setup(power());
  setup.write("2500000");
  DOCTEST_CHECK(setup.value() == 2.5);
  DOCTEST_CHECK(setup.value(milliseconds(9999)) == 2.5);
  DOCTEST_CHECK(setup.sample(milliseconds(1)).problem ==
                setup.path(kFile) + ": has not changed for 10 s");
  DOCTEST_CHECK(setup.sample(milliseconds(2900)).problem ==
                setup.path(kFile) + ": has not changed for 12 s");
  setup.write("2500001");
  DOCTEST_CHECK(setup.value(milliseconds(100)) == doctest::Approx(2.500001));
  setup.write("2500000");
  DOCTEST_CHECK(setup.value(seconds(9)) == 2.5);
}

DOCTEST_TEST_CASE("power may stay at 0 for as long as it likes") {
  Setup setup(power());
  setup.write("0");
  DOCTEST_CHECK(setup.value() == 0.0);
  DOCTEST_CHECK(setup.value(seconds(1000)) == 0.0);
}

DOCTEST_TEST_CASE("a temperature that does not move for 300 s is not measured, whatever it is") {
  for (const char* text : {"27800", "-9000"}) {
    DOCTEST_CAPTURE(text);
    Setup setup(temperature());
    setup.tree.write("/sys/a/temp", text);
    setup.sample();
    DOCTEST_CHECK(setup.value(seconds(299)).has_value());
    DOCTEST_CHECK(setup.sample(seconds(1)).problem ==
                  setup.path("/sys/a/temp") + ": has not changed for 300 s");
    setup.tree.write("/sys/a/temp", "28000");
    DOCTEST_CHECK(setup.value(seconds(1)) == 28.0);
  }
}

DOCTEST_TEST_CASE("frequencies, states and flags may stay for ever") {
  Setup setup({.quantity = "frequency_mhz", .name = {"cpu", ""}, .paths = {kFile}, .scale = 1e-3});
  setup.write("600000");
  setup.sample();
  DOCTEST_CHECK(setup.value(seconds(100'000)) == 600.0);
  setup.write("0");
  DOCTEST_CHECK(setup.value(seconds(1)) == std::nullopt);
}

DOCTEST_TEST_CASE("a slow sensor is given three updates before it is said to be stuck") {
  Attribute slow = power();
  slow.update = seconds(5);
  Setup setup(slow);
  setup.write("2500000");
  setup.sample();
  DOCTEST_CHECK(setup.value(milliseconds(14'999)) == 2.5);
  DOCTEST_CHECK(setup.value(milliseconds(1)) == std::nullopt);
}

DOCTEST_TEST_CASE("the age of a sensor of 260 ms at a period of 100 ms follows its updates") {
  Attribute slow = power();
  slow.update = milliseconds(260);
  Setup setup(slow);
  // It measures at 0, 260, 520 and 780 ms, and is read at 50, 150, ... ms.
  const std::vector<std::pair<const char*, int>> samples{
      {"1", 260},                          // Nobody knows when.
      {"1", 260}, {"1", 260}, {"2", 100},  // Between 250 and 350 ms.
      {"2", 200}, {"3", 100}, {"3", 200},
      {"3", 260}, {"3", 260},  // Measured again, with the same result.
  };
  bool first = true;
  for (const auto& [text, age_ms] : samples) {
    setup.write(text);
    const Measurement measurement =
        setup.sample(milliseconds(std::exchange(first, false) ? 50 : 100));
    DOCTEST_CHECK(measurement.value.has_value());
    DOCTEST_CHECK(measurement.age == milliseconds(age_ms));
  }
}

DOCTEST_TEST_CASE("a sensor that says nothing of its updates is of now") {
  Setup setup(power());
  setup.write("1");
  DOCTEST_CHECK(setup.sample().age == Duration::zero());
  DOCTEST_CHECK(setup.sample(milliseconds(100)).age == Duration::zero());
}

DOCTEST_TEST_CASE("energy gives the mean power over the period") {
  Setup setup(power(NumberUse::kRate));
  setup.write("7000000");
  DOCTEST_CHECK(setup.sample().problem.empty());
  setup.write("7500000");
  DOCTEST_CHECK(setup.value(milliseconds(250)) == doctest::Approx(2.0));
  DOCTEST_CHECK(setup.value(milliseconds(250)) == 0.0);
  setup.write("8000000");
  DOCTEST_CHECK(setup.sample().value == std::nullopt);  // In no time.
  DOCTEST_CHECK(setup.sample().problem.empty());
  setup.calls.read_errors[kFile] = EIO;
  setup.sample(milliseconds(100));
  setup.calls.read_errors.clear();
  setup.write("9000000");
  // It would be of two periods.
  DOCTEST_CHECK(setup.value(milliseconds(100)) == std::nullopt);
  setup.write("9100000");
  DOCTEST_CHECK(setup.value(milliseconds(100)) == doctest::Approx(1.0));
  setup.write("100");
  DOCTEST_CHECK(setup.sample(milliseconds(100)).problem ==
                setup.path(kFile) + ": expected a count that grows, found 100 after 9100000");
}

DOCTEST_TEST_CASE("an energy counter that is updated now and then is measured from move to move") {
  Attribute slow = power(NumberUse::kRate);
  slow.update = milliseconds(260);
  Setup setup(slow);
  // 2 W: 0.52 J at each of its updates, at 0, 260, 520, 780 ms; read at 50, 150, ... ms.
  setup.write("0");
  DOCTEST_CHECK(setup.value(milliseconds(50)) == std::nullopt);
  DOCTEST_CHECK(setup.value(milliseconds(100)) == std::nullopt);
  DOCTEST_CHECK(setup.value(milliseconds(100)) == std::nullopt);
  setup.write("520000");
  DOCTEST_CHECK(setup.value(milliseconds(100)) == std::nullopt);  // Of more than was watched.
  DOCTEST_CHECK(setup.value(milliseconds(100)) == std::nullopt);
  setup.write("1040000");
  const Measurement second = setup.sample(milliseconds(100));
  DOCTEST_CHECK(second.value == doctest::Approx(0.52 / 0.2));
  DOCTEST_CHECK(second.age == milliseconds(100));
  DOCTEST_CHECK(setup.value(milliseconds(100)) == doctest::Approx(0.52 / 0.2));
  const Measurement held = setup.sample(milliseconds(100));
  DOCTEST_CHECK(held.value == doctest::Approx(0.52 / 0.2));
  DOCTEST_CHECK(held.age == milliseconds(300));
  setup.write("1560000");
  DOCTEST_CHECK(setup.value(milliseconds(100)) == doctest::Approx(0.52 / 0.3));
  DOCTEST_CHECK(setup.value(milliseconds(700)).has_value());
  DOCTEST_CHECK(setup.sample(milliseconds(100)).problem ==
                setup.path(kFile) + ": has not moved for 800 ms");
}

DOCTEST_TEST_CASE("after a gap such a counter is watched from its next move on") {
  Attribute slow = power(NumberUse::kRate);
  slow.update = milliseconds(260);
  Setup setup(slow);
  for (const char* energy_uj : {"0", "500000", "1000000"}) {
    setup.write(energy_uj);
    setup.sample(milliseconds(250));
  }
  setup.calls.read_errors[kFile] = EIO;
  setup.sample(milliseconds(100));
  setup.calls.read_errors.clear();
  DOCTEST_CHECK(setup.value(milliseconds(100)) == std::nullopt);
  setup.write("1500000");
  DOCTEST_CHECK(setup.value(milliseconds(50)) == std::nullopt);
  setup.write("2000000");
  DOCTEST_CHECK(setup.value(milliseconds(250)) == doctest::Approx(2.0));
}

DOCTEST_TEST_CASE("a counter that was beyond its range did not wrap") {
  Attribute counter = power(NumberUse::kRate);
  counter.wraps_at = 1e12;
  Setup setup(counter);
  setup.write("1000000000001");
  setup.sample();
  setup.write("1000000");
  DOCTEST_CHECK(setup.sample(seconds(1000)).problem ==
                setup.path(kFile) +
                    ": expected a count that grows, found 1000000 after 1000000000001");
}

DOCTEST_TEST_CASE("a file may be read as whole numbers and as decimals") {
  Attribute decimal = power();
  decimal.quantity = "power_ours_w";
  decimal.format = NumberFormat::kDecimal;
  decimal.scale = 1.0;
  Setup setup(power());
  AttributeSensor sensor(setup.root(), test::named(setup.root(), {power(), decimal}));
  setup.write("1.25\n");
  DOCTEST_CHECK(test::Sampler(sensor).values() == Values{std::nullopt, 1.25});
  setup.write("5\n");
  DOCTEST_CHECK(test::Sampler(sensor).values() == Values{5e-6, 5.0});
  for (const char* garbage : {"nan", "inf", "1,5", "0x1"}) {
    DOCTEST_CAPTURE(garbage);
    setup.write(garbage);
    DOCTEST_CHECK(test::Sampler(sensor).sample().at(1).problem ==
                  setup.path(kFile) + ": expected a number, found '" + garbage + "'");
  }
}

DOCTEST_TEST_CASE("a count is how much it grew in the period") {
  Setup setup({.quantity = "throttle_events",
               .name = {"package0", ""},
               .paths = {kFile},
               .use = NumberUse::kGrowth});
  setup.write("40");
  DOCTEST_CHECK(setup.value() == std::nullopt);
  setup.write("43");
  DOCTEST_CHECK(setup.value(milliseconds(10)) == 3.0);
  DOCTEST_CHECK(setup.value(seconds(1000)) == 0.0);
  DOCTEST_CHECK(setup.value() == std::nullopt);
  setup.write("2");
  DOCTEST_CHECK(setup.sample(seconds(1)).problem ==
                setup.path(kFile) + ": expected a count that grows, found 2 after 43");
  setup.write("3");
  DOCTEST_CHECK(setup.value(seconds(1)) == 1.0);
}

DOCTEST_TEST_CASE("bits are read from hexadecimal and decimal text") {
  std::vector<Attribute> bits;
  for (int bit = 0; bit < 4; ++bit) {
    bits.push_back({.quantity = "throttled",
                    .name = {std::to_string(bit), ""},
                    .paths = {kFile},
                    .format = NumberFormat::kBits,
                    .bit = bit});
  }
  Setup setup(power());
  AttributeSensor sensor(setup.root(), test::named(setup.root(), bits));
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sensor.signals().size() == 4);
  const std::vector<std::pair<const char*, Values>> cases{
      {"0", {0.0, 0.0, 0.0, 0.0}},       {"50005\n", {1.0, 0.0, 1.0, 0.0}},
      {"0x50005", {1.0, 0.0, 1.0, 0.0}}, {"327685", {1.0, 0.0, 1.0, 0.0}},
      {"a", {0.0, 1.0, 0.0, 1.0}},       {"10", {0.0, 1.0, 0.0, 1.0}},
      {"f0000", {0.0, 0.0, 0.0, 0.0}},
  };
  for (const auto& each : cases) {
    const auto& [text, values] = each;
    DOCTEST_CAPTURE(each.first);
    setup.write(text);
    setup.calls.num_reads = 0;
    DOCTEST_CHECK(sampler.values(seconds(1)) == values);
    DOCTEST_CHECK(setup.calls.num_reads == 1);
  }
  for (const char* garbage : {"0x", "-1", "throttled=0x0", "100000", "0x10"}) {
    DOCTEST_CAPTURE(garbage);
    setup.write(garbage);
    DOCTEST_CHECK(sampler.sample(seconds(1)).at(0).problem ==
                  setup.path(kFile) + ": expected the bits 0 to 3 and 16 to 19, found '" + garbage +
                      "'");
  }
}

DOCTEST_TEST_CASE("a sensor that must be switched on has no value until it is") {
  Attribute rail = power();
  rail.enable = "/sys/a/enable";
  Setup setup(rail);
  setup.write("1000000");
  setup.tree.write("/sys/a/enable", "0\n");
  DOCTEST_CHECK(setup.sample().problem == setup.path("/sys/a/enable") + ": expected 1, found 0");
  setup.tree.write("/sys/a/enable", "1\n");
  DOCTEST_CHECK(setup.value() == 1.0);
  setup.tree.remove("/sys/a/enable");
  setup.calls.read_errors["/enable"] = EIO;
  DOCTEST_CHECK(setup.sample().problem ==
                setup.path("/sys/a/enable") + ": cannot be read: Input/output error");
}

DOCTEST_TEST_CASE("a clock that goes backwards makes no value and no age up") {
  Attribute slow = power();
  slow.update = milliseconds(260);
  Setup setup(slow);
  setup.write("1");
  setup.sample();
  setup.write("2");
  setup.sample(milliseconds(100));
  std::vector<Measurement> measurements;
  setup.sensor.sample({.now = TimePoint{}, .interval = {}, .threads = {}}, measurements);
  DOCTEST_CHECK(measurements.at(0).value.has_value());
  DOCTEST_CHECK(measurements.at(0).age >= Duration::zero());
  DOCTEST_CHECK(measurements.at(0).age <= milliseconds(260));
}

DOCTEST_TEST_CASE("whole degrees are not believed to be thousandths, and the scale is named") {
  Setup setup(temperature());
  setup.tree.write("/sys/a/temp", "65");
  const std::string remedy =
      "; if its unit is another, the board file gives it: sensors: [{signal: temperature_c.cpu, "
      "path: \"/sys/a/temp\", scale: ";
  DOCTEST_CHECK(setup.sample().problem ==
                setup.path("/sys/a/temp") +
                    ": found 65, which would be 0.065 degC and can hardly be" + remedy + "1}]");
  DOCTEST_CHECK_FALSE(setup.value(seconds(1)).has_value());
  for (const auto& each :
       {std::pair("412", "0.1"), std::pair("950", "0.1"), std::pair("41500000", "1e-06")}) {
    const auto& [text, scale] = each;
    DOCTEST_CAPTURE(each.first);
    setup.tree.write("/sys/a/temp", text);
    DOCTEST_CHECK(setup.sample(seconds(1)).problem.ends_with(remedy + scale + "}]"));
  }
  setup.tree.write("/sys/a/temp", "3");  // Of whatever it is.
  DOCTEST_CHECK(setup.sample(seconds(1)).problem ==
                setup.path("/sys/a/temp") +
                    ": found 3, which would be 0.003 degC and can hardly be");
}

DOCTEST_TEST_CASE("a machine in the cold keeps its temperature, from 0.5 degC on as below 0") {
  Setup setup(temperature());
  const auto at = [&setup](const char* text) {
    setup.tree.write("/sys/a/temp", text);
    return setup.value(seconds(1));
  };
  DOCTEST_CHECK(at("-5000") == -5.0);
  DOCTEST_CHECK(at("500") == 0.5);
  DOCTEST_CHECK(at("0") == 0.0);
  DOCTEST_CHECK(at("-1000") == -1.0);
  DOCTEST_CHECK(at("12000") == 12.0);
  DOCTEST_CHECK(at("900") == 0.9);
}

DOCTEST_TEST_CASE("a machine that is started at 0.5 degC has its temperature once it is warmer") {
  Setup setup(temperature());
  const auto at = [&setup](const char* text) {
    setup.tree.write("/sys/a/temp", text);
    return setup.value(seconds(1));
  };
  DOCTEST_CHECK_FALSE(at("500").has_value());
  DOCTEST_CHECK_FALSE(at("1400").has_value());
  DOCTEST_CHECK(at("1600") == 1.6);
  DOCTEST_CHECK(at("500") == 0.5);
}

DOCTEST_TEST_CASE("a sensor that says 0 or 1 for once is not believed, and again the next time") {
  Setup setup(temperature());
  const auto at = [&setup](const char* text) {
    setup.tree.write("/sys/a/temp", text);
    return setup.value(seconds(1));
  };
  DOCTEST_CHECK(at("65000") == 65.0);
  DOCTEST_CHECK_FALSE(at("0").has_value());
  DOCTEST_CHECK_FALSE(at("1").has_value());
  DOCTEST_CHECK(at("64000") == 64.0);
}

DOCTEST_TEST_CASE("a scale that a board file gives is not doubted") {
  Attribute given = temperature();
  given.scale = 1.0;
  given.is_unit_given = true;
  Setup setup(given);
  setup.tree.write("/sys/a/temp", "1");
  DOCTEST_CHECK(setup.value() == 1.0);
  setup.tree.write("/sys/a/temp", "65000");
  DOCTEST_CHECK(setup.sample(seconds(1)).problem ==
                setup.path("/sys/a/temp") + ": expected -40 to 150 degC, found 65000");
}

DOCTEST_TEST_CASE("a clock that is far from its operating points is in another unit") {
  Setup setup({.quantity = "frequency_mhz",
               .name = {"cpu", ""},
               .paths = {kFile},
               .scale = 1e-3,
               .min = 10.0,
               .max = 72e3});
  setup.write("1440000000");  // Hz.
  DOCTEST_CHECK(setup.sample().problem ==
                setup.path(kFile) +
                    ": expected 10 to 72000 MHz, found 1.44e+06; if its unit is another, the board "
                    "file gives it: sensors: [{signal: frequency_mhz.cpu, path: "
                    "\"/sys/a/power1_input\", scale: 1e-06}]");
  setup.write("1440");  // MHz.
  DOCTEST_CHECK(setup.sample(seconds(1)).problem.ends_with("scale: 1}]"));
  setup.write("1440000");
  DOCTEST_CHECK(setup.value(seconds(1)) == 1440.0);
}

}  // namespace rein
