#include "env/observation_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rein {

std::string describe(const Feature& feature) {
  const Scale& scale = feature.scale;
  return fmt::format("{} = {} in [{}, {}], else {}", feature.name, formula(scale, feature.number),
                     scale.min, scale.max, scale.neutral);
}

std::vector<std::string> describe(const ObservationSpec& spec) {
  std::vector<std::string> lines;
  std::ranges::transform(spec.features(), std::back_inserter(lines),
                         [](const Feature& feature) { return describe(feature); });
  return lines;
}

}  // namespace rein
