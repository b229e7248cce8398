#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

/// A signal of the machine, as the trace names it.
struct SignalDescription {
  std::string name;
  std::string unit;
  std::string source;
  bool estimated = false;  ///< By a model, not measured.
  bool is_heat = false;    ///< A temperature that counts for the hottest one.
};

/// Its index; empty if there is none of that name.
std::optional<std::size_t> find_signal(const std::vector<SignalDescription>& signals,
                                       std::string_view name);

}  // namespace rein
