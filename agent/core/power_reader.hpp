#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "env/environment.hpp"

namespace rein {

/// Finds the signals of power among those of an environment.
class PowerReader {
 public:
  explicit PowerReader(const std::vector<SignalDescription>& signals);

  bool has(PowerSignal signal) const { return index_of(signal).has_value(); }
  /// Of the period, in W; empty if it is not known.
  std::optional<double> value(const StepInfo& info, PowerSignal signal) const;
  /// The same, if it was measured in the period: what is older says nothing of its action.
  std::optional<double> fresh(const StepInfo& info, PowerSignal signal) const;

 private:
  std::optional<std::size_t> index_of(PowerSignal signal) const {
    return indices_[static_cast<std::size_t>(signal)];
  }
  std::array<std::optional<std::size_t>, kNumPowerSignals> indices_;
};

}  // namespace rein
