#include "env/signal_description.hpp"

#include <algorithm>

namespace rein {

std::optional<std::size_t> find_signal(const std::vector<SignalDescription>& signals,
                                       std::string_view name) {
  const auto found = std::ranges::find(signals, name, &SignalDescription::name);
  return found == signals.end() ? std::nullopt
                                : std::optional(static_cast<std::size_t>(found - signals.begin()));
}

}  // namespace rein
