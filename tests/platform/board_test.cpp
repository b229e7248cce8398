#include "platform/board.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

Board load(const std::string& text) { return Board::from_yaml(ConfigNode::parse(text, "b.yaml")); }

const std::string kHead = "name: x\ncpus: \"0-3\"\n";
const std::string kPlaces = "places: [{name: a, cpus: \"0\"}]\n";

void check_message(const std::string& text, const std::string& message) {
  DOCTEST_CHECK_THROWS_WITH_AS(load(text), message.c_str(), ConfigError);
}

}  // namespace

DOCTEST_TEST_CASE("a board file is read whole") {
  const Board board = load(
      "name: A board\n"
      "cpus: \"0-3\"\n"
      "domains:\n"
      "  - {name: little, policy: policy0, cpus: \"0-1\", opps_mhz: [200, 1400]}\n"
      "  - {name: big, policy: policy2, cpus: \"2-3\"}\n"
      "places:\n"
      "  - {name: little2, cpus: \"0-1\", threads: 1}\n"
      "  - {name: all, cpus: \"0-3\"}\n"
      "bandwidth: {name: app, levels_cpus: [0.5, 4], period_ms: 20}\n"
      "power_model: {idle_w: 1.5, cpu_w: 2}\n");
  DOCTEST_CHECK(board.name == "A board");
  DOCTEST_CHECK(board.cpus == CpuList{0, 1, 2, 3});
  DOCTEST_REQUIRE(board.domains.size() == 2);
  DOCTEST_CHECK(board.domains[0].opps_mhz == std::vector<double>{200, 1400});
  DOCTEST_CHECK(board.domains[1].policy == "policy2");
  DOCTEST_CHECK(board.domains[1].opps_mhz.empty());
  DOCTEST_REQUIRE(board.places.size() == 2);
  DOCTEST_CHECK(board.places[0].threads == 1);
  DOCTEST_CHECK(board.places[1].threads == 4);
  DOCTEST_REQUIRE(board.bandwidth);
  DOCTEST_CHECK(board.bandwidth->name == "app");
  DOCTEST_CHECK(board.bandwidth->levels_cpus == std::vector<double>{0.5, 4});
  DOCTEST_CHECK(board.bandwidth->period_ms == 20.0);
  DOCTEST_CHECK(board.power_model.idle_w == 1.5);
  DOCTEST_CHECK(board.power_model.cpu_w == 2.0);
}

DOCTEST_TEST_CASE("mistakes in a board file are told with their place") {
  check_message(kHead, "b.yaml:1:1: places: expected this key, found nothing");
  check_message(kHead + "places: []\n",
                "b.yaml:3:9: places: expected at least one place, found a list");
  check_message(kHead + kPlaces + "sensor: 1\n",
                "b.yaml:4:1: sensor: expected one of bandwidth, cpus, domains, name, places, "
                "power_model, found the unknown key 'sensor'");
  check_message("name: x\ncpus: \"0-\"\n" + kPlaces,
                "b.yaml:2:7: cpus: expected CPU numbers as in '0-2,4', found '0-'");
  check_message(kHead + "places: [{name: a, cpus: \"3-4\"}]\n",
                "b.yaml:3:26: places.0.cpus: expected CPUs among the board's 0-3, found '3-4'");
  check_message(kHead + "places: [{name: a, cpus: \"0-1\", threads: 3}]\n",
                "b.yaml:3:42: places.0.threads: expected a whole number from 1 to 2, found '3'");
  check_message(kHead + "places: [{name: a, cpus: \"0\"}, {name: a, cpus: \"1\"}]\n",
                "b.yaml:3:39: places.1.name: expected a name that is not taken, found 'a'");
  check_message(kHead + "places: [{name: \"a b\", cpus: \"0\"}]\n",
                "b.yaml:3:17: places.0.name: expected a name of letters, digits, '_' and '-', "
                "found 'a b'");
}

DOCTEST_TEST_CASE("mistakes in domains, bandwidth and power model are told with their place") {
  const std::string head = kHead + kPlaces;
  check_message(head + "domains: [{name: d, policy: cpu0, cpus: \"0\"}]\n",
                "b.yaml:4:29: domains.0.policy: expected a cpufreq directory such as 'policy0', "
                "found 'cpu0'");
  check_message(head + "domains: [{name: d, policy: policy0, cpus: \"0\", opps_mhz: [2, 1]}]\n",
                "b.yaml:4:59: domains.0.opps_mhz: expected numbers in ascending order, each once, "
                "found a list");
  check_message(head +
                    "domains: [{name: d, policy: policy0, cpus: \"0\"}, {name: e, policy: policy0, "
                    "cpus: \"1\"}]\n",
                "b.yaml:4:68: domains.1.policy: expected a policy that is not taken, found "
                "'policy0'");
  check_message(head + "bandwidth: {levels_cpus: [1, 1]}\n",
                "b.yaml:4:26: bandwidth.levels_cpus: expected numbers in ascending order, each "
                "once, found a list");
  check_message(head + "bandwidth: {levels_cpus: [0.05, 1], period_ms: 10}\n",
                "b.yaml:4:26: bandwidth.levels_cpus: expected levels of at least 1 ms in a period "
                "of 10 ms, found 0.05 CPUs, which are 0.5 ms");
  check_message(head + "bandwidth: {levels_cpus: [1], period_ms: 0.5}\n",
                "b.yaml:4:42: bandwidth.period_ms: expected a number from 1 to 1000, found '0.5'");
  check_message(head + "power_model: {idle_w: -1, cpu_w: 1}\n",
                "b.yaml:4:23: power_model.idle_w: expected a number of at least 0, found '-1'");
  check_message(head + "power_model: {idle_w: 1}\n",
                "b.yaml:4:14: power_model.cpu_w: expected this key, found nothing");
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
}

DOCTEST_TEST_CASE(
    "a machine of one CPU has one place, and one without a list of CPUs is an error") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0\n");
  DOCTEST_CHECK(Board::detect(tree.root()).places.size() == 1);
  tree.write("/sys/devices/system/cpu/online", "\n");
  DOCTEST_CHECK_THROWS_AS(Board::detect(tree.root()), Error);
  tree.remove("/sys");
  DOCTEST_CHECK_THROWS_AS(Board::detect(tree.root()), Error);
}

}  // namespace rein
