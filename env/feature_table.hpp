#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "env/action_space.hpp"
#include "env/observation_spec.hpp"
#include "env/signal_description.hpp"

namespace rein {

/// All features of one kind, but for signals: how those are seen is in the table of quantities.
struct FeatureKind {
  enum class Of { kKnob, kApplication, kMachine };  ///< One of each knob, one of each ...

  Of of = Of::kMachine;
  std::string_view name;  ///< `<knob>` and `<app>` stand for their names.
  std::string_view number;
  std::string_view unit = "1";
  Source::Kind source = Source::Kind::kSignal;
  BudgetId::Kind budget = BudgetId::Kind::kLatency;
  Scale scale = {};
  std::string_view what;  ///< The number in words, for docs/observation.md.
};

/// In the order of an observation: knobs, then each application in turn, then the machine.
std::span<const FeatureKind> feature_kinds();

/// What agents see of a machine. It depends on knobs, applications and signals alone, never on a
/// scenario or its budgets: what was learned in one scenario can be used in another. Signals come
/// last, of these the whole machine's first.
ObservationSpec make_observation_spec(const std::vector<Knob>& knobs,
                                      const std::vector<std::string>& applications,
                                      const std::vector<SignalDescription>& signals);

}  // namespace rein
