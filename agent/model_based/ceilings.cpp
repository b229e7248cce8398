#include "agent/model_based/ceilings.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace rein {

namespace {

/// A level and how far a value is beyond it, in [0, 1).
struct Position {
  std::size_t level = 0;
  double beyond = 0.0;
};

/// @pre the levels ascend, as those of clocks and bandwidths do.
/// @param same  as a share: a value this near to a level's is that level's.
Position find_position(const Knob& knob, double value, double same) {
  Position position;
  while (position.level + 1 < knob.levels.size() &&
         knob.levels[position.level + 1].value <= value * (1.0 + same)) {
    ++position.level;
  }
  const double at = knob.levels[position.level].value;
  if (position.level + 1 < knob.levels.size() && value > at * (1.0 + same)) {
    position.beyond = std::log(value / at) / std::log(knob.levels[position.level + 1].value / at);
  }
  return position;
}

Mixture mix(const ActionSpace& actions, const std::vector<Position>& positions) {
  std::vector<std::size_t> levels;
  levels.reserve(positions.size());
  std::optional<std::size_t> between;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const bool is_first = !between && positions[i].beyond > 0.0;
    levels.push_back(positions[i].level + (!is_first && positions[i].beyond >= 0.5 ? 1 : 0));
    between = is_first ? std::optional(i) : between;
  }
  Mixture mixture;
  mixture.lower = mixture.upper = actions.encode(levels);
  if (between) {
    ++levels[*between];
    mixture.upper = actions.encode(levels);
    mixture.share = positions[*between].beyond;
  }
  return mixture;
}

}  // namespace

Mixture in_force(const ActionSpace& actions, const std::vector<KnobGrant>& granted,
                 const PlannerOptions& options) {
  std::vector<Position> positions;
  positions.reserve(granted.size());
  for (std::size_t i = 0; i < granted.size(); ++i) {
    const Knob& knob = actions.knobs()[i];
    const KnobGrant& grant = granted[i];
    positions.push_back(grant.value && knob.effect() == Knob::Effect::kFaster
                            ? find_position(knob, *grant.value, options.ceiling_same)
                            : Position{grant.level, 0.0});
  }
  return mix(actions, positions);
}

Ceilings::Ceilings(const ActionSpace& actions, const PlannerOptions& options)
    : actions_(actions), options_(options), ceilings_(actions.knobs().size()) {}

void Ceilings::forget() { ceilings_.assign(ceilings_.size(), {}); }

void Ceilings::note(const std::vector<KnobGrant>& granted, ActionId asked) {
  const auto levels = actions_.decode(asked);
  for (std::size_t i = 0; i < ceilings_.size(); ++i) {
    const Knob& knob = actions_.knobs()[i];
    const KnobGrant& grant = granted[i];
    if (knob.effect() != Knob::Effect::kFaster) {
      continue;
    }
    Ceiling& ceiling = ceilings_[i];
    const double wanted = knob.levels[levels[i]].value;
    const double got = grant.value.value_or(knob.levels[grant.level].value);
    if (got < wanted * (1.0 - options_.ceiling_same) && !grant.refused) {
      ceiling = {got, static_cast<std::size_t>(options_.ceiling_periods)};
    } else if (wanted > ceiling.value) {
      ceiling.periods = 0;  // More was granted than was thought possible.
    } else {
      ceiling.periods -= ceiling.periods > 0 ? 1 : 0;
    }
  }
}

bool Ceilings::has_any() const {
  return std::ranges::any_of(ceilings_, [](const Ceiling& ceiling) { return ceiling.periods > 0; });
}

Mixture Ceilings::granted(ActionId action) const {
  if (!has_any()) {
    return {action, action, 0.0};
  }
  const auto levels = actions_.decode(action);
  std::vector<Position> positions;
  positions.reserve(levels.size());
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const Knob& knob = actions_.knobs()[i];
    const bool is_held =
        ceilings_[i].periods > 0 && knob.levels[levels[i]].value > ceilings_[i].value;
    positions.push_back(is_held ? find_position(knob, ceilings_[i].value, options_.ceiling_same)
                                : Position{levels[i], 0.0});
  }
  return mix(actions_, positions);
}

}  // namespace rein
