#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/random.hpp"
#include "env/environment.hpp"

namespace rein {

/// All that a period was, flattened.
inline void add_to(std::vector<double>& record, const StepResult& result) {
  const auto add = [&](auto value) { record.push_back(static_cast<double>(value)); };
  const auto add_all = [&](const std::vector<double>& values) {
    record.insert(record.end(), values.begin(), values.end());
  };
  const StepInfo& info = result.info;
  add(result.reward);
  add_all(result.observation);
  add(info.time_s);
  add(info.interval_s);
  add(std::hash<std::string>()(info.phase) % 1'000'000);
  add(info.co_runners.size());
  add(info.messages.size());
  for (const auto& granted : info.granted) {
    add(granted.level);
    add(granted.refused);
    add(granted.value.value_or(-1.0));
  }
  for (const auto& application : info.applications) {
    const ServiceReport& service = application.service;
    add(service.arrived);
    add(service.dropped);
    add(service.queued);
    add(service.correct);
    add(service.waited_ms);
    add_all(service.latencies_ms);
    add_all(service.services_ms);
  }
  for (const auto& signal : info.signals) {
    add(signal.value_or(-1.0));
  }
  for (const auto& budget : info.budgets) {
    add(budget.limit);
    add(budget.value.value_or(-1.0));
  }
}

/// Each with the same chance.
inline Action any_action(const Environment& environment, Random& random) {
  const ActionSpace& actions = environment.action_space();
  return actions.decode(random.index(actions.size()));
}

/// A rollout, flattened.
inline std::vector<double> rollout(Environment& environment, std::uint64_t seed, int steps) {
  Random random(seed);
  std::vector<double> record = environment.reset(seed);
  for (int i = 0; i < steps; ++i) {
    const StepResult& result = environment.step(any_action(environment, random));
    add_to(record, result);
    if (result.terminated || result.truncated) {
      record.push_back(-1.0);
      const Observation next = environment.reset(seed);
      record.insert(record.end(), next.begin(), next.end());
    }
  }
  return record;
}

/// A seed says all: two environments made alike roll out alike, and so does one of them again,
/// whatever was played before, and wherever that was cut short.
inline void check_rollouts_repeat(Environment& one, Environment& other, int steps = 200) {
  const auto record = rollout(one, 3, steps);
  DOCTEST_CHECK(rollout(other, 3, steps) == record);
  for (const int before : {steps / 3, 0, 1, 2 * steps / 3}) {
    DOCTEST_CAPTURE(before);
    rollout(one, 4, before);
    DOCTEST_CHECK(rollout(one, 3, steps) == record);
  }
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
      DOCTEST_REQUIRE(observation[i] >= features[i].scale.least());
      DOCTEST_REQUIRE(observation[i] <= features[i].scale.most());
      DOCTEST_REQUIRE_FALSE(features[i].unit.empty());
      DOCTEST_REQUIRE_FALSE(features[i].number.empty());
    }
  };
  const auto reward_terms = environment.description().reward_terms;
  check_observation(environment.reset(1));
  for (ActionId id = 0; id < environment.action_space().size(); ++id) {
    const Action action = environment.action_space().decode(id);
    const StepResult& result = environment.step(action);
    check_observation(result.observation);
    double sum = 0.0;
    for (const auto& term : result.info.reward_terms) {
      sum += term.value;
    }
    DOCTEST_CHECK(result.reward == doctest::Approx(sum));
    DOCTEST_CHECK(result.reward <= environment.reward_bound(action) + 1e-9);
    // In their order among all that there can be.
    auto possible = reward_terms.begin();
    for (const auto& term : result.info.reward_terms) {
      possible = std::find(possible, reward_terms.end(), term.name);
      DOCTEST_CHECK(possible != reward_terms.end());
    }
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
  Action beyond(environment.action_space().knobs().size(), 0);
  beyond.back() = environment.action_space().knobs().back().levels.size();
  DOCTEST_CHECK_THROWS_AS(environment.step(beyond), std::out_of_range);
  DOCTEST_CHECK_THROWS_AS(environment.step({}), std::out_of_range);
}

}  // namespace rein
