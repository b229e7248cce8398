#include "platform/probe/probe.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/files.hpp"
#include "support/board_tree.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

/// Every file with its text, every link with its target.
std::map<std::string, std::string> contents(const test::TemporaryTree& tree) {
  std::map<std::string, std::string> result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.path())) {
    const std::string path = entry.path().lexically_relative(tree.path()).string();
    if (entry.is_symlink()) {
      result[path] = "-> " + std::filesystem::read_symlink(entry.path()).string();
    } else {
      result[path] = entry.is_regular_file() ? tree.read("/" + path) : "";
    }
  }
  return result;
}

/// Names of all that an object and what is in it holds.
void collect_keys(const nlohmann::json& node, std::set<std::string>& keys) {
  for (const auto& item : node.items()) {
    if (node.is_object()) {
      keys.insert(item.key());
    }
    if (item.value().is_structured()) {
      collect_keys(item.value(), keys);
    }
  }
}

void fill(const test::TemporaryTree& tree) {
  const std::string cpu = "/sys/devices/system/cpu";
  tree.write(cpu + "/online", "0-1\n");
  tree.write(cpu + "/cpufreq/policy0/affected_cpus", "0 1\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_available_frequencies", "200000 1400000\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_min_freq", "200000\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_max_freq", "1400000\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_cur_freq", "1400000\n");
  tree.write("/proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  tree.write("/proc/self/cgroup", "0::/\n");
  tree.write("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
  tree.write("/sys/fs/cgroup/cgroup.procs", "\n");
  tree.write("/sys/class/thermal/thermal_zone0/type", "soc\n");
  tree.write("/sys/class/thermal/thermal_zone0/temp", "42500\n");
}

ProbeReport probe_tree(const SysfsRoot& root) {
  ManualClock clock;
  return probe(Board::detect(root), root, clock);
}

void check_parts(const std::string& text, const std::vector<std::string>& parts) {
  DOCTEST_CAPTURE(text);
  for (const auto& part : parts) {
    DOCTEST_CAPTURE(part);
    DOCTEST_CHECK(text.find(part) != std::string::npos);
  }
}

/// Paths on this machine become those of the tree.
std::string without_root(std::string text, const SysfsRoot& root) {
  const std::string path = root.root().string();
  for (std::size_t at = 0; (at = text.find(path, at)) != std::string::npos;) {
    text.erase(at, path.size());
  }
  return text;
}

}  // namespace

DOCTEST_TEST_CASE("a probe tells what there is and what is missing, and changes nothing") {
  const test::TemporaryTree tree;
  fill(tree);
  const auto before = contents(tree);
  const ProbeReport report = probe_tree(tree.root());
  DOCTEST_CHECK(contents(tree) == before);

  check_parts(
      to_table(report),
      {"policy0  cpufreq  0-1   1400  -         -       200 1400 (2)",
       "all2  cpu  CPUs 0-1  2 threads", "frequency.policy0  cpufreq",
       "bandwidth.cpu      cgroup v2", "frequency_mhz.policy0    1400 MHz",
       "temperature_c.soc        42.5 degC", "/proc/pressure/{cpu,memory}: does not exist;\n"});

  const auto document = nlohmann::json::parse(to_json(report));
  DOCTEST_CHECK(document["domains"][0]["kind"] == "cpufreq");
  DOCTEST_CHECK(document["domains"][0]["opps_mhz"] == nlohmann::json({200.0, 1400.0}));
  DOCTEST_CHECK(document["domains"][0]["now_mhz"] == 1400.0);
  DOCTEST_CHECK(document["domains"][0]["held"] == false);
  DOCTEST_CHECK(document["controls"].size() == 2);
  DOCTEST_CHECK(document["missing"].size() == report.missing.size());
  for (const auto& signal : document["signals"]) {
    if (signal["name"] == "temperature_c.soc") {
      DOCTEST_CHECK(signal["value"] == 42.5);
      DOCTEST_CHECK(signal["unit"] == "degC");
      DOCTEST_CHECK(signal["stale"] == false);
    }
    if (signal["name"] == "power_w") {
      DOCTEST_CHECK(signal["value"].is_null());
      DOCTEST_CHECK(signal["estimated"] == true);
    }
  }
}

DOCTEST_TEST_CASE("a probe of a bare machine names each thing that is missing") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0\n");
  const ProbeReport report = probe_tree(tree.root());
  DOCTEST_CHECK(report.controls.empty());
  std::vector<std::string> paths;
  for (const auto& missing : report.missing) {
    paths.push_back(missing.path);
    DOCTEST_CHECK_FALSE(missing.reason.empty());
    DOCTEST_CHECK_FALSE(missing.remedy.empty());
  }
  DOCTEST_CHECK(paths == std::vector<std::string>{"/proc/pressure/{cpu,memory}", "temperature_c",
                                                  "/sys/class/powercap, /sys/class/hwmon",
                                                  "/sys/devices/system/cpu/cpufreq",
                                                  "/proc/self/mountinfo"});
}

DOCTEST_TEST_CASE("a probe tells which clocks are held below their highest operating point") {
  const test::TemporaryTree tree;
  fill(tree);
  tree.write("/sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1000000\n");
  const ProbeReport report = probe_tree(tree.root());
  check_parts(to_table(report), {"policy0  held to 1000 MHz of 1400"});
  const auto document = nlohmann::json::parse(to_json(report));
  DOCTEST_CHECK(document["domains"][0]["held"] == true);
  DOCTEST_CHECK(document["domains"][0]["limit_mhz"] == 1000.0);
}

DOCTEST_TEST_CASE("a probe tells that a budget on heat is blind where no value is believed") {
  const test::TemporaryTree tree;
  fill(tree);
  const auto is_blind = [&tree] {
    return to_table(probe_tree(tree.root()))
               .find("temperature_c.soc: has no value: a budget on heat is blind") !=
           std::string::npos;
  };
  DOCTEST_CHECK_FALSE(is_blind());
  tree.write("/sys/class/thermal/thermal_zone0/temp", "42\n");
  DOCTEST_CHECK(is_blind());
}

DOCTEST_TEST_CASE("temperatures that do not count are marked in a probe") {
  const test::BoardTree tree("reported/superio-cputin-109");
  const ProbeReport report = probe_tree(tree.root());
  check_parts(to_table(report), {"temperature_c.CPUTIN                 109 degC (does not count)"});
  const auto json = nlohmann::json::parse(to_json(report));
  for (const auto& signal : json["signals"]) {
    DOCTEST_CHECK(signal["is_heat"] == (signal["name"] == "temperature_c.x86_pkg_temp"));
  }
}

DOCTEST_TEST_CASE("a clock of a board file that the machine has not is told with its paths") {
  const test::TemporaryTree tree;
  fill(tree);
  Board board = Board::detect(tree.root());
  board.domains.push_back({.name = "gpu",
                           .interface = ClockInterface::kDevfreq,
                           .paths = {"a.gpu", "/sys/b"},
                           .opps_mhz = {100}});
  ManualClock clock;
  const ProbeReport report = probe(board, tree.root(), clock);
  check_parts(to_table(report), {"gpu      devfreq  -     -     -         -       100 (1)",
                                 "a.gpu, /sys/b: does not exist;\n"});
}

namespace {

/// With REIN_UPDATE_GOLDEN set it is written anew; look at the difference before you commit it.
void check_golden(const std::string& name, const Board& board, const test::BoardTree& tree) {
  DOCTEST_CAPTURE(name);
  const auto before = contents(tree.files());
  ManualClock clock;
  const std::string found = without_root(to_table(probe(board, tree.root(), clock)), tree.root());
  DOCTEST_CHECK(contents(tree.files()) == before);
  const std::string file = REIN_SOURCE_DIR "/tests/golden/probe/" + name + ".txt";
  if (std::getenv("REIN_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    write_file(file, found);
  }
  DOCTEST_CHECK(found == read_file(file));
}

}  // namespace

DOCTEST_TEST_CASE("the golden probes of all boards have not changed") {
  for (const auto& name : test::board_tree_names()) {
    const test::BoardTree tree(name);
    check_golden(name, Board::detect(tree.root()), tree);
  }
}

DOCTEST_TEST_CASE("the golden probes of reported machines have not changed") {
  for (const auto& name : test::reported_tree_names()) {
    const test::BoardTree tree(name);
    check_golden(name, Board::detect(tree.root()), tree);
  }
}

DOCTEST_TEST_CASE("the golden probes of reported machines with a board file have not changed") {
  for (const auto& entry :
       std::filesystem::directory_iterator(REIN_SOURCE_DIR "/tests/platform/trees/reported")) {
    if (const auto& file = entry.path(); file.extension() == ".yaml") {
      const std::string name = "reported/" + file.stem().string();
      // "NAME.by-place.yaml" is another for the same machine.
      const test::BoardTree tree(name.substr(0, name.find('.')));
      check_golden(name + ".board", Board::from_yaml(ConfigNode::load(file)), tree);
    }
  }
}

DOCTEST_TEST_CASE("every key of a probe's JSON is documented") {
  const test::BoardTree tree("odroid-xu3");
  std::set<std::string> keys;
  collect_keys(nlohmann::json::parse(to_json(probe_tree(tree.root()))), keys);
  const std::string page = read_file(REIN_SOURCE_DIR "/docs/boards.md");
  const std::string section = page.substr(page.find("## `rein probe --json`"));
  for (const auto& key : keys) {
    DOCTEST_CAPTURE(key);
    const bool documented = section.find("`" + key + "`") != std::string::npos ||
                            section.find("." + key + "`") != std::string::npos ||
                            section.find("`" + key + "[]`") != std::string::npos;
    DOCTEST_CHECK(documented);
  }
}

DOCTEST_TEST_CASE("the script that lays a tree out for people makes what the tests see") {
  auto names = test::board_tree_names();
  std::ranges::copy(test::reported_tree_names(), std::back_inserter(names));
  for (const auto& name : names) {
    DOCTEST_CAPTURE(name);
    const test::BoardTree tree(name);
    const test::TemporaryTree other;
    const std::string folder = REIN_SOURCE_DIR "/tests/platform";
    const std::string command =
        fmt::format("{0}/make_tree.py {0}/trees/{1}.tree {2}", folder, name, other.path().string());
    DOCTEST_REQUIRE(std::system(command.c_str()) == 0);
    DOCTEST_CHECK(contents(tree.files()) == contents(other));
  }
}

DOCTEST_TEST_CASE("every board's probe is valid JSON and its table is not too wide") {
  constexpr std::size_t kMaxWidth = 130;
  for (const auto& name : test::board_tree_names()) {
    DOCTEST_CAPTURE(name);
    const test::BoardTree tree(name);
    const ProbeReport report = probe_tree(tree.root());
    const auto document = nlohmann::json::parse(to_json(report));
    DOCTEST_CHECK(document["domains"].size() == report.clocks.size());
    DOCTEST_CHECK(document["signals"].size() == report.signals.size());
    std::istringstream lines(without_root(to_table(report), tree.root()));
    for (std::string line; std::getline(lines, line);) {
      DOCTEST_CAPTURE(line);
      DOCTEST_CHECK(line.size() <= kMaxWidth);
    }
  }
}

}  // namespace rein
