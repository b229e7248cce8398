#include "agent/model_based/others_demand.hpp"

#include <doctest/doctest.h>

namespace rein {
namespace {

DOCTEST_TEST_CASE("others have what they want of a CPU that we leave alone") {
  DOCTEST_CHECK(demand_of_others(0.0, 0.0).share == 0.0);
  DOCTEST_CHECK(demand_of_others(0.4, 0.0).share == 0.4);
  DOCTEST_CHECK(demand_of_others(1.0, 0.0).share == 1.0);
  DOCTEST_CHECK(demand_of_others(1.2, 0.0).share == 1.0);
  DOCTEST_CHECK(demand_of_others(0.4, 0.0).sensitivity == 1.0);
}

DOCTEST_TEST_CASE("a CPU that was shared in halves is wanted in full") {
  DOCTEST_CHECK(demand_of_others(0.5, 0.5).share == doctest::Approx(1.0));
  DOCTEST_CHECK(demand_of_others(0.65, 0.35).share == doctest::Approx(1.0));
  // Half a thread beside one of ours that runs for three quarters of the time.
  DOCTEST_CHECK(demand_of_others(0.375, 0.5).share == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("demand is what fair sharing made of it") {
  for (double demand = 0.0; demand <= 1.0; demand += 0.125) {
    for (double running = 0.0; running <= 1.0; running += 0.125) {
      const double ours = running / (1.0 + demand);
      const double others = demand * (1.0 - running) + running * demand / (1.0 + demand);
      DOCTEST_CAPTURE(demand);
      DOCTEST_CAPTURE(running);
      const Demand result = demand_of_others(others, ours);
      DOCTEST_CHECK(result.share == doctest::Approx(demand).epsilon(1e-6));
      DOCTEST_CHECK(result.sensitivity >= 1.0);
      DOCTEST_CHECK(result.sensitivity <= 4.0);
    }
  }
}

DOCTEST_TEST_CASE("shares that no sharing explains leave a demand that is one") {
  for (const double ours : {0.0, 1e-4, 0.3, 0.9, 1.0}) {
    for (const double others : {0.0, 0.3, 0.9, 1.0, 1.5}) {
      const Demand demand = demand_of_others(others, ours);
      DOCTEST_CHECK(demand.share >= 0.0);
      DOCTEST_CHECK(demand.share <= 1.0);
    }
  }
}

DOCTEST_TEST_CASE("each CPU's shares are found together") {
  const std::vector<SignalDescription> signals = {{"power_w", "W", "test"},
                                                  {"cpu_ours_share.cpu1", "1", "test"},
                                                  {"cpu_others_share.cpu0", "1", "test"},
                                                  {"cpu_others_share.cpu1", "1", "test"}};
  const auto cpus = find_cpu_shares(signals);
  DOCTEST_REQUIRE(cpus.size() == 2);
  DOCTEST_CHECK(cpus[0].others == 2);
  DOCTEST_CHECK_FALSE(cpus[0].ours);
  DOCTEST_CHECK(cpus[1].others == 3);
  DOCTEST_CHECK(cpus[1].ours == 1);
}

}  // namespace
}  // namespace rein
