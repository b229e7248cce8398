#include "agent/core/knob_layout.hpp"

#include <algorithm>
#include <iterator>

#include "agent/core/managed_application.hpp"

namespace rein {

KnobLayout::KnobLayout(const ActionSpace& actions) {
  width = actions.find(Knob::Kind::kWidth, kManagedApplication);
  mapping = actions.find(Knob::Kind::kMapping, kManagedApplication);
  for (std::size_t i = 0; i < actions.knobs().size(); ++i) {
    if (actions.knobs()[i].kind == Knob::Kind::kFrequency) {
      frequencies.push_back(i);
    }
  }
}

Action action_in_force(const PeriodRecord& record) {
  const auto& granted = record.result.info.granted;
  if (granted.size() != record.action.size()) {
    return record.action;
  }
  Action levels;
  levels.reserve(granted.size());
  std::ranges::transform(granted, std::back_inserter(levels), &KnobGrant::level);
  return levels;
}

}  // namespace rein
