#include "agent/core/power_reader.hpp"

#include <algorithm>

namespace rein {

PowerReader::PowerReader(const std::vector<SignalDescription>& signals) {
  std::ranges::transform(kPowerSignals, indices_.begin(),
                         [&](std::string_view name) { return find_signal(signals, name); });
}

std::optional<double> PowerReader::value(const StepInfo& info, PowerSignal signal) const {
  const auto index = index_of(signal);
  return index ? info.reading(*index) : std::nullopt;
}

std::optional<double> PowerReader::fresh(const StepInfo& info, PowerSignal signal) const {
  const auto index = index_of(signal);
  return index && std::ranges::count(info.stale, *index) == 0 ? value(info, signal) : std::nullopt;
}

}  // namespace rein
