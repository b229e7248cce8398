#pragma once

namespace rein {

/// Opens /dev/null in the place of each of the descriptors 0, 1 and 2 that is closed, so that no
/// file that is opened later gets its number and the log, or another program's output, goes into
/// it. The wrong way round: who reads 0 or writes to 1 or 2 is told, as if it were still closed.
/// The first thing that a program does. Async-signal-safe.
void fill_standard_descriptors();

/// Closes every descriptor from `first` on. Async-signal-safe.
void close_descriptors_from(int first);

}  // namespace rein
