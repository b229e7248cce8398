#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "common/random.hpp"
#include "env/environment.hpp"

namespace rein {

/// A rollout's rewards and observations, flattened.
inline std::vector<double> rollout(Environment& environment, std::uint64_t seed, int steps) {
  Random random(seed);
  std::vector<double> record = environment.reset(seed);
  for (int i = 0; i < steps; ++i) {
    const StepResult& result = environment.step(random.index(environment.action_space().size()));
    record.push_back(result.reward);
    record.insert(record.end(), result.observation.begin(), result.observation.end());
    if (result.terminated || result.truncated) {
      record.push_back(-1.0);
      const Observation next = environment.reset(seed);
      record.insert(record.end(), next.begin(), next.end());
    }
  }
  return record;
}

/// A seed says all: two environments made alike roll out alike, and so does one of them again,
/// after another episode that was cut short.
inline void check_rollouts_repeat(Environment& one, Environment& other, int steps = 200) {
  const auto record = rollout(one, 3, steps);
  DOCTEST_CHECK(rollout(other, 3, steps) == record);
  rollout(one, 4, steps / 3);
  DOCTEST_CHECK(rollout(one, 3, steps) == record);
}

/// What every Environment promises: lengths, ranges, finiteness, that every action is taken and one
/// past the last refused, that rewards are the sum of their terms and below their bounds.
inline void check_environment_contract(Environment& environment) {
  const auto check_observation = [&](const Observation& observation) {
    const auto& features = environment.observation_spec().features();
    DOCTEST_REQUIRE(observation.size() == features.size());
    for (std::size_t i = 0; i < features.size(); ++i) {
      DOCTEST_CAPTURE(features[i].name);
      DOCTEST_REQUIRE(std::isfinite(observation[i]));
      DOCTEST_REQUIRE(observation[i] >= features[i].min);
      DOCTEST_REQUIRE(observation[i] <= features[i].max);
      DOCTEST_REQUIRE_FALSE(features[i].unit.empty());
      DOCTEST_REQUIRE_FALSE(features[i].source.empty());
    }
  };
  check_observation(environment.reset(1));
  for (ActionId action = 0; action < environment.action_space().size(); ++action) {
    const StepResult& result = environment.step(action);
    check_observation(result.observation);
    double sum = 0.0;
    for (const auto& term : result.info.reward_terms) {
      sum += term.value;
    }
    DOCTEST_CHECK(result.reward == doctest::Approx(sum));
    DOCTEST_CHECK(result.reward <= environment.reward_bound(action) + 1e-9);
    DOCTEST_CHECK(result.info.signals.size() == environment.signals().size());
    DOCTEST_CHECK(result.info.interval_s > 0.0);
    for (const auto& application : result.info.applications) {
      DOCTEST_CHECK(application.service.latencies_ms.size() == application.service.served);
      DOCTEST_CHECK(application.service.misses.size() == application.service.requests());
    }
    if (result.terminated || result.truncated) {
      check_observation(environment.reset(1));
    }
  }
  DOCTEST_CHECK_THROWS_AS(environment.step(environment.action_space().size()), std::out_of_range);
}

}  // namespace rein
