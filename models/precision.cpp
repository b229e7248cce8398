#include "models/precision.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/error.hpp"

namespace rein {
namespace {

const std::vector<std::string>& names() {  // In the order of the precisions.
  static const std::vector<std::string> names = {"f32", "bf16", "int8"};
  return names;
}

}  // namespace

const std::string& precision_name(Precision precision) {
  return names().at(static_cast<std::size_t>(precision));
}

Precision find_precision(const std::string& name) {
  const auto found = std::ranges::find(names(), name);
  if (found == names().end()) {
    throw ConfigError(
        fmt::format("precision: expected one of {}, found '{}'", fmt::join(names(), ", "), name));
  }
  return static_cast<Precision>(found - names().begin());
}

}  // namespace rein
