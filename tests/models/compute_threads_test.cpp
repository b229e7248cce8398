#include "models/compute_threads.hpp"

#include <doctest/doctest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace rein {
namespace {

/// How many threads of this process have each list of allowed CPUs.
std::map<std::string, int> threads_by_cpus() {
  std::map<std::string, int> result;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Cpus_allowed_list:")) {
        ++result[line.substr(line.find_last_of(" \t") + 1)];
      }
    }
  }
  return result;
}

cpu_set_t allow(std::initializer_list<int> cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    CPU_SET(cpu, &set);
  }
  return set;
}

DOCTEST_TEST_CASE("as many threads as CPUs get one CPU each, and again when they are set again") {
  cpu_set_t before;
  DOCTEST_REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  const cpu_set_t both = allow({0, 1});
  if (sched_setaffinity(0, sizeof both, &both) != 0 || !CPU_ISSET(1, &before)) {
    DOCTEST_MESSAGE("SKIPPED: needs CPUs 0 and 1");
    sched_setaffinity(0, sizeof before, &before);
    return;
  }
  for (int i = 0; i < 3; ++i) {
    set_compute_threads(2);
    const auto threads = threads_by_cpus();
    DOCTEST_CHECK(threads.contains("0"));
    DOCTEST_CHECK(threads.contains("1"));
  }
  // Somebody moves all to CPU 1 and leaves one thread.
  const cpu_set_t one = allow({1});
  sched_setaffinity(0, sizeof one, &one);
  set_compute_threads(1);
  cpu_set_t now;
  sched_getaffinity(0, sizeof now, &now);
  DOCTEST_CHECK(CPU_EQUAL(&now, &one));
  // And back to both.
  sched_setaffinity(0, sizeof both, &both);
  set_compute_threads(2);
  DOCTEST_CHECK(threads_by_cpus().contains("0"));
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace
}  // namespace rein
