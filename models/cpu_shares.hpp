#pragma once

#include <sched.h>

#include <cstddef>

namespace rein {

/// Deals the CPUs that the calling thread may use out to the threads that compute for it, of
/// whatever library: where there are as many, each gets one of its own; otherwise each may use all
/// of them. Left to themselves two threads that sleep between requests were woken on one and the
/// same CPU, and took longer than one thread would.
///
/// What the caller may use counts as it was before it was dealt out, until somebody moves one of
/// the threads. For that, each calling thread remembers its last deal.
class CpuShares {
 public:
  /// By the thread that the others compute for. @pre threads >= 1.
  explicit CpuShares(int threads);
  CpuShares(const CpuShares&) = delete;
  CpuShares& operator=(const CpuShares&) = delete;

  /// The calling thread takes its share. Each thread once, at the same time as others if need be.
  /// @param rank  the caller's is 0, those of the others 1 to threads - 1.
  void take(std::size_t rank);

 private:
  struct Deal;
  Deal& deal_;
};

}  // namespace rein
