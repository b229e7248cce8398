#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env/trace_description.hpp"

namespace rein::report {

/// What a summary says of a stretch of a run; empty where it does not know.
struct Statistics {
  using Value = std::optional<double>;
  Value requests;
  Value miss_share;         ///< Late and dropped over requests, in [0, 1].
  Value accuracy_top1;      ///< Mean table accuracy of what was served, in [0, 1].
  Value accuracy_measured;  ///< Share that was classified correctly, in [0, 1].
  Value latency_p50_ms;
  Value latency_p95_ms;
  Value latency_p99_ms;
  Value latency_max_ms;
  Value power_w;
  Value energy_per_request_mj;  ///< Of the whole machine, over what was served.
  Value longest_miss_run;       ///< Requests in a row that were late or dropped.
};

struct PhaseSummary {
  std::string name;
  Statistics::Value stretches;  ///< That are summed up; empty in summaries of old: one.
  Statistics::Value start_s;    ///< Of the first ...
  Statistics::Value end_s;      ///< ... and of the last one.
  Statistics statistics;
};

/// Where a signal comes from.
struct SignalSource {
  std::string source;
  bool estimated = false;  ///< Computed from a model, not measured.
};

/// The columns of a trace that a report knows, each with a value a row. A trace may have more.
struct Trace {
  std::size_t rows = 0;
  std::map<std::string, std::vector<std::optional<double>>> numbers;
  std::map<std::string, std::vector<std::string>> names;  ///< Empty text: not available.
  bool is_cut = false;  ///< Its last line did not end, and is left out.
};

/// What one run left in its folder.
struct Run {
  std::filesystem::path folder;
  std::string agent;
  std::string board;
  std::string scenario;
  std::string objective;
  std::string version;
  std::string seed;
  Statistics::Value periods;
  Statistics::Value shield_interventions;
  Statistics::Value decision_p50_us;
  Statistics::Value decision_p99_us;
  Statistics::Value duration_s;  ///< What was run ...
  Statistics::Value planned_s;   ///< ... of what was to be. Empty in summaries of old.
  std::string ended;             ///< "completed", "interrupted", or what went wrong.
  std::map<std::string, SignalSource> signals;
  Statistics whole;
  Statistics second_half;
  std::vector<PhaseSummary> phases;
  Trace trace;
  /// The entries of machine.json in its order, and config.yaml; empty if there is no such file.
  std::vector<std::pair<std::string, std::string>> machine;
  std::string config;

  bool is_estimated(const std::string& signal) const;
  /// Whether the agent explored, as only one that learns does.
  bool explores() const;
  /// "", or how far it came: "interrupted after 12.3 of 60 s".
  std::string shortfall() const;
};

/// Reads `folder`: trace.csv and summary.json, and machine.json and config.yaml if they are there.
///
/// @throws ConfigError naming the file (and the line) for what is missing or wrong.
Run read_run(const std::filesystem::path& folder);

/// `text` with the columns that a report knows.
/// @param description  of the trace, if there is one beside it.
/// @throws ConfigError reading `file:line: x: expected a number, found 'abc'`, as parse_csv() does,
///         and for a trace that the description is not of.
Trace parse_trace(const std::string& text, const std::string& name,
                  const std::optional<TraceDescription>& description = std::nullopt);

}  // namespace rein::report
