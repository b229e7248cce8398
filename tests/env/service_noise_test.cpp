#include "env/service_noise.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace rein {
namespace {

std::vector<double> draw(const LatencyNoise& noise, std::size_t count) {
  Random random(1);
  ServiceNoise factor(noise);
  factor.reset(random);
  std::vector<double> factors(count);
  std::ranges::generate(factors, [&] { return factor.draw(random); });
  return factors;
}

/// The share of what is drawn that exceeds a factor is what exceedance() says, and its mean is what
/// mean() says.
void check_draws(const LatencyNoise& noise) {
  constexpr std::size_t kCount = 400'000;
  const auto factors = draw(noise, kCount);
  const ServiceNoise factor(noise);
  double sum = 0.0;
  for (const double each : factors) {
    DOCTEST_REQUIRE(each > 0.0);
    sum += each;
  }
  DOCTEST_CHECK(sum / kCount == doctest::Approx(factor.mean()).epsilon(0.005));
  for (const double limit : {0.0, 0.8, 0.95, 0.99, 1.0, 1.01, 1.03, 1.1, 1.3, 2.0, 5.0}) {
    DOCTEST_CAPTURE(limit);
    const auto above =
        std::ranges::count_if(factors, [limit](double each) { return each > limit; });
    const double share = static_cast<double>(above) / kCount;
    const double expected = factor.exceedance(limit);
    // Stretches of slow requests make the shares vary more than independent draws would.
    const double deviation =
        std::sqrt(expected * (1.0 - expected) / kCount / (1.0 - noise.tail_persistence) * 2.0);
    DOCTEST_CHECK(std::abs(share - expected) <= 4.0 * deviation + 1e-12);
  }
}

DOCTEST_TEST_CASE("without noise every request takes what the model says") {
  const ServiceNoise factor{LatencyNoise{}};
  DOCTEST_CHECK(draw({}, 3) == std::vector<double>{1.0, 1.0, 1.0});
  DOCTEST_CHECK(factor.mean() == 1.0);
  DOCTEST_CHECK(factor.exceedance(0.999) == 1.0);
  DOCTEST_CHECK(factor.exceedance(1.0) == 0.0);
}

DOCTEST_TEST_CASE("draws have the probabilities and the mean that are worked out: usual noise") {
  check_draws({.sigma = 0.03});
  check_draws({.sigma = 0.2});
}

DOCTEST_TEST_CASE("draws have the probabilities and the mean that are worked out: a tail") {
  check_draws({.sigma = 0.02, .tail_share = 0.05, .tail_scale = 0.3, .tail_shape = 0.2});
  check_draws({.sigma = 0.02, .tail_share = 0.3, .tail_scale = 0.3, .tail_shape = 0.0});
  check_draws({.sigma = 0.0, .tail_share = 0.1, .tail_scale = 0.5, .tail_shape = -0.4});
  check_draws({.tail_share = 0.2, .tail_scale = 0.2, .tail_shape = 0.1, .tail_persistence = 0.9});
  check_draws({.sigma = 0.02, .tail_share = 0.2, .tail_scale = 0.0});
}

DOCTEST_TEST_CASE("slow requests come in stretches of the length that their persistence says") {
  const auto factors =
      draw({.tail_share = 0.1, .tail_scale = 0.5, .tail_persistence = 0.8}, 200'000);
  int stretches = 0;
  int slow = 0;
  for (std::size_t i = 1; i < factors.size(); ++i) {
    slow += factors[i] > 1.0 ? 1 : 0;
    stretches += factors[i] > 1.0 && factors[i - 1] == 1.0 ? 1 : 0;
  }
  DOCTEST_CHECK(static_cast<double>(slow) / stretches == doctest::Approx(5.0).epsilon(0.05));
}

DOCTEST_TEST_CASE("the chance to exceed a factor falls from 1 to 0") {
  const ServiceNoise factor(
      {.sigma = 0.05, .tail_share = 0.1, .tail_scale = 0.2, .tail_shape = 0.3});
  double before = 1.0;
  for (double limit = 0.0; limit < 10.0; limit += 0.001) {
    const double chance = factor.exceedance(limit);
    DOCTEST_REQUIRE(chance <= before + 1e-15);
    DOCTEST_REQUIRE(chance >= 0.0);
    before = chance;
  }
  DOCTEST_CHECK(factor.exceedance(0.5) == doctest::Approx(1.0));
  DOCTEST_CHECK(factor.exceedance(1e12) < 1e-30);
}

}  // namespace
}  // namespace rein
