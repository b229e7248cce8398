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

void ChangeCosts::from(ActionId action, std::vector<double>& costs_ms) const {
  const auto before = actions_.decode(action);
  costs_ms.assign(actions_.size(), 0.0);
  // Of so many actions in a row the knob has the same level.
  std::size_t same = actions_.size();
  for (std::size_t i = 0; i < costs_.size(); ++i) {
    const std::size_t levels = actions_.knobs()[i].levels.size();
    same /= levels;
    const double cost_ms = std::max(0.0, costs_[i].ms);
    for (std::size_t begin = 0, level = 0; cost_ms > 0.0 && begin < costs_ms.size();
         begin += same, level = (level + 1) % levels) {
      if (level != before[i]) {
        std::for_each_n(costs_ms.begin() + static_cast<std::ptrdiff_t>(begin), same,
                        [cost_ms](double& each) { each += cost_ms; });
      }
    }
  }
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
