#pragma once

#include <cstdint>
#include <optional>

namespace rein {

class SystemCalls;

/// Of a process, or a thread: tells it from another that has the same id later.
struct Birth {
  int parent = 0;
  std::uint64_t at = 0;  ///< In the kernel's ticks since it booted.
};

/// From a `stat` file, by its path on this machine. Nothing if it has ended, though its parent has
/// not asked for it yet; or if the file cannot be opened, which `error` then tells. Allocates
/// nothing, and is async-signal-safe.
std::optional<Birth> read_birth(SystemCalls& calls, const char* stat, int& error);

}  // namespace rein
