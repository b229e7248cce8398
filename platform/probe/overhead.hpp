#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "platform/board/board.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// What managing a machine costs, in CPU time of this thread, the kernel's included, and in calls
/// to the kernel.
struct Overhead {
  struct Cost {
    double time_us = 0.0;
    double num_calls = 0.0;
  };
  std::size_t num_signals = 0;
  std::size_t num_controls = 0;
  Cost sample;      ///< All signals once.
  Cost apply;       ///< A configuration that differs in every control that can.
  Cost apply_same;  ///< One that differs in none.
  Cost read_back;   ///< What is in force, of all controls.

  double period_us() const { return sample.time_us + apply.time_us + read_back.time_us; }
  /// Of one core, with a period that often.
  double core_share(double periods_hz) const { return period_us() * 1e-6 * periods_hz; }
};

/// How long it is measured.
struct OverheadOptions {
  std::uint64_t rounds = 2000;  ///< Of each of the four things, at most.
  /// For each of them, after the first round: a machine of many CPUs takes long for a round.
  Duration time = std::chrono::seconds(1);
  std::function<bool()> stop = [] { return false; };  ///< Asked in each round.
  /// Told the rounds that are done, of four times `rounds`; those that time cuts off count as done.
  std::function<void(std::uint64_t done)> progress = [](std::uint64_t) {};
  ControlGuard::Report report;  ///< As a ControlGuard has it.
};

/// Sets each control to its first and last level in turn, and gives it back. Without a mapping
/// where this process is not below the root. @return nothing if it was stopped. @throws Error as a
/// LinuxPlatform and a ControlGuard for the machine do, or if the kernel refuses a control.
std::optional<Overhead> measure_overhead(const Board& board, const std::filesystem::path& root,
                                         const Clock& clock, const OverheadOptions& options);

std::string to_table(const Overhead& overhead);
std::string to_json(const Overhead& overhead);

}  // namespace rein
