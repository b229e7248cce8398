#include "platform/board/board.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/random.hpp"
#include "common/yaml_text.hpp"
#include "platform/board/domain_path.hpp"
#include "platform/controls/frequency_domain.hpp"
#include "platform/sensors/linux_sensors.hpp"
#include "support/board_tree.hpp"
#include "support/odd_text.hpp"
#include "support/simulated_board.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

Board load(const std::string& text) { return Board::from_yaml(ConfigNode::parse(text, "b.yaml")); }

const std::string kHead = "name: x\ncpus: \"0-3\"\n";
const std::string kPlaces = "places: [{name: a, cpus: \"0\"}]\n";

void check_message(const std::string& text, const std::string& message) {
  DOCTEST_CHECK_THROWS_WITH_AS(load(text), message.c_str(), ConfigError);
}

/// Of what stands in the fourth line, behind a board that is right.
void check_fourth_line(const std::string& line, const std::string& message) {
  check_message(kHead + kPlaces + line + "\n", "b.yaml:4:" + message);
}

std::vector<std::string> names_of(const std::vector<DomainSpec>& domains) {
  std::vector<std::string> names;
  std::ranges::transform(domains, std::back_inserter(names), [](const DomainSpec& domain) {
    return std::string(kind_of(domain.interface)) + " " + domain.name;
  });
  return names;
}

Board detect(const std::string& tree) { return Board::detect(test::BoardTree(tree).root()); }

}  // namespace

DOCTEST_TEST_CASE("a board file is read whole") {
  const Board board = load(
      "name: A board\n"
      "cpus: \"0-3\"\n"
      "domains:\n"
      "  - {name: little, policy: policy0, cpus: \"0-1\", opps_mhz: [200, 1400], opps_v: [0.9, "
      "1.2]}\n"
      "  - {name: big, policy: [policy2, /sys/devices/system/cpu/cpu2/cpufreq], cpus: \"2-3\"}\n"
      "  - {name: gpu, devfreq: [17000000.g*, \"/sys/devices/gpu.0/devfreq/*\"]}\n"
      "  - {name: memory, bpmp: /sys/kernel/debug/bpmp/debug/clk/emc, opps_mhz: [204, 1600]}\n"
      "  - {name: mali, mali: /sys/class/misc/mali0/device}\n"
      "places:\n"
      "  - {name: little2, cpus: \"0-1\", threads: 1, offline: \"2-3\"}\n"
      "  - {name: all, device: cpu, cpus: \"0-3\"}\n"
      "  - {name: gpu, device: gpu, cpus: \"3\"}\n"
      "sensors:\n"
      "  - {signal: power_w.A15, path: /sys/a/*/sensor_W, update_ms: 263, enable: "
      "/sys/a/*/enable}\n"
      "  - {signal: load_share.gpu, path: /sys/devices/gpu.0/load, scale: 0.001}\n"
      "total_power: [A15, package-0]\n"
      "trips:\n"
      "  - {zone: cpu0-thermal, kind: passive, temperature_c: 85, hysteresis_c: 10}\n"
      "  - {zone: cpu0-thermal, kind: critical, temperature_c: 120}\n"
      "bandwidth: {name: app, levels_cpus: [0.5, 4], period_ms: 20}\n"
      "power_model: {idle_w: 1.5, cpu_w: 2}\n");
  DOCTEST_CHECK(board.name == "A board");
  DOCTEST_CHECK(board.cpus == CpuList{0, 1, 2, 3});
  DOCTEST_CHECK(names_of(board.domains) == std::vector<std::string>{"cpufreq little", "cpufreq big",
                                                                    "devfreq gpu", "bpmp memory",
                                                                    "mali mali"});
  DOCTEST_CHECK(board.domains[0].paths == std::vector<std::string>{"policy0"});
  DOCTEST_CHECK(board.domains[0].opps_mhz == std::vector<double>{200, 1400});
  DOCTEST_CHECK(board.domains[0].opps_v == std::vector<double>{0.9, 1.2});
  DOCTEST_CHECK(board.domains[1].paths ==
                std::vector<std::string>{"policy2", "/sys/devices/system/cpu/cpu2/cpufreq"});
  DOCTEST_CHECK(board.domains[1].opps_mhz.empty());
  DOCTEST_CHECK(board.domains[2].cpus.empty());
  DOCTEST_CHECK(board.domains[2].paths.size() == 2);
  DOCTEST_REQUIRE(board.places.size() == 3);
  DOCTEST_CHECK(board.places[0].device == "cpu");
  DOCTEST_CHECK(board.places[0].threads == 1);
  DOCTEST_CHECK(board.places[0].offline == CpuList{2, 3});
  DOCTEST_CHECK(board.places[1].threads == 4);
  DOCTEST_CHECK(board.places[1].offline.empty());
  DOCTEST_CHECK(board.places[2].device == "gpu");
  DOCTEST_REQUIRE(board.sensors.size() == 2);
  DOCTEST_CHECK(board.sensors[0].signal == "power_w.A15");
  DOCTEST_CHECK(board.sensors[0].path == "/sys/a/*/sensor_W");
  DOCTEST_CHECK(board.sensors[0].scale == 1.0);
  DOCTEST_CHECK(board.sensors[0].update_ms == 263.0);
  DOCTEST_CHECK(board.sensors[0].enable == "/sys/a/*/enable");
  DOCTEST_CHECK(board.sensors[1].scale == 0.001);
  DOCTEST_CHECK(board.sensors[1].enable.empty());
  DOCTEST_CHECK(board.total_power == std::vector<std::string>{"A15", "package-0"});
  DOCTEST_REQUIRE(board.trips.size() == 2);
  DOCTEST_CHECK(board.trips[0].zone == "cpu0-thermal");
  DOCTEST_CHECK(board.trips[0].kind == "passive");
  DOCTEST_CHECK(board.trips[0].temperature_c == 85.0);
  DOCTEST_CHECK(board.trips[0].hysteresis_c == 10.0);
  DOCTEST_CHECK(board.trips[1].hysteresis_c == 0.0);
  DOCTEST_REQUIRE(board.bandwidth);
  DOCTEST_CHECK(board.bandwidth->name == "app");
  DOCTEST_CHECK(board.bandwidth->levels_cpus == std::vector<double>{0.5, 4});
  DOCTEST_CHECK(board.bandwidth->period_ms == 20.0);
  DOCTEST_CHECK(board.power_model.idle_w == 1.5);
  DOCTEST_CHECK(board.power_model.cpu_w == 2.0);

  const Board again = load(board.to_yaml());
  DOCTEST_CHECK(again.to_yaml() == board.to_yaml());
  DOCTEST_CHECK(again.domains[1].paths == board.domains[1].paths);
  DOCTEST_CHECK(again.domains[0].opps_v == board.domains[0].opps_v);
  DOCTEST_CHECK(again.domains[3].interface == ClockInterface::kBpmp);
  DOCTEST_CHECK(again.places[0].offline == board.places[0].offline);
  DOCTEST_CHECK(again.sensors[1].scale == board.sensors[1].scale);
  DOCTEST_CHECK(again.trips[0].hysteresis_c == board.trips[0].hysteresis_c);
}

DOCTEST_TEST_CASE("the example in the documentation is a board") {
  const std::string page = read_file(REIN_SOURCE_DIR "/docs/boards.md");
  const std::string fence = "```yaml\n";
  const std::size_t begin = page.find(fence) + fence.size();
  const Board board = load(page.substr(begin, page.find("```", begin) - begin));
  DOCTEST_CHECK(board.domains.size() == 3);
  DOCTEST_CHECK(board.sensors.size() == 1);
}

DOCTEST_TEST_CASE("mistakes in a board file are told with their place") {
  check_message(kHead, "b.yaml:1:1: places: expected this key, found nothing");
  check_message(kHead + "places: []\n",
                "b.yaml:3:9: places: expected at least one place, found a list");
  check_fourth_line(
      "sensor: 1",
      "1: sensor: expected one of bandwidth, cpus, domains, name, places, "
      "power_model, sensors, simulation, temperature, total_power, trips, found the unknown key "
      "'sensor'");
  check_message("name: x\ncpus: \"0-\"\n" + kPlaces,
                "b.yaml:2:7: cpus: expected CPU numbers as in '0-2,4', found '0-'");
}

DOCTEST_TEST_CASE("mistakes in places are told with their place") {
  check_message(kHead + "places: [{name: a, cpus: \"3-4\"}]\n",
                "b.yaml:3:26: places.0.cpus: expected CPUs among the board's 0-3, found '3-4'");
  check_message(kHead + "places: [{name: a, cpus: \"0-1\", threads: 3}]\n",
                "b.yaml:3:42: places.0.threads: expected a whole number from 1 to 2, found '3'");
  check_message(kHead + "places: [{name: a, cpus: \"0\"}, {name: a, cpus: \"1\"}]\n",
                "b.yaml:3:39: places.1.name: expected a name that is not taken, found 'a'");
  check_message(kHead + "places: [{name: \"a b\", cpus: \"0\"}]\n",
                "b.yaml:3:17: places.0.name: expected a name of letters, digits, '_' and '-', "
                "found 'a b'");
  check_message(kHead + "places: [{name: a, cpus: \"0\", device: npu}]\n",
                "b.yaml:3:39: places.0.device: expected one of cpu, gpu, found 'npu'");
  check_message(kHead + "places: [{name: a, cpus: \"0-1\", offline: \"1-2\"}]\n",
                "b.yaml:3:42: places.0.offline: expected CPUs that the place does not use, found "
                "'1-2'");
  check_message(kHead + "places: [{name: a, cpus: \"0\", offline: \"4\"}]\n",
                "b.yaml:3:40: places.0.offline: expected CPUs among the board's 0-3, found '4'");
}

DOCTEST_TEST_CASE("mistakes in the directories of domains are told with their place") {
  check_fourth_line("domains: [{name: d, policy: cpu0, cpus: \"0\"}]",
                    "29: domains.0.policy: expected a cpufreq directory such as 'policy0' or "
                    "'policy{0-3}', or a path below /sys, found 'cpu0'");
  check_fourth_line("domains: [{name: d, policy: \"policy{a}\", cpus: \"0\"}]",
                    "29: domains.0.policy: expected a cpufreq directory such as 'policy0' or "
                    "'policy{0-3}', or a path below /sys, found 'policy{a}'");
  check_fourth_line("domains: [{name: d, devfreq: devfreq/gpu}]",
                    "30: domains.0.devfreq: expected a device in /sys/class/devfreq, or its path "
                    "below /sys, found 'devfreq/gpu'");
  check_fourth_line("domains: [{name: d, bpmp: emc}]",
                    "27: domains.0.bpmp: expected a path that begins with '/sys/', found 'emc'");
  check_fourth_line(
      "domains: [{name: d, mali: [/sys/a, mali0]}]",
      "36: domains.0.mali.1: expected a path that begins with '/sys/', found 'mali0'");
  check_fourth_line("domains: [{name: d, devfreq: []}]",
                    "30: domains.0.devfreq: expected at least one path, found a list");
  check_fourth_line("domains: [{name: d, cpus: \"0\"}]",
                    "11: domains.0: expected one of policy, devfreq, bpmp and mali, found none");
  check_fourth_line("domains: [{name: d, policy: policy0, mali: /sys/a, cpus: \"0\"}]",
                    "11: domains.0: expected one of policy, devfreq, bpmp and mali, found policy "
                    "and mali");
  check_fourth_line(
      "domains: [{name: d, policy: policy0, cpus: \"0\"}, {name: e, policy: policy0, "
      "cpus: \"1\"}]",
      "68: domains.1.policy: expected a path that is not taken, found 'policy0'");
}

DOCTEST_TEST_CASE("mistakes in what domains hold are told with their place") {
  check_fourth_line("domains: [{name: d, policy: policy0}]",
                    "11: domains.0.cpus: expected this key, found nothing");
  check_fourth_line("domains: [{name: d, devfreq: gpu, cpus: \"0\"}]",
                    "41: domains.0.cpus: expected no CPUs: only a domain with 'policy' has them, "
                    "found '0'");
  check_fourth_line("domains: [{name: d, policy: policy0, cpus: \"0\", opps_mhz: [2, 1]}]",
                    "59: domains.0.opps_mhz: expected numbers in ascending order, each once, "
                    "found 2 before 1");
  check_fourth_line("domains: [{name: d, devfreq: gpu, opps_mhz: [1, 2], opps_v: [1]}]",
                    "61: domains.0.opps_v: expected one number for each of the 2 in opps_mhz, "
                    "found 1");
  check_fourth_line("domains: [{name: d, devfreq: gpu, opps_v: [1]}]",
                    "43: domains.0.opps_v: expected one number for each of the 0 in opps_mhz, "
                    "found 1");
  check_fourth_line("domains: [{name: d, devfreq: gpu, opps_mhz: [1], opps_v: [0]}]",
                    "59: domains.0.opps_v.0: expected a number from 0.001 to 1000 V, found '0'");
  check_fourth_line("domains: [{name: d, devfreq: gpu, opp: [1]}]",
                    "35: domains.0.opp: expected one of bpmp, control, cpus, devfreq, mali, name, "
                    "opps_mhz, opps_v, policy, found the unknown key 'opp'");
}

DOCTEST_TEST_CASE("mistakes in sensors are told with their place") {
  const std::string signals =
      "expected 'power_w', or a name behind one of power_w, temperature_c, frequency_mhz, "
      "voltage_v, current_a, load_share as in 'power_w.A15', found ";
  check_fourth_line("sensors: [{signal: power.A15, path: /a}]",
                    "20: sensors.0.signal: " + signals + "'power.A15'");
  check_fourth_line("sensors: [{signal: temperature_c, path: /a}]",
                    "20: sensors.0.signal: " + signals + "'temperature_c'");
  check_fourth_line("sensors: [{signal: \"power_w.a b\", path: /a}]",
                    "20: sensors.0.signal: " + signals + "'power_w.a b'");
  check_fourth_line("sensors: [{signal: power_w.a, path: /a}, {signal: power_w.a, path: /b}]",
                    "51: sensors.1.signal: expected a signal that is not taken, found 'power_w.a'");
  check_fourth_line("sensors: [{signal: power_w.a}]",
                    "11: sensors.0.path: expected this key, found nothing");
  check_fourth_line("sensors: [{signal: power_w.a, path: a}]",
                    "37: sensors.0.path: expected a path that begins with '/', found 'a'");
  check_fourth_line("sensors: [{signal: power_w.a, path: /a, scale: 0}]",
                    "48: sensors.0.scale: expected a number from 1e-12 to 1e+12, found '0'");
  check_fourth_line("sensors: [{signal: power_w.a, path: /a, update_ms: -1}]",
                    "52: sensors.0.update_ms: expected a number from 0 to 3600000 ms, found '-1'");
  check_fourth_line("sensors: [{signal: power_w.a, path: /a, enable: a}]",
                    "49: sensors.0.enable: expected a path that begins with '/sys/', found 'a'");
  check_fourth_line("sensors: [{signal: power_w.a, path: /a, unit: W}]",
                    "41: sensors.0.unit: expected one of enable, path, scale, signal, update_ms, "
                    "found the unknown key 'unit'");
}

DOCTEST_TEST_CASE("mistakes in the total power and in trip points are told with their place") {
  check_fourth_line("total_power: [a, a]",
                    "18: total_power.1: expected a rail that is not taken, found 'a'");
  check_fourth_line("total_power: [\"power w\"]",
                    "15: total_power.0: expected a rail, as it comes behind 'power_w.', found "
                    "'power w'");
  check_fourth_line(
      "total_power: [a]\nsensors: [{signal: power_w, path: /a}]",
      "14: total_power: expected no rails, as a sensor gives 'power_w', found a list");
  check_fourth_line("trips: [{zone: z, kind: warm, temperature_c: 1}]",
                    "25: trips.0.kind: expected one of active, passive, hot, critical, found "
                    "'warm'");
  check_fourth_line("trips: [{zone: z, kind: hot}]",
                    "9: trips.0.temperature_c: expected this key, found nothing");
  check_fourth_line("trips: [{zone: z, kind: hot, temperature_c: 1, hysteresis_c: -1}]",
                    "62: trips.0.hysteresis_c: expected a number from 0 to 1000 K, found '-1'");
  check_fourth_line("trips: [{zone: z, kind: hot, temperature_c: 1, temp: 1}]",
                    "48: trips.0.temp: expected one of hysteresis_c, kind, temperature_c, zone, "
                    "found the unknown key 'temp'");
}

DOCTEST_TEST_CASE("mistakes in bandwidth and power model are told with their place") {
  check_fourth_line("bandwidth: {levels_cpus: [1, 1]}",
                    "26: bandwidth.levels_cpus: expected numbers in ascending order, each "
                    "once, found 1 before 1");
  check_fourth_line("bandwidth: {levels_cpus: [0.05, 1], period_ms: 10}",
                    "26: bandwidth.levels_cpus: expected levels of at least 1 ms in a period "
                    "of 10 ms, found 0.05 CPUs, which are 0.5 ms");
  check_fourth_line("bandwidth: {levels_cpus: [1], period_ms: 0.5}",
                    "42: bandwidth.period_ms: expected a number from 1 to 1000 ms, found '0.5'");
  check_fourth_line("power_model: {idle_w: -1, cpu_w: 1}",
                    "23: power_model.idle_w: expected a number from 0 to 1000000 W, found '-1'");
  check_fourth_line("power_model: {idle_w: 1}",
                    "14: power_model.cpu_w: expected this key, found nothing");
}

DOCTEST_TEST_CASE("a big.LITTLE machine is found, and its file reads back to the same") {
  const test::TemporaryTree tree;
  const std::string cpu = "/sys/devices/system/cpu";
  tree.write(cpu + "/online", "0-3\n");
  tree.write("/proc/device-tree/model", "Board \"X\"\n");
  tree.write(cpu + "/cpufreq/policy0/affected_cpus", "0 1\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_available_frequencies", "200000 1400000\n");
  tree.write(cpu + "/cpufreq/policy2/affected_cpus", "2 3\n");
  tree.write(cpu + "/cpufreq/policy2/cpuinfo_min_freq", "1000000\n");
  tree.write(cpu + "/cpufreq/policy2/cpuinfo_max_freq", "2000000\n");

  const Board board = Board::detect(tree.root());
  DOCTEST_CHECK(board.name == "Board \"X\"");
  DOCTEST_REQUIRE(board.domains.size() == 2);
  DOCTEST_CHECK(board.domains[0].opps_mhz == std::vector<double>{200, 1400});
  DOCTEST_CHECK(board.domains[1].opps_mhz == std::vector<double>{1000, 1250, 1500, 1750, 2000});
  std::vector<std::string> places;
  for (const auto& place : board.places) {
    places.push_back(place.name + ":" + format_cpu_list(place.cpus));
  }
  DOCTEST_CHECK(places == std::vector<std::string>{"cpu0:0", "cpu1:1", "cpu2:2", "cpu3:3",
                                                   "policy0:0-1", "policy2:2-3", "all4:0-3"});
  DOCTEST_CHECK(board.bandwidth->levels_cpus == std::vector<double>{2, 4});
  DOCTEST_CHECK(load(board.to_yaml()).to_yaml() == board.to_yaml());
}

DOCTEST_TEST_CASE("of many CPUs only the first of each domain is a place") {
  const test::TemporaryTree tree;
  const std::string cpu = "/sys/devices/system/cpu";
  tree.write(cpu + "/online", "0-11");
  tree.write(cpu + "/cpufreq/policy0/affected_cpus", "0 1 2 3");
  tree.write(cpu + "/cpufreq/policy4/affected_cpus", "4 5 6 7 8 9 10 11");
  std::vector<std::string> places;
  for (const auto& place : Board::detect(tree.root()).places) {
    places.push_back(place.name);
  }
  DOCTEST_CHECK(places == std::vector<std::string>{"cpu0", "cpu4", "policy0", "policy4", "all12"});
  // Alike they are one domain, and the clusters are places all the same.
  for (const char* policy : {"policy0", "policy4"}) {
    tree.write(cpu + "/cpufreq/" + policy + "/cpuinfo_min_freq", "400000\n");
    tree.write(cpu + "/cpufreq/" + policy + "/cpuinfo_max_freq", "2000000\n");
  }
  places.clear();
  const Board board = Board::detect(tree.root());
  DOCTEST_CHECK(names_of(board.domains) == std::vector<std::string>{"cpufreq cpu0-11"});
  for (const auto& place : board.places) {
    places.push_back(place.name);
  }
  DOCTEST_CHECK(places == std::vector<std::string>{"cpu0", "first4", "first6", "policy4", "all12"});
}

DOCTEST_TEST_CASE(
    "a machine of one CPU has one place, and one without a list of CPUs is an error") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0\n");
  DOCTEST_CHECK(Board::detect(tree.root()).places.size() == 1);
  tree.write("/sys/devices/system/cpu/online", "\n");
  DOCTEST_CHECK_THROWS_AS(Board::detect(tree.root()), Error);
  tree.remove("/sys");
  const std::string message = tree.root().resolve("/sys/devices/system/cpu/online").string() +
                              ": cannot be read: No such file or directory";
  DOCTEST_CHECK_THROWS_WITH_AS(Board::detect(tree.root()), message.c_str(), Error);
}

DOCTEST_TEST_CASE("a board without a name in its firmware has the name of its main board") {
  DOCTEST_CHECK(detect("amd-pc").name == "B450M Pro4");
  DOCTEST_CHECK(detect("intel-pc").name == "Inspiron 15 3520");
  DOCTEST_CHECK(detect("odroid-xu3").name == "Hardkernel odroid-xu3 board based on EXYNOS5422");
}

DOCTEST_TEST_CASE("clocks are found behind every interface, each once, by names that people know") {
  using Names = std::vector<std::string>;
  DOCTEST_CHECK(names_of(detect("odroid-xu3").domains) ==
                Names{"cpufreq policy0", "cpufreq policy4", "mali gpu"});
  DOCTEST_CHECK(names_of(detect("odroid-xu4").domains) ==
                Names{"cpufreq policy0", "cpufreq policy4", "devfreq gpu"});
  DOCTEST_CHECK(names_of(detect("jetson-tx2").domains) ==
                Names{"cpufreq policy0", "cpufreq policy1", "devfreq gpu"});
  // Its video engine lists no frequencies.
  DOCTEST_CHECK(names_of(detect("jetson-nano").domains) == Names{"cpufreq policy0", "devfreq gpu"});
  DOCTEST_CHECK(names_of(detect("raspberry-pi-4").domains) == Names{"cpufreq policy0"});
  DOCTEST_CHECK(detect("intel-pc").domains.size() == 2);
}

DOCTEST_TEST_CASE("policies of single CPUs with the same operating points are one domain") {
  const Board board = detect("intel-pc");
  DOCTEST_REQUIRE(board.domains.size() == 2);
  DOCTEST_CHECK(board.domains[0].name == "cpu0-3");
  DOCTEST_CHECK(board.domains[0].paths == std::vector<std::string>{"policy{0-3}"});
  DOCTEST_CHECK(board.domains[0].cpus == CpuList{0, 1, 2, 3});
  DOCTEST_CHECK(board.domains[1].name == "cpu4-7");
}

DOCTEST_TEST_CASE(
    "a GPU that only its own directory shows is found, and two devices have two names") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0\n");
  tree.write("/sys/devices/gpu.0/devfreq/57000000.gpu/available_frequencies", "76800000\n");
  DOCTEST_CHECK(names_of(Board::detect(tree.root()).domains) ==
                std::vector<std::string>{"devfreq gpu"});
  for (const char* device : {"1.gpu", "2.mali", "3d84000.ufshc", "soc:a bus"}) {
    tree.write(std::string("/sys/class/devfreq/") + device + "/available_frequencies",
               "100000000\n");
  }
  const Board board = Board::detect(tree.root());
  DOCTEST_CHECK(names_of(board.domains) ==
                std::vector<std::string>{"devfreq gpu", "devfreq gpu2", "devfreq gpu3"});
  DOCTEST_CHECK(load(board.to_yaml()).to_yaml() == board.to_yaml());
}

DOCTEST_TEST_CASE(
    "a core of a PC became a domain of its own because its highest frequency is its own") {
  const Board board = detect("reported/ryzen-each-core-its-own-max");
  DOCTEST_REQUIRE(board.domains.size() == 1);
  DOCTEST_CHECK(board.domains[0].paths == std::vector<std::string>{"policy{0-15}"});
  DOCTEST_CHECK(board.domains[0].cpus.size() == 16);
  DOCTEST_CHECK(board.domains[0].opps_mhz == std::vector<double>{400, 1580, 2759, 3939, 5118});
  DOCTEST_CHECK(load(board.to_yaml()).to_yaml() == board.to_yaml());
}

DOCTEST_TEST_CASE("cores of another kind stay a domain of their own") {
  const test::TemporaryTree tree;
  const std::string cpu = "/sys/devices/system/cpu";
  tree.write(cpu + "/online", "0-7\n");
  for (int i = 0; i < 8; ++i) {
    const std::string policy = cpu + "/cpufreq/policy" + std::to_string(i);
    tree.write(policy + "/affected_cpus", std::to_string(i) + "\n");
    tree.write(policy + "/cpuinfo_min_freq", "400000\n");
    tree.write(policy + "/cpuinfo_max_freq", i < 2   ? "5200000\n"
                                             : i < 4 ? "5000000\n"
                                                     : "3900000\n");
    tree.write(policy + "/scaling_driver", "intel_pstate\n");
  }
  using Names = std::vector<std::string>;
  DOCTEST_CHECK(names_of(Board::detect(tree.root()).domains) ==
                Names{"cpufreq cpu0-3", "cpufreq cpu4-7"});
  // As fast, and still less: the scheduler knows.
  for (int i = 0; i < 8; ++i) {
    tree.write(cpu + "/cpufreq/policy" + std::to_string(i) + "/cpuinfo_max_freq", "2000000\n");
    tree.write(cpu + "/cpu" + std::to_string(i) + "/cpu_capacity", i < 6 ? "1024\n" : "430\n");
  }
  DOCTEST_CHECK(names_of(Board::detect(tree.root()).domains) ==
                Names{"cpufreq cpu0-5", "cpufreq cpu6-7"});
  // The threads of one core are together whatever else is said.
  tree.write(cpu + "/cpu5/topology/thread_siblings_list", "5-6\n");
  DOCTEST_CHECK(names_of(Board::detect(tree.root()).domains) == Names{"cpufreq cpu0-7"});
}

DOCTEST_TEST_CASE("storage, video, memory and votes for bandwidth were set by a run") {
  const auto devices = [](const std::string& tree) {
    std::vector<std::string> names;
    for (const auto& domain : detect(tree).domains) {
      if (domain.cpus.empty()) {
        names.push_back(domain.paths.front());
        DOCTEST_CHECK_FALSE(domain.control);
      }
    }
    return names;
  };
  using Names = std::vector<std::string>;
  DOCTEST_CHECK(devices("reported/xperia-devfreq-megabytes") == Names{"5000000.qcom,kgsl-3d0"});
  DOCTEST_CHECK(devices("reported/jetson-thor-vin") == Names{"gpu-gpc-0"});
  DOCTEST_CHECK(devices("reported/orange-pi-5-vendor-kernel") == Names{"fb000000.gpu"});
  DOCTEST_CHECK(devices("reported/snapdragon-laptop-battery") == Names{"3d00000.gpu"});
}

DOCTEST_TEST_CASE("a board that was found has a handful of operating points and of places") {
  for (const auto& name : test::board_tree_names()) {
    DOCTEST_CAPTURE(name);
    const Board board = detect(name);
    for (const auto& domain : board.domains) {
      DOCTEST_CHECK(domain.opps_mhz.size() <= 5);
    }
    DOCTEST_CHECK(board.places.size() <= 24);
  }
  std::vector<std::string> places;
  for (const auto& place : detect("reported/altra-80-cpus-xgene-power").places) {
    places.push_back(place.name + ":" + format_cpu_list(place.cpus));
  }
  DOCTEST_CHECK(places == std::vector<std::string>{"cpu0:0", "first4:0-3", "first16:0-15",
                                                   "first40:0-39", "all80:0-79"});
}

DOCTEST_TEST_CASE("the CPUs of a container were those that it numbers anew") {
  const test::BoardTree tree("reported/lxc-few-of-the-hosts-cpus");
  DOCTEST_CHECK(Board::detect(tree.root()).cpus == CpuList{24, 25, 26, 27, 28});
}

DOCTEST_TEST_CASE("isolated CPUs are left alone by a board that is found") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0-3\n");
  tree.write("/sys/devices/system/cpu/isolated", "2-3\n");
  DOCTEST_CHECK(Board::detect(tree.root()).cpus == CpuList{0, 1});
  tree.write("/proc/self/status", "Name:\trein\nCpus_allowed_list:\t2-63\n");
  DOCTEST_CHECK(Board::detect(tree.root()).cpus == CpuList{2, 3});
}

DOCTEST_TEST_CASE("before Linux 4.3 the CPUs' own directories are the domains") {
  const Board board = detect("odroid-xu3");
  DOCTEST_CHECK(board.domains[0].paths ==
                std::vector<std::string>{"/sys/devices/system/cpu/cpu0/cpufreq"});
  DOCTEST_CHECK(board.domains[1].cpus == CpuList{4, 5, 6, 7});
  DOCTEST_CHECK(board.domains[1].opps_mhz == std::vector<double>{200, 600, 1100, 1500, 2000});
}

DOCTEST_TEST_CASE("CPUs that are off have no domain") {
  const Board board = detect("jetson-orin-nano-7w");
  DOCTEST_CHECK(board.cpus == CpuList{0, 1, 2, 3});
  DOCTEST_CHECK(names_of(board.domains) ==
                std::vector<std::string>{"cpufreq policy0", "devfreq gpu"});
}

DOCTEST_TEST_CASE("the power sensors of an Odroid are found with their rails") {
  const Board board = detect("odroid-xu3");
  DOCTEST_REQUIRE(board.sensors.size() == 4);
  DOCTEST_CHECK(board.sensors[0].signal == "power_w.A15");
  DOCTEST_CHECK(board.sensors[0].path == "/sys/bus/i2c/drivers/INA231/3-0040/sensor_W");
  DOCTEST_CHECK(board.sensors[0].enable == "/sys/bus/i2c/drivers/INA231/3-0040/enable");
  DOCTEST_CHECK(board.sensors[0].update_ms == doctest::Approx(263.808));
  DOCTEST_CHECK(board.sensors[3].signal == "power_w.A7");
  DOCTEST_CHECK(board.total_power.empty());
}

DOCTEST_TEST_CASE("trip points are found with their zone, and those that are not set are none") {
  const auto trips = detect("odroid-xu4").trips;
  DOCTEST_REQUIRE(trips.size() == 26);
  DOCTEST_CHECK(trips[4].zone == "cpu0-thermal");
  DOCTEST_CHECK(trips[4].kind == "passive");
  DOCTEST_CHECK(trips[4].temperature_c == 70.0);
  DOCTEST_CHECK(trips[4].hysteresis_c == 10.0);
  for (const auto& trip : detect("intel-pc").trips) {
    DOCTEST_CHECK(trip.temperature_c > 0.0);
    DOCTEST_CHECK(trip.zone != "iwlwifi_1");
  }
}

DOCTEST_TEST_CASE("every tree gives a board whose file reads back to the same") {
  for (const auto& name : test::board_tree_names()) {
    DOCTEST_CAPTURE(name);
    const Board board = detect(name);
    DOCTEST_CHECK(load(board.to_yaml()).to_yaml() == board.to_yaml());
  }
}

DOCTEST_TEST_CASE("every board file fits the kernel's files of its board") {
  int num_boards = 0;
  for (const auto& entry : std::filesystem::directory_iterator(REIN_SOURCE_DIR "/configs/boards")) {
    DOCTEST_CAPTURE(entry.path());
    const Board board = Board::from_yaml(ConfigNode::load(entry.path()));
    DOCTEST_CHECK(load(board.to_yaml()).to_yaml() == board.to_yaml());
    if (entry.path().stem() == "pc") {
      continue;  // Nobody's machine: it is there to be simulated.
    }
    const test::BoardTree tree(entry.path().stem().string());
    ++num_boards;

    DOCTEST_CHECK(board.cpus == Board::detect(tree.root()).cpus);
    for (const auto& domain : board.domains) {
      DOCTEST_CAPTURE(domain.name);
      DOCTEST_CHECK_FALSE(FrequencyDomain::obstacle(tree.root(), domain));
      const auto folder = domain_path(tree.root(), domain);
      DOCTEST_REQUIRE(folder);
      const ClockFiles& files = ClockFiles::of(domain.interface);
      const auto listed = kernel_opps_mhz(tree.root(), *folder, files);
      // Where the kernel lists what it takes, the board has nothing else.
      if (*files.opps != '\0' && tree.root().exists(*folder + "/" + files.opps)) {
        DOCTEST_CHECK(std::ranges::includes(listed, domain.opps_mhz));
      }
      DOCTEST_CHECK(domain.opps_mhz.front() >= listed.front());
      DOCTEST_CHECK(domain.opps_mhz.back() <= listed.back());
    }

    LinuxSensors sensors(board, tree.root());
    const auto has_signal = [&sensors](const std::string& name) {
      return std::ranges::find(sensors.signals(), name, &Signal::name) != sensors.signals().end();
    };
    for (const auto& sensor : board.sensors) {
      DOCTEST_CAPTURE(sensor.signal);
      DOCTEST_CHECK(tree.root().find(sensor.path).size() == 1);
      DOCTEST_CHECK((sensor.enable.empty() || tree.root().find(sensor.enable).size() == 1));
    }
    for (const auto& rail : board.total_power) {
      DOCTEST_CAPTURE(rail);
      DOCTEST_CHECK(has_signal("power_w." + rail));
    }
    DOCTEST_CHECK(has_signal("power_w"));
  }
  DOCTEST_CHECK(num_boards == 11);
}

DOCTEST_TEST_CASE(
    "a board file chooses the temperatures that count, and they are written as read") {
  const std::string text = kHead + kPlaces +
                           "temperature: {zones: [cpu*, soc], ignore: [\"cpu-skin\"]}\n"
                           "power_model: {idle_w: 2, cpu_w: 3, assumed: true}\n";
  for (const auto& board : {load(text), load(load(text).to_yaml())}) {
    DOCTEST_CHECK(board.temperature.zones == std::vector<std::string>{"cpu*", "soc"});
    DOCTEST_CHECK(board.temperature.ignore == std::vector<std::string>{"cpu-skin"});
    DOCTEST_CHECK(board.power_model.is_assumed);
  }
  DOCTEST_CHECK_FALSE(
      load(kHead + kPlaces + "power_model: {idle_w: 2, cpu_w: 3}\n").power_model.is_assumed);
}

DOCTEST_TEST_CASE("mistakes in the choice of temperatures are told with their place") {
  const std::string expected =
      "expected a temperature, as it comes behind 'temperature_c.'; '*' is any text, found ";
  check_fourth_line("temperature: {zones: [temperature_c.cpu]}",
                    "23: temperature.zones.0: " + expected + "'temperature_c.cpu'");
  check_fourth_line("temperature: {ignore: [\"a b\"]}",
                    "24: temperature.ignore.0: " + expected + "'a b'");
  check_fourth_line("temperature: {zones: [cpu, cpu]}",
                    "28: temperature.zones.1: expected a temperature that is not named already, "
                    "found 'cpu'");
  check_fourth_line("temperature: {zone: [cpu]}",
                    "15: temperature.zone: expected one of ignore, zones, found the unknown key "
                    "'zone'");
}

DOCTEST_TEST_CASE("a choice that leaves a simulation without a temperature is a mistake") {
  DOCTEST_CHECK(SmallBoards::parse(SmallBoards::cpus("temperature: {zones: [acpitz, s*]}\n"))
                    .temperature.zones.size() == 2);
  DOCTEST_CHECK_THROWS_WITH_AS(
      SmallBoards::parse(SmallBoards::cpus("temperature: {zones: [acpitz]}\n")),
      "small.yaml:24:22: temperature.zones: expected one of the simulation's temperatures (soc), "
      "found none",
      ConfigError);
}

DOCTEST_TEST_CASE("a board with odd characters in its names and paths was written as another") {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const std::string path = "/sys/" + odd_text(random);
    const std::string zone = odd_text(random);
    DOCTEST_CAPTURE(path);
    DOCTEST_CAPTURE(zone);
    const Board board = load(kHead + kPlaces +
                             fmt::format("sensors: [{{signal: power_w.a, path: {}, scale: 1}}]\n"
                                         "trips: [{{zone: {}, kind: hot, temperature_c: 80}}]\n",
                                         yaml_quoted(path), yaml_quoted(zone)));
    const Board again = load(board.to_yaml());
    DOCTEST_REQUIRE(again.sensors.front().path == path);
    DOCTEST_REQUIRE(again.trips.front().zone == zone);
  }
}

}  // namespace rein
