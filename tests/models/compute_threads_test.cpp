#include "models/openmp/compute_threads.hpp"

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

/// Lets this thread use CPUs 0 and 1 while it lives.
class BothCpus {
 public:
  BothCpus() {
    sched_getaffinity(0, sizeof before_, &before_);
    const cpu_set_t both = allow({0, 1});
    had_ = sched_setaffinity(0, sizeof both, &both) == 0 && CPU_ISSET(1, &before_);
    if (!had_) {
      DOCTEST_MESSAGE("SKIPPED: needs CPUs 0 and 1");
    }
  }
  ~BothCpus() { sched_setaffinity(0, sizeof before_, &before_); }
  BothCpus(const BothCpus&) = delete;
  BothCpus& operator=(const BothCpus&) = delete;

  bool had() const { return had_; }

 private:
  cpu_set_t before_{};
  bool had_ = false;
};

/// What the manager does before it sets the threads of a place.
void move_all_threads(const cpu_set_t& cpus) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    sched_setaffinity(std::stoi(entry.path().filename()), sizeof cpus, &cpus);
  }
}

DOCTEST_TEST_CASE("as many threads as CPUs get one CPU each, and again when they are set again") {
  const BothCpus cpus;
  if (!cpus.had()) {
    return;
  }
  const cpu_set_t both = allow({0, 1});
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
}

DOCTEST_TEST_CASE("two threads after one share both CPUs, and did not stay on the first one's") {
  const BothCpus cpus;
  if (!cpus.had()) {
    return;
  }
  for (int i = 0; i < 2; ++i) {
    set_compute_threads(2);
    DOCTEST_CHECK(threads_by_cpus().contains("0"));
    DOCTEST_CHECK(threads_by_cpus().contains("1"));
    set_compute_threads(1);
    cpu_set_t now;
    sched_getaffinity(0, sizeof now, &now);
    DOCTEST_CHECK(CPU_COUNT(&now) == 2);
  }
}

DOCTEST_TEST_CASE("threads that are moved to the caller's own CPU stay there, one or two") {
  const BothCpus cpus;
  if (!cpus.had()) {
    return;
  }
  for (const int threads : {1, 2}) {
    set_compute_threads(2);
    const cpu_set_t first = allow({0});
    move_all_threads(first);
    set_compute_threads(threads);
    DOCTEST_CHECK(threads_by_cpus().size() == 1);
    DOCTEST_CHECK(threads_by_cpus().contains("0"));
    move_all_threads(allow({0, 1}));
  }
}

}  // namespace
}  // namespace rein
