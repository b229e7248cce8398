#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace rein {

/// A number that threads wait for to change. Not std::atomic's wait(), which yields the CPU before
/// it sleeps: where others keep it busy, a time slice is gone.
class Signal {
 public:
  int value() const { return value_.load(std::memory_order_acquire); }
  /// Blocks while it is `old`.
  void wait(int old);
  /// What was written before is seen by those who see the new number.
  void increment();

 private:
  alignas(64) std::atomic<int> value_ = 0;
  std::atomic<int> sleepers_ = 0;
};

/// Threads that compute for one thread, which is one of them. They wait for one another awake for
/// some microseconds, then asleep.
class ComputeTeam {
 public:
  /// @pre threads >= 1. @throws Error if the system gives no more threads.
  explicit ComputeTeam(int threads);
  ~ComputeTeam();
  ComputeTeam(const ComputeTeam&) = delete;
  ComputeTeam& operator=(const ComputeTeam&) = delete;

  std::size_t size() const { return others_.size() + 1; }

  /// They share the caller's CPUs anew (models/cpu_shares.hpp).
  void share_cpus();

  /// Each thread calls work(its number), the caller's is 0. Blocks until all are done.
  template <typename Work>
  void run(const Work& work) {
    task_ = [](const void* context, std::size_t number) {
      (*static_cast<const Work*>(context))(number);
    };
    context_ = &work;
    start();
    work(0);
    meet();
  }

  /// In work: waits until every thread is here.
  void meet();

 private:
  void start();
  void serve(std::size_t number);
  void stop();

  void (*task_)(const void*, std::size_t) = nullptr;  ///< Null: to end.
  const void* context_ = nullptr;
  Signal starts_;
  Signal meetings_;
  alignas(64) std::atomic<std::size_t> here_ = 0;
  std::vector<std::thread> others_;
};

}  // namespace rein
