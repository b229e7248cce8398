#include "common/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace rein {

void run_parallel(std::size_t count, std::size_t jobs,
                  const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr first;
  const auto take_part = [&] {
    try {
      for (std::size_t index = next++; index < count; index = next++) {
        work(index);
      }
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      first = first ? first : std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (std::size_t i = 1; i < std::min(jobs, count); ++i) {
        others.emplace_back(take_part);
      }
    } catch (const std::exception&) {
      // There may be no more threads: it takes longer.
    }
    take_part();
  }
  if (first) {
    std::rethrow_exception(first);
  }
}

}  // namespace rein
