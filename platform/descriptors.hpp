#pragma once

namespace rein {

/// Closes every descriptor from `first` on. Async-signal-safe.
void close_descriptors_from(int first);

}  // namespace rein
