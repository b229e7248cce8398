#pragma once

#include <optional>
#include <tuple>

#include "agent/core/foresight.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"
#include "env/worth.hpp"

namespace rein {

/// The profile that an agent starts from: the file that `profile:` names, or else the one that can
/// be measured beforehand; empty if there is neither. With `profile_error: e` every latency and
/// power is made wrong by a factor of its own, drawn from [1 - e, 1 + e].
/// @throws ConfigError
std::optional<Profile> find_profile(const ConfigNode& node, const Problem& problem, Random& random,
                                    const Foresight& foresight);

/// The same for an agent that cannot do without. @throws ConfigError, also if there is none.
Profile require_profile(const ConfigNode& node, const Problem& problem, Random& random,
                        const Foresight& foresight);

/// What a configuration uses and costs by the profile, on the signals that the task names.
/// Its `power_w` is of the task's power signal, and its energy of the whole machine, which tell of
/// each other at the task's rate.
class ProfiledUse {
 public:
  explicit ProfiledUse(const TaskDescription& task)
      : objective_(task.objective), profiled_(task.power_signal) {}

  /// The signal that an entry's `power_w` is about.
  PowerSignal signal() const { return profiled_; }
  /// Of the limits on power and energy the share that is used most of; 0 if there is none, or
  /// nothing is known.
  double share(const ProfileEntry& entry, const Situation& now) const;
  /// In the unit of the objective: accuracy with a minus, mJ a request, W, ms. Infinite where it
  /// was not measured.
  double cost(const ProfileEntry& entry, const Situation& now) const;

  /// What is lacking of each constraint, the most important one first: of the time for a request
  /// that does not wait, of the accuracy's floor, of power and energy, and of the time that is left
  /// for it with a margin (0: kept); then the cost, and the power. The least is the best.
  using Rank = std::tuple<double, double, double, double, double, double>;
  /// Of an entry that was not measured no time is known: it is last.
  /// @param margin       what may be taken for each ms that the profile says; at least 1.
  /// @param power_share  of limits on power and energy that may be used, in (0, 1].
  /// @param waited_ms    of the request; 0 or more.
  Rank rank(const ProfileEntry& entry, const Situation& now, double margin, double power_share,
            double waited_ms = 0.0) const;

 private:
  std::optional<double> power_w(const ProfileEntry& entry, PowerSignal signal,
                                double rate_hz) const;
  std::optional<double> energy_mj(const ProfileEntry& entry, PowerSignal signal,
                                  double rate_hz) const;

  Objective objective_;
  PowerSignal profiled_;
};

}  // namespace rein
