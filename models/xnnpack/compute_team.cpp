#include "models/xnnpack/compute_team.hpp"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <limits>
#include <system_error>

#include "common/error.hpp"
#include "models/cpu_shares.hpp"

namespace rein {
namespace {

/// Others may keep the CPU busy on which a thread is that is waited for.
constexpr std::chrono::microseconds kAwake{50};

}  // namespace

void Signal::wait(int old) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + kAwake;
  do {
    for (int i = 0; i < 16; ++i) {
      if (value() != old) {
        return;
      }
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
  } while (Clock::now() < until);
  sleepers_.fetch_add(1);
  while (value_.load() == old) {
    syscall(SYS_futex, &value_, FUTEX_WAIT_PRIVATE, old, nullptr);
  }
  sleepers_.fetch_sub(1);
}

void Signal::increment() {
  value_.fetch_add(1);
  if (sleepers_.load() != 0) {
    syscall(SYS_futex, &value_, FUTEX_WAKE_PRIVATE, std::numeric_limits<int>::max());
  }
}

ComputeTeam::ComputeTeam(int threads) {
  const auto others = static_cast<std::size_t>(threads - 1);
  others_.reserve(others);
  try {
    while (others_.size() < others) {
      others_.emplace_back(&ComputeTeam::serve, this, others_.size() + 1);
    }
  } catch (const std::system_error& error) {
    stop();
    throw Error(
        fmt::format("the network: expected {} threads to compute, found that the system gives "
                    "no more than {}: {}",
                    threads, others_.size() + 1, error.code().message()));
  }
}

ComputeTeam::~ComputeTeam() { stop(); }

void ComputeTeam::share_cpus() {
  CpuShares shares(static_cast<int>(size()));
  run([&](std::size_t number) { shares.take(number); });
}

void ComputeTeam::start() {
  if (others_.empty()) {
    return;
  }
  starts_.increment();
}

void ComputeTeam::meet() {
  if (others_.empty()) {
    return;
  }
  const int meeting = meetings_.value();
  if (here_.fetch_add(1, std::memory_order_acq_rel) + 1 < size()) {
    meetings_.wait(meeting);
    return;
  }
  here_.store(0, std::memory_order_relaxed);
  meetings_.increment();
}

void ComputeTeam::serve(std::size_t number) {
  for (int seen = 0;; ++seen) {
    starts_.wait(seen);
    if (task_ == nullptr) {
      return;
    }
    task_(context_, number);
    meet();
  }
}

void ComputeTeam::stop() {
  task_ = nullptr;
  start();
  for (std::thread& other : others_) {
    other.join();
  }
}

}  // namespace rein
