#include "models/openmp/compute_threads.hpp"

#include "models/cpu_shares.hpp"

// Of libgomp, which the libraries use that compute: Debian's Clang has none of its own, and one of
// its own would make other threads.
extern "C" {
void omp_set_num_threads(int threads);
int omp_get_max_threads();
int omp_get_thread_num();
// NOLINTNEXTLINE(readability-identifier-naming): its name.
void GOMP_parallel(void (*work)(void*), void* data, unsigned threads, unsigned flags);
}

namespace rein {

void set_compute_threads(int threads) {
  omp_set_num_threads(threads);
  CpuShares shares(threads);
  const auto take_share = [](void* data) {
    static_cast<CpuShares*>(data)->take(static_cast<std::size_t>(omp_get_thread_num()));
  };
  GOMP_parallel(take_share, &shares, static_cast<unsigned>(threads), 0);
}

int compute_threads() { return omp_get_max_threads(); }

}  // namespace rein
