#include "platform/probe/overhead.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/temporary_tree.hpp"

namespace rein {

namespace {

const std::string kPolicy = "/sys/devices/system/cpu/cpufreq/policy0";

/// One clock and nothing else.
struct Machine {
  Machine() {
    tree.write("/sys/devices/system/cpu/online", "0\n");
    tree.write(kPolicy + "/affected_cpus", "0\n");
    tree.write(kPolicy + "/scaling_available_frequencies", "200000 1400000\n");
    tree.write(kPolicy + "/scaling_min_freq", "200000\n");
    tree.write(kPolicy + "/scaling_max_freq", "1400000\n");
    tree.write(kPolicy + "/scaling_cur_freq", "800000\n");
  }
  std::optional<Overhead> measure(const OverheadOptions& options) {
    return measure_overhead(Board::detect(tree.root()), tree.path(), clock, options);
  }

  test::TemporaryTree tree;
  ManualClock clock;
};

}  // namespace

DOCTEST_TEST_CASE("measuring the overhead was interrupted and left the clock as it had set it") {
  Machine machine;
  std::uint64_t most = 0;
  OverheadOptions options{.rounds = 10};
  options.progress = [&most](std::uint64_t done) { most = done; };
  // In the middle of the last of the four things, which changes what is set.
  options.stop = [&most] { return most == 35; };
  DOCTEST_CHECK_FALSE(machine.measure(options));
  DOCTEST_CHECK(most == 35);
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_min_freq") == "200000");
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_max_freq") == "1400000");
}

DOCTEST_TEST_CASE("measuring the overhead of many CPUs took as long as its rounds do") {
  Machine machine;
  std::uint64_t rounds = 0;
  OverheadOptions options{.rounds = 1000, .time = std::chrono::seconds(1)};
  options.progress = [&](std::uint64_t) {
    ++rounds;
    machine.clock.sleep_until(machine.clock.now() + std::chrono::milliseconds(300));
  };
  const auto overhead = machine.measure(options);
  DOCTEST_REQUIRE(overhead);
  DOCTEST_CHECK(rounds == 4 * 4);
  DOCTEST_CHECK(overhead->num_controls == 1);
}

DOCTEST_TEST_CASE("measuring the overhead said nothing of a machine that it could not note") {
  Machine machine;
  machine.tree.write("/var/lib/rein", "a file, not a folder");
  std::vector<std::string> lines;
  OverheadOptions options{.rounds = 1};
  options.report = [&lines](const std::string& line) { lines.push_back(line); };
  DOCTEST_REQUIRE(machine.measure(options));
  DOCTEST_REQUIRE(lines.size() == 1);
  DOCTEST_CHECK(lines[0].starts_with(machine.tree.root().resolve("/var/lib/rein").string() +
                                     ": cannot use this folder: Not a directory"));
}

}  // namespace rein
