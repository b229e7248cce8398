#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "env/action_space.hpp"
#include "env/environment.hpp"
#include "env/observation_spec.hpp"

namespace rein {

/// An action, and how it was chosen.
struct Decision {
  Action action;
  /// The chance with which this action, of all that were allowed, was drawn; in (0, 1]. Empty if it
  /// was not asked for.
  std::optional<double> probability = 1.0;
  double exploration = 0.0;  ///< The chance that it explored, in [0, 1].
  bool explored = false;     ///< It is not what is believed best.

  bool operator==(const Decision&) const = default;
};

/// Why a shield decided in a policy's place.
enum class Overruled { kNot, kPower, kTemperature, kSensors, kActuation, kBudgets };
constexpr std::size_t kNumOverruled = 6;

/// "power", "temperature", ...; empty for kNot.
std::string to_string(Overruled reason);
/// @throws Error listing the names.
Overruled overruled_from(const std::string& name);

/// All that one control period was: what was seen, what was asked for and how that was chosen, what
/// was done instead, and what came of it. A value: it can be kept, written and read back. Of one
/// that was read or imagined, what is not known is empty, as the fields of StepInfo say.
struct PeriodRecord {
  std::uint64_t episode = 0;  ///< Of its run, from 0.
  std::uint64_t index = 0;    ///< Of its episode, from 0.
  Observation observation;    ///< On which the action was chosen.
  Decision decision;          ///< What was asked for.
  Action action;              ///< What was done: the decision's, or a shield's.
  Overruled overruled = Overruled::kNot;
  std::string policy;         ///< The hash of the policy that the run began with; may be empty.
  std::uint64_t updates = 0;  ///< From which learning has moved it so often since.
  StepResult result;
  Duration deciding{};  ///< What choosing took ...
  Duration learning{};  ///< ... and learning from what came of it.

  /// Whether a shield or the machine made something else of the decision, so that its probability
  /// says nothing of what was in force.
  bool is_changed() const;
};

}  // namespace rein
