#include "agent/model_based/change_costs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/core/checkpoint.hpp"

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

nlohmann::ordered_json ChangeCosts::to_json() const {
  auto json = nlohmann::ordered_json::array();
  for (const auto& cost : costs_) {
    json.push_back({{"ms", cost.ms}, {"seen", cost.seen}});
  }
  return json;
}

void ChangeCosts::load(const ConfigNode& node) {
  const auto items = node.items();
  if (items.size() != costs_.size()) {
    node.reject(fmt::format("expected {} entries, one for each knob, found {}", costs_.size(),
                            items.size()));
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    costs_[i] = {items[i].at("ms").number(), load_index(items[i].at("seen"), memory_)};
    items[i].reject_unknown();
  }
}

}  // namespace rein
