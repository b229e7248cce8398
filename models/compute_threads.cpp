#include "models/compute_threads.hpp"

#include <omp.h>
#include <sched.h>

namespace rein {

void set_compute_threads(int threads) {
  omp_set_num_threads(threads);
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) {
    return;
  }
  // Fewer CPUs than threads: that is what we left to the caller at an earlier call, unless somebody
  // has moved it meanwhile.
  static thread_local cpu_set_t shared_out{};
  static thread_local cpu_set_t left_to_caller{};
  if (CPU_COUNT(&cpus) < threads && CPU_EQUAL(&cpus, &left_to_caller)) {
    cpus = shared_out;
  }
  shared_out = cpus;
  const bool one_each = CPU_COUNT(&cpus) == threads;
#pragma omp parallel num_threads(threads) default(none) shared(cpus, one_each)
  {
    cpu_set_t mine = cpus;
    if (one_each) {
      int rank = omp_get_thread_num();
      for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &cpus) && rank-- != 0) {
          CPU_CLR(cpu, &mine);
        }
      }
    }
    // A placement that fails costs speed only; the platform reports those that it makes itself.
    sched_setaffinity(0, sizeof mine, &mine);
  }
  sched_getaffinity(0, sizeof left_to_caller, &left_to_caller);
}

}  // namespace rein
