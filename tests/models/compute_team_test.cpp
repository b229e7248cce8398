#include "models/xnnpack/compute_team.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("after a meeting each thread of a team sees what all others did before it") {
  for (const int threads : {1, 2, 5}) {
    ComputeTeam team(threads);
    DOCTEST_REQUIRE(team.size() == static_cast<std::size_t>(threads));
    std::vector<int> values(team.size());
    std::atomic<int> wrong = 0;
    // More of them than CPUs, and often: some sleep, others do not.
    for (int round = 1; round <= 300; ++round) {
      team.run([&](std::size_t number) {
        values[number] = round;
        team.meet();
        if (std::accumulate(values.begin(), values.end(), 0) != round * threads) {
          ++wrong;
        }
      });
      // Nobody is at it any more.
      values.front() = 0;
    }
    DOCTEST_CHECK(wrong == 0);
  }
}

DOCTEST_TEST_CASE("a team's threads get one CPU each where there are as many") {
  cpu_set_t before;
  DOCTEST_REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  const int cpus = CPU_COUNT(&before);
  ComputeTeam team(cpus);
  for (int i = 0; i < 2; ++i) {
    team.share_cpus();
    cpu_set_t all{};
    std::atomic<int> shared = 0;
    std::vector<cpu_set_t> sets(team.size());
    team.run([&](std::size_t number) {
      sched_getaffinity(0, sizeof sets[number], &sets[number]);
      if (CPU_COUNT(&sets[number]) != 1) {
        ++shared;
      }
    });
    for (const cpu_set_t& set : sets) {
      CPU_OR(&all, &all, &set);
    }
    DOCTEST_CHECK(shared == 0);
    DOCTEST_CHECK(CPU_EQUAL(&all, &before));
  }
  sched_setaffinity(0, sizeof before, &before);
}

DOCTEST_TEST_CASE("a team whose threads the system refuses is an error, and no wait for them") {
  pthread_attr_t before;
  DOCTEST_REQUIRE(pthread_getattr_default_np(&before) == 0);
  pthread_attr_t huge;
  pthread_attr_init(&huge);
  pthread_attr_setstacksize(&huge, std::numeric_limits<std::size_t>::max() / 4);
  DOCTEST_REQUIRE(pthread_setattr_default_np(&huge) == 0);
  std::string said;
  try {
    const ComputeTeam team(3);
  } catch (const Error& error) {
    said = error.what();
  }
  pthread_setattr_default_np(&before);
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&before);
  DOCTEST_CHECK(
      said.starts_with("the network: expected 3 threads to compute, found that the system "
                       "gives no more than 1: "));
  ComputeTeam team(3);
  std::atomic<int> at_work = 0;
  team.run([&](std::size_t) { ++at_work; });
  DOCTEST_CHECK(at_work == 3);
}

}  // namespace
}  // namespace rein
