#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "agent/core/learner.hpp"
#include "common/random.hpp"

namespace rein {

/// Allows all but these.
class Forbids final : public ActionMask {
 public:
  /// @param actions  must outlive it.
  Forbids(const ActionSpace& actions, std::set<ActionId> forbidden)
      : actions_(actions), forbidden_(std::move(forbidden)) {}

  bool allows(const Action& action) const override {
    return forbidden_.count(actions_.encode(action)) == 0;
  }

 private:
  const ActionSpace& actions_;
  std::set<ActionId> forbidden_;
};

/// How often a policy draws each action, and what it says of that.
class Draws {
 public:
  Draws(const Policy& policy, const ActionSpace& actions, const ActionMask* allowed,
        std::size_t count = 100'000)
      : drawn_(actions.size(), 0), noted_(actions.size(), 0.0), count_(count) {
    Random random(8);
    const auto session = policy.begin_episode(random);
    const Observation observation = {0.5};
    const Task nothing;
    look(actions, [&] {
      return policy.decide({observation, nothing, nullptr, allowed, true}, *session);
    });
  }
  /// @param decide  the same decision, again and again.
  Draws(const ActionSpace& actions, std::size_t count, const std::function<Decision()>& decide)
      : drawn_(actions.size(), 0), noted_(actions.size(), 0.0), count_(count) {
    look(actions, decide);
  }

  /// What is noted adds up to 1, and is how often it is drawn (chi-square; what is rare together).
  /// @param rare  the most that those may have together that are so rare that none was drawn.
  void check(double rare = 1e-5) const {
    constexpr double kFew = 5.0;
    double sum = 0.0;
    double chi_square = 0.0;
    double kinds = -1.0;
    double few_expected = 0.0;
    double few_drawn = 0.0;
    const auto compare = [&](double expected, double drawn) {
      chi_square += (drawn - expected) * (drawn - expected) / expected;
      kinds += 1.0;
    };
    for (ActionId action = 0; action < drawn_.size(); ++action) {
      sum += noted_[action];
      const double expected = noted_[action] * static_cast<double>(count_);
      const auto drawn = static_cast<double>(drawn_[action]);
      if (expected >= kFew) {
        compare(expected, drawn);
      } else {
        few_expected += expected;
        few_drawn += drawn;
      }
    }
    if (few_expected >= kFew) {
      compare(few_expected, few_drawn);
    }
    DOCTEST_CHECK(sum < 1.0 + 1e-5);
    DOCTEST_CHECK(sum > 1.0 - rare);
    // Four deviations above its mean.
    DOCTEST_CHECK(chi_square < kinds + 4.0 * std::sqrt(2.0 * kinds) + 1e-9);
  }
  /// @param expected  of each action; 0 for what is not drawn.
  void check(const std::vector<double>& expected) const {
    check();
    for (ActionId action = 0; action < drawn_.size(); ++action) {
      DOCTEST_CAPTURE(action);
      DOCTEST_CHECK(noted_[action] == doctest::Approx(expected[action]));
    }
  }
  ActionId most_drawn() const {
    return static_cast<ActionId>(std::ranges::max_element(drawn_) - drawn_.begin());
  }
  bool is_drawn(ActionId action) const { return drawn_[action] > 0; }

  double exploration = 0.0;  ///< As the last decision says.
  double share_explored = 0.0;

 private:
  void look(const ActionSpace& actions, const std::function<Decision()>& decide) {
    std::size_t explored = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const Decision decision = decide();
      const ActionId action = actions.encode(decision.action);
      DOCTEST_REQUIRE((drawn_[action] == 0 || noted_[action] == decision.probability));
      noted_[action] = *decision.probability;
      ++drawn_[action];
      explored += decision.explored ? 1 : 0;
      exploration = decision.exploration;
    }
    share_explored = static_cast<double>(explored) / static_cast<double>(count_);
  }

  std::vector<std::size_t> drawn_;
  std::vector<double> noted_;
  std::size_t count_;
};

/// Nine knobs of 200 levels each, and one of a single level: more joint actions than a number
/// holds.
inline const ActionSpace& uncountable() {
  static const ActionSpace actions = [] {
    std::vector<Knob> knobs(23, {"k", "1", Knob::Kind::kMapping, std::vector<Knob::Level>(8)});
    knobs[3].levels.resize(1);
    return ActionSpace(knobs);
  }();
  return actions;
}

/// Lets it learn there, under a mask, that the last knob's lower half is right. @return how often
/// it then is right.
inline double share_of_right(Learner& learner, const ActionSpace& actions, int periods) {
  struct : ActionMask {
    bool allows(const Action& action) const override { return action[0] != 0; }
  } mask;
  Random random(3);
  const auto session = learner.policy().begin_episode(random);
  const Task nothing;
  PeriodRecord record;
  record.observation = record.result.observation = {0.5};
  const auto is_right = [&] {
    record.decision =
        learner.policy().decide({record.observation, nothing, nullptr, &mask, true}, *session);
    DOCTEST_REQUIRE(record.decision.probability.has_value());
    DOCTEST_REQUIRE(*record.decision.probability > 0.0);
    DOCTEST_REQUIRE(*record.decision.probability <= 1.0);
    record.action = record.decision.action;
    actions.check(record.action);
    return record.action.back() < 4;
  };
  for (int i = 0; i < periods; ++i) {
    record.result.reward = is_right() ? 1.0 : -1.0;
    learner.learn(record, *session);
  }
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    right += is_right() ? 1 : 0;
  }
  learner.end_episode(*session);
  return right / 200.0;
}

}  // namespace rein
