#pragma once

namespace rein {

/// Sets how many OpenMP threads compute for the calling thread, and makes them: the caller and
/// threads - 1 workers.
///
/// Where the caller may use exactly as many CPUs as there are threads, each gets one of its own;
/// otherwise each may use all of them. Left to themselves two threads that sleep between requests
/// were woken on one and the same CPU, and took longer than one thread would.
/// @pre threads >= 1.
void set_compute_threads(int threads);

}  // namespace rein
