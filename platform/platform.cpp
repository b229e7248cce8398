#include "platform/platform.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace rein {

const char* to_string(Control::Kind kind) {
  switch (kind) {
    case Control::Kind::kMapping:
      break;
    case Control::Kind::kFrequency:
      return "frequency";
    case Control::Kind::kBandwidth:
      return "bandwidth";
  }
  return "mapping";
}

std::string control_name(Control::Kind kind, const std::string& owner) {
  return fmt::format("{}.{}", to_string(kind), owner);
}

Control mapping_control(const std::string& application, std::vector<Place> places) {
  Control control{.kind = Control::Kind::kMapping,
                  .name = control_name(Control::Kind::kMapping, application),
                  .unit = "threads",
                  .levels = {}};
  for (const auto& place : places) {
    control.levels.push_back({.label = place.name, .value = static_cast<double>(place.threads)});
  }
  control.places = std::move(places);
  return control;
}

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
