#include "agent/core/action_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace rein {

namespace {

/// How to have fewer levels of a knob.
std::string remedy(const Knob& knob) {
  switch (knob.kind) {
    case Knob::Kind::kFrequency:
      return fmt::format(
          "some of its frequencies in the run file (`controls: {{frequency: {{{}: [{:g}, "
          "{:g}]}}}}`) or in `opps_mhz` of the board file",
          knob.owner(), knob.levels.front().value, knob.levels.back().value);
    case Knob::Kind::kBandwidth:
      return fmt::format("`controls: {{bandwidth_levels_cpus: [{:g}, {:g}]}}` in the run file",
                         knob.levels.front().value, knob.levels.back().value);
    case Knob::Kind::kMapping:
      return "some of its `places` in the run file's application";
    case Knob::Kind::kWidth:
      break;
  }
  return "fewer levels of it";
}

}  // namespace

std::optional<std::string> too_many_actions(const ActionSpace& actions, std::size_t most) {
  if (actions.size() <= most) {
    return std::nullopt;
  }
  std::vector<const Knob*> knobs;
  for (const auto& knob : actions.knobs()) {
    if (knob.levels.size() > 1) {
      knobs.push_back(&knob);
    }
  }
  std::ranges::stable_sort(knobs, std::greater{},
                           [](const Knob* knob) { return knob->levels.size(); });
  double number = 1.0;  // Of which size() may be only the greatest that it can say.
  std::vector<std::string> factors;
  for (const Knob* knob : knobs) {
    number *= static_cast<double>(knob->levels.size());
    factors.push_back(fmt::format("{} {}", knob->name, knob->levels.size()));
  }
  const std::string found =
      number < 1e12 ? fmt::format("{:.0f}", number) : fmt::format("{:.1e}", number);
  return fmt::format("expected at most {} actions, found {} ({}): give {}", most, found,
                     fmt::join(factors, " x "), remedy(*knobs.front()));
}

}  // namespace rein
