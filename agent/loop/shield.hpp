#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/policy.hpp"
#include "agent/core/power_reader.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/situation.hpp"
#include "common/config_node.hpp"
#include "env/environment.hpp"

namespace rein {

/// Stands between an agent and the machine: a shield as Alshiekh et al. 2018 (Safe Reinforcement
/// Learning via Shielding) place it behind the learner, with a model that it learns itself.
///
/// It masks actions that would break a hard limit (power, temperature) by what was lately seen of
/// them and of actions that cannot draw more, and takes over with a safe configuration when sensors
/// fail, knobs are refused, or a hard limit is exceeded for too long. docs/shield.md has the rules.
class Shield final : public ActionMask {
 public:
  struct Options {
    std::uint64_t memory_periods = 50;  ///< What was seen longer ago masks nothing; above 0.
    double tolerance = 0.1;  ///< Share of the power limit that may be drawn beyond it; 0 or above.
    double guard_k = 1.0;    ///< Below the temperature limit; 0 or above.
    std::uint64_t sensor_periods = 10;         ///< Without a value, before it takes over; above 0.
    std::uint64_t actuation_periods = 3;       ///< With a knob refused, likewise.
    std::uint64_t budget_periods = 20;         ///< Over a hard limit, likewise.
    std::uint64_t stretch_periods = 10;        ///< Within all budgets that make an action safe.
    std::uint64_t hold_periods = 20;           ///< How long it takes over; above 0 ...
    std::uint64_t longest_hold_periods = 320;  ///< ... doubled each time up to this ...
    std::uint64_t good_periods = 200;          ///< ... until so many went well in a row.

    static Options from_yaml(const ConfigNode& node);
  };

  struct Verdict {
    Action action;  ///< That may be taken.
    Overruled reason = Overruled::kNot;
  };

  /// `problem`'s references must outlive the shield.
  Shield(const Options& options, Problem problem);

  /// Forgets everything: the environment was reset.
  void begin_episode();

  /// What is asked for in the coming period, in which allows() and check() then hold.
  void expect(const Task& task);

  bool allows(const Action& action) const override;
  bool allows_all() const override;
  /// What may be taken instead of `wanted`, which may be `wanted` itself.
  Verdict check(const Action& wanted) const;

  /// Learns from a period, whoever decided in it. Whatever its info lacks teaches nothing.
  void observe(const PeriodRecord& record);

 private:
  /// Power drawn with one action.
  struct Seen {
    Action action;
    double power_w = 0.0;      ///< Exponentially weighted mean.
    std::uint64_t period = 0;  ///< The last one.
  };
  /// Periods with one action in which every budget was seen to be kept.
  struct Stretch {
    Action action;
    std::uint64_t periods = 0;
    double power_sum_w = 0.0;
  };
  struct SafeConfiguration {
    Action action;
    double power_w = 0.0;  ///< 0 where nothing measures it.
  };
  /// Everything that an episode teaches.
  struct State {
    std::uint64_t period = 0;
    std::vector<Seen> seen;                      ///< Of the last memory_periods.
    Action in_force;                             ///< The lowest before the first period.
    PowerSignal signal = PowerSignal::kMachine;  ///< What all power here is about.
    std::optional<double> power_w;
    std::optional<double> hottest_c;
    Stretch stretch;
    std::optional<SafeConfiguration> safe;
    // In a row:
    std::uint64_t without_power = 0;
    std::uint64_t without_temperature = 0;
    std::vector<std::uint64_t> refusals;  ///< [knobs]
    std::uint64_t exceeded = 0;
    std::uint64_t good = 0;
    // Taking over:
    Overruled reason = Overruled::kNot;
    std::uint64_t hold_left = 0;
    std::uint64_t next_hold = 0;
  };

  /// What was learned of another signal's power says nothing of this one's.
  void follow(PowerSignal signal);
  void see();
  void follow_stretch(const StepInfo& info);
  void count_troubles(const StepInfo& info);
  /// The trouble that has lasted too long.
  Overruled find_trouble(const StepInfo& info) const;
  void take_over_or_let_go(const StepInfo& info);

  /// By the newest evidence: that the action or one that cannot draw more drew more than `power_w`,
  /// unless since then one that cannot draw less drew less.
  bool drew_over(const Action& action, double power_w) const;
  bool draws_more_than_in_force(const Action& action) const;
  /// Why only the safe action may be taken; kNot if others may.
  Overruled emergency() const;
  /// Why the action may not be taken by what was seen of such ones; kNot if it may.
  Overruled mask(const Action& action) const;
  /// Whether it is so hot that nothing that draws more than what is in force may be taken.
  bool masks_heat() const;
  Action nearest_permitted(const Action& wanted) const;
  Action safe_action() const;
  /// Whether there is a limit that what was seen can be held against.
  bool limits_power() const { return now_.power_limit_w && now_.power_signal == state_.signal; }
  double power_bound_w(double limit_w) const { return limit_w * (1.0 + options_.tolerance); }

  Options options_;
  Problem problem_;
  PowerReader power_;
  std::vector<std::size_t> zones_;  ///< The signals that are heat.
  State state_;
  Situation now_;
};

/// What a configuration says of the shield: `true`, `false`, or its parameters.
struct ShieldSetting {
  std::optional<bool> wanted;  ///< Empty if it says nothing.
  Shield::Options options;

  static ShieldSetting from_yaml(const ConfigNode& node);
  /// Those of the shield to be used; none without one. @param otherwise  if nothing is said.
  std::optional<Shield::Options> options_or(bool otherwise) const {
    return wanted.value_or(otherwise) ? std::optional(options) : std::nullopt;
  }
};

/// A shield for this environment, which must outlive it; null without options.
std::unique_ptr<Shield> make_shield(const std::optional<Shield::Options>& options,
                                    const Environment& environment);

}  // namespace rein
