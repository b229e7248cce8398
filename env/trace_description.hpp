#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "env/environment.hpp"

namespace rein {

/// A feature of a trace.
struct TraceFeature {
  std::string name;
  std::string is;  ///< What describe() says of it; may be empty.

  static std::vector<TraceFeature> all_of(const ObservationSpec& observations);
};

/// What has to be known to read a trace.csv by itself: what its columns are named after, and what
/// stays the same from its first row to its last. It lies beside the trace, as trace.yaml.
struct TraceDescription {
  /// Of the format, which this program writes. Traces without a trace.yaml are of version 1.
  static constexpr int kVersion = 2;

  int version = kVersion;
  std::string program;  ///< Rein's version that wrote it; may be empty.
  std::uint64_t seed = 0;
  double period_s = 0.1;
  Objective objective;
  Prices prices;
  std::vector<PowerSignal> power_signals;  ///< As in TaskDescription.
  std::vector<std::string> applications;
  std::vector<Knob> knobs;
  std::vector<SignalDescription> signals;
  std::vector<TraceFeature> features;
  std::vector<std::string> reward_terms;

  /// Of what this environment does.
  static TraceDescription of(const Environment& environment);

  std::string to_yaml() const;
  /// What it does not know is of a later program of the same version, and passed over.
  /// @throws ConfigError naming file, line and key, also for a later version.
  static TraceDescription from_yaml(const ConfigNode& node);

  /// Where it is of this trace: `trace.yaml` of `trace.csv`.
  static std::filesystem::path path_of(const std::filesystem::path& trace);
  /// Writes it there. @throws Error naming the path and the reason.
  void write_beside(const std::filesystem::path& trace) const;
  /// Of this trace; none beside one of version 1.
  static std::optional<TraceDescription> read_beside(const std::filesystem::path& trace);
};

}  // namespace rein
