#include "agent/model_based/change_costs.hpp"

#include <algorithm>

namespace rein {

ChangeCosts::ChangeCosts(const ActionSpace& actions, const PlannerOptions& options)
    : actions_(actions),
      memory_(static_cast<std::size_t>(options.change_memory)),
      costs_(actions.knobs().size()) {}

double ChangeCosts::of(ActionId from, ActionId to) const {
  double sum = 0.0;
  // Levels from the last knob, which is the fastest digit, to the first.
  for (std::size_t i = costs_.size(); from != to && i-- > 0;) {
    const std::size_t levels = actions_.knobs()[i].levels.size();
    sum += from % levels == to % levels ? 0.0 : std::max(0.0, costs_[i].ms);
    from /= levels;
    to /= levels;
  }
  return sum;
}

bool ChangeCosts::knows(ActionId from, ActionId to) const {
  for (std::size_t i = costs_.size(); from != to && i-- > 0;) {
    const std::size_t levels = actions_.knobs()[i].levels.size();
    if (from % levels != to % levels && costs_[i].seen == 0) {
      return false;
    }
    from /= levels;
    to /= levels;
  }
  return true;
}

void ChangeCosts::learn(ActionId from, ActionId to, double extra_ms) {
  const auto before = actions_.decode(from);
  const auto after = actions_.decode(to);
  double expected = 0.0;
  double changed = 0.0;
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (before[i] != after[i]) {
      expected += costs_[i].ms;
      changed += 1.0;
    }
  }
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    if (before[i] != after[i]) {
      costs_[i].seen = std::min(costs_[i].seen + 1, memory_);
      costs_[i].ms += (extra_ms - expected) / changed / static_cast<double>(costs_[i].seen);
    }
  }
}

void ChangeCosts::archive(Archive& archive) {
  archive.list(
      "knobs", costs_,
      [this](Archive& each, Cost& cost) {
        each.number("ms", cost.ms);
        each.count("seen", cost.seen, memory_);
      },
      costs_.size());
}

}  // namespace rein
