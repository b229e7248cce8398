#include "platform/platform.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace rein {

void check(const Configuration& configuration, const std::vector<Control>& controls) {
  if (configuration.size() != controls.size()) {
    throw std::out_of_range(fmt::format("configuration: expected {} levels, found {}",
                                        controls.size(), configuration.size()));
  }
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    if (configuration[i] >= controls[i].levels.size()) {
      throw std::out_of_range(fmt::format("{}: expected a level below {}, found {}",
                                          controls[i].name, controls[i].levels.size(),
                                          configuration[i]));
    }
  }
}

}  // namespace rein
