#pragma once

namespace rein {

/// Sets how many OpenMP threads compute for the calling thread, and makes them: the caller and
/// threads - 1 workers, which share its CPUs (models/cpu_shares.hpp). @pre threads >= 1.
void set_compute_threads(int threads);

/// What the last set_compute_threads() of the calling thread set.
int compute_threads();

}  // namespace rein
