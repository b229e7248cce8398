#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "platform/sensors/nvml_sensor.hpp"
#include "support/fake_cards.hpp"
#include "support/process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {
namespace {

const std::string kPolicy = "/sys/devices/system/cpu/cpufreq/policy0";

struct Machine {
  Machine() {
    tree.write("/sys/devices/system/cpu/online", "0\n");
    tree.write(kPolicy + "/affected_cpus", "0\n");
    tree.write(kPolicy + "/scaling_available_frequencies", "600000 1400000 \n");
    tree.write(kPolicy + "/scaling_available_governors", "ondemand userspace \n");
    tree.write(kPolicy + "/scaling_governor", "ondemand\n");
    tree.write(kPolicy + "/scaling_setspeed", "<unsupported>\n");
    tree.write(kPolicy + "/scaling_cur_freq", "600000\n");
  }
  std::vector<std::string> command(const std::vector<std::string>& options) const {
    std::vector<std::string> command{REIN_PROGRAM, "probe", "--sysfs-root", tree.path().string()};
    command.insert(command.end(), options.begin(), options.end());
    return command;
  }
  test::TemporaryTree tree;
};

DOCTEST_TEST_CASE("probe tells what a period costs, and gives the machine back") {
  const Machine machine;
  Process process(machine.command({"--overhead", "--json"}));
  DOCTEST_REQUIRE(process.wait() == 0);
  const auto cost = nlohmann::json::parse(process.output());
  DOCTEST_CHECK(cost["controls"] == 1);
  // The governor is read; the set-point is opened, written and closed.
  DOCTEST_CHECK(cost["apply"]["system_calls"] == 4);
  DOCTEST_CHECK(cost["read_back"]["system_calls"] == 1);
  DOCTEST_CHECK(cost["apply_same"]["system_calls"] == 0);
  DOCTEST_CHECK(cost["period_us"] > 0);
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_governor") == "ondemand");
}

DOCTEST_TEST_CASE("a board file that was edited was written over") {
  const Machine machine;
  const auto file = machine.tree.path() / "board.yaml";
  const auto probe = [&](const std::vector<std::string>& more) {
    std::vector<std::string> options = {"--write-board", file.string()};
    options.insert(options.end(), more.begin(), more.end());
    Process process(machine.command(options));
    const int status = process.wait();
    return std::pair(status, process.errors());
  };
  DOCTEST_CHECK(probe({}).first == 0);
  write_file(file, "edited");
  const auto [status, errors] = probe({});
  DOCTEST_CHECK(status == 2);
  DOCTEST_CHECK(errors == "rein: --write-board: expected a file that does not exist, found " +
                              file.string() + ": choose another, or write over it with --force\n");
  DOCTEST_CHECK(read_file(file) == "edited");
  DOCTEST_CHECK(probe({"--force"}).first == 0);
  DOCTEST_CHECK(read_file(file) != "edited");
  // What it would not have done is refused.
  DOCTEST_CHECK(probe({"--overhead"}).first == 2);
  DOCTEST_CHECK(Process(machine.command({"--force"})).wait() == 2);
}

DOCTEST_TEST_CASE("a place on the GPU was left out of a run, and probe did not tell why") {
  const Machine machine;
  const auto file = machine.tree.path() / "board.yaml";
  Process first(machine.command({"--write-board", file.string()}));
  DOCTEST_REQUIRE(first.wait() == 0);
  std::string board = read_file(file);
  board.insert(board.find("places:\n") + 8, "  - {name: gpu, device: gpu, cpus: \"0\"}\n");
  write_file(file, board);
  Process second(machine.command({"--board", file.string()}));
  DOCTEST_CHECK(second.wait() == 0);
  // Whatever this build, or this machine, lacks for it.
  DOCTEST_CHECK(second.output().find("place gpu: is on the gpu, which cannot be used: ") !=
                std::string::npos);
}

DOCTEST_TEST_CASE("a board file that probe is to look at is refused like any other") {
  const Machine machine;
  machine.tree.write("/board.yaml", "name: x\ncpus: none\n");
  const std::string board = (machine.tree.path() / "board.yaml").string();
  Process process(machine.command({"--board", board}));
  DOCTEST_CHECK(process.wait() == 3);
  DOCTEST_CHECK(process.errors().starts_with("rein: " + board + ":2:"));
}

DOCTEST_TEST_CASE("probe shows a card of NVIDIA's by the library that is found at run time") {
  auto addresses = find_nvidia_cards(SysfsRoot());
  if (addresses.empty()) {
    addresses.emplace_back("0000:01:00.0");
  }
  test::FakeCards cards(addresses);
  setenv("LD_LIBRARY_PATH", std::filesystem::path(REIN_FAKE_NVML).parent_path().c_str(), 1);
  Process process({REIN_PROGRAM, "probe", "--json"});
  Process table({REIN_PROGRAM, "probe"});
  unsetenv("LD_LIBRARY_PATH");
  DOCTEST_REQUIRE(process.wait() == 0);
  DOCTEST_REQUIRE(table.wait() == 0);
  const auto report = nlohmann::json::parse(process.output());
  std::size_t count = 0;
  for (const auto& signal : report["signals"]) {
    if (signal["source"] == "NVML, NVIDIA H200, energy") {
      ++count;
      DOCTEST_CHECK(signal["name"].get<std::string>().starts_with("power_w.gpu"));
      DOCTEST_CHECK(signal["unit"] == "W");
      DOCTEST_CHECK(signal["value"] == 75.0);
    }
  }
  DOCTEST_CHECK(count == addresses.size());
  DOCTEST_CHECK(table.output().find("NVML, NVIDIA H200, SM clock") != std::string::npos);
  const auto calls = cards.new_calls();
  DOCTEST_CHECK(std::ranges::count(calls, "shutdown") == 2);
}

}  // namespace
}  // namespace rein
