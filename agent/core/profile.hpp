#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "env/environment.hpp"

namespace rein {

/// What was measured of one configuration: a row of a profile. What was not measured is empty.
struct ProfileEntry {
  ActionId action = 0;
  std::size_t requests = 0;             ///< That were served.
  std::optional<double> service_ms;     ///< Mean time to serve a request, without its waiting.
  std::optional<double> service_sd_ms;  ///< Standard deviation of the periods' means.
  std::optional<double> latency_p95_ms;
  std::optional<double> power_w;    ///< Mean of the signal that the power budget is about.
  std::optional<double> energy_mj;  ///< Of a request, of the whole board.
  double top1 = 0.0;                ///< Of the level, from the network's table.
};

/// A table of measured latency, power and energy for each configuration. docs/profile.md has the
/// columns of its CSV file.
struct Profile {
  std::vector<ProfileEntry> entries;  ///< [actions], in their order.

  /// Keeps every configuration for `settle + periods` periods and measures the last `periods`.
  /// Episodes that end are begun again. Stops early, with fewer entries, when `stop` says so.
  /// @pre periods > 0.  @param progress  is told how many of the actions are done.
  static Profile measure(
      Environment& environment, std::uint64_t seed, std::size_t settle, std::size_t periods,
      const std::function<bool()>& stop = [] { return false; },
      const std::function<void(std::size_t)>& progress = [](std::size_t) {});
  /// The same from the first action on that is not measured yet. What was measured stays, also when
  /// that throws.
  void measure_rest(Environment& environment, std::uint64_t seed, std::size_t settle,
                    std::size_t periods, const std::function<bool()>& stop,
                    const std::function<void(std::size_t)>& progress);

  /// @throws Error naming the file.
  void write(const std::filesystem::path& file, const ActionSpace& actions) const;
  /// @throws ConfigError naming file, line and column for what is wrong, or for other knobs.
  static Profile read(const std::filesystem::path& file, const ActionSpace& actions);
  /// As read(), of one that was interrupted: it may end early.
  static Profile read_begun(const std::filesystem::path& file, const ActionSpace& actions);
};

}  // namespace rein
