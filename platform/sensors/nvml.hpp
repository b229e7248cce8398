#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/kernel/missing.hpp"

namespace rein {

class SystemCalls;

/// What NVML says of a call, by its numbers (nvmlReturn_t). It has others too.
enum class NvmlResult : int {
  kSuccess = 0,
  kUninitialized = 1,
  kNotSupported = 3,
  kNoPermission = 4,
  kNotFound = 6,
  kDriverNotLoaded = 9,
  kFunctionNotFound = 13,
  kGpuIsLost = 15,
  kResetRequired = 16,
  kOperatingSystem = 17,  ///< A control group keeps the card's device closed.
  kVersionMismatch = 18,  ///< Of library and driver: one of them was replaced.
  kGpuNotFound = 28,
};

/// What to do about it, for a Missing.
std::string remedy_of(NvmlResult result);

/// A number that a card tells of itself.
enum class CardNumber {
  kEnergyMj,  ///< Counts up since the driver was loaded.
  kPowerMw,   ///< Now, or of many cards the mean of the last second.
  kTemperatureC,
  kSmClockMhz,
  kMemoryClockMhz,
  kBusyPercent,
  kThrottleReasons,  ///< A bit for each.
};
inline constexpr std::size_t kNumCardNumbers = 7;

/// NVIDIA's management library, `libnvidia-ml.so.1`, loaded at run time and by declarations of our
/// own: the few functions that are called, under the names of its API's reference. It is only
/// asked; what sets anything is not even looked up. Cards that are asked stay awake.
class Nvml {
 public:
  using Device = void*;  ///< nvmlDevice_t.

  /// @return null if it cannot be used, and why in `obstacle`. `calls` are asked for the library.
  static std::unique_ptr<Nvml> open(SystemCalls& calls, Missing& obstacle);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  /// Addresses of the cards that it knows, as the kernel writes them ("0000:01:00.0"), ascending.
  std::vector<std::string> addresses() const;
  NvmlResult find(const std::string& address, Device& card) const;
  /// "NVIDIA H200"; "NVIDIA card" if it does not say.
  std::string name_of(Device card) const;
  /// The highest limit on its power that can be set, in W.
  std::optional<double> greatest_limit_w(Device card) const;
  NvmlResult read(CardNumber what, Device card, std::int64_t& number) const;
  /// In its words: "GPU is lost".
  std::string text_of(NvmlResult result) const;

 private:
  struct Functions;
  Nvml(void* library, std::unique_ptr<Functions> functions);

  void* library_;
  std::unique_ptr<Functions> functions_;
};

}  // namespace rein
