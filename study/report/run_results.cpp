#include "study/report/run_results.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/config_node.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "env/trace_reader.hpp"
#include "platform/quantities.hpp"
#include "study/run/json_input.hpp"

namespace rein::report {
namespace {

Statistics::Value number_in(const ConfigNode& node, const std::string& key) {
  if (!node.has(key) || node.at(key).is_null()) {
    return std::nullopt;
  }
  return node.at(key).number();
}

std::string text_in(const ConfigNode& node, const std::string& key) {
  return node.has(key) && !node.at(key).is_null() ? node.at(key).text() : "";
}

Statistics read_statistics(const ConfigNode& node) {
  return {.requests = number_in(node, "requests"),
          .miss_share = number_in(node, "miss_share"),
          .accuracy_top1 = number_in(node, "accuracy_top1"),
          .accuracy_measured = number_in(node, "accuracy_measured"),
          .latency_p50_ms = number_in(node, "latency_p50_ms"),
          .latency_p95_ms = number_in(node, "latency_p95_ms"),
          .latency_p99_ms = number_in(node, "latency_p99_ms"),
          .latency_max_ms = number_in(node, "latency_max_ms"),
          .power_w = number_in(node, "power_w"),
          .energy_per_request_mj = number_in(node, "energy_per_request_mj"),
          .longest_miss_run = number_in(node, "longest_miss_run")};
}

void read_summary(const std::filesystem::path& file, Run& run) {
  // JSON is YAML, and a ConfigNode says where a mistake is.
  const ConfigNode summary = ConfigNode::load_record(file);
  run.agent = summary.at("agent").text();
  run.board = text_in(summary, "board");
  run.scenario = text_in(summary, "scenario");
  run.objective = text_in(summary, "objective");
  run.version = text_in(summary, "version");
  run.seed = text_in(summary, "seed");
  run.periods = number_in(summary, "periods");
  if (summary.has("shield")) {
    run.shield_interventions = number_in(summary.at("shield"), "interventions");
  }
  if (summary.has("decision_us")) {
    run.decision_p50_us = number_in(summary.at("decision_us"), "p50");
    run.decision_p99_us = number_in(summary.at("decision_us"), "p99");
  }
  run.duration_s = number_in(summary, "duration_s");
  run.planned_s = number_in(summary, "planned_s");
  run.ended = text_in(summary, "ended");
  run.whole = read_statistics(summary.at("whole"));
  run.second_half = read_statistics(summary.at("second_half"));
  if (summary.has("signals")) {
    for (const auto& [name, signal] : summary.at("signals").entries()) {
      run.signals[name] = {.source = text_in(signal, "source"),
                           .estimated = signal.boolean_or("estimated", false)};
    }
  }
  if (summary.has("phases")) {
    for (const auto& phase : summary.at("phases").items()) {
      run.phases.push_back({.name = phase.at("name").text(),
                            .stretches = number_in(phase, "stretches"),
                            .start_s = number_in(phase, "start_s"),
                            .end_s = number_in(phase, "end_s"),
                            .statistics = read_statistics(phase.at("statistics"))});
    }
  }
}

/// Names come from files and need not be UTF-8.
std::string dump(const nlohmann::ordered_json& value) { return json_text(value); }

std::vector<std::pair<std::string, std::string>> read_machine(const std::filesystem::path& file) {
  using Json = nlohmann::ordered_json;
  const Json machine = parse_json(read_file(file, kMostRecorded), file.string());
  if (!machine.is_object()) {
    throw ConfigError(
        fmt::format("{}: expected a JSON object, found something else", file.string()));
  }
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [key, value] : machine.items()) {
    if (!value.is_null()) {
      entries.emplace_back(key, value.is_string() ? value.get<std::string>() : dump(value));
    }
  }
  return entries;
}

/// Whether a report draws it: of the signals those that their quantity says.
bool is_drawn(const TraceColumn& column, const std::string& name) {
  if (column.of != TraceColumn::Of::kSignal) {
    return column.in_report;
  }
  const Quantity& quantity = quantity_of(name);
  return quantity.in_report || !quantity.chart.empty();
}

}  // namespace

bool Run::is_estimated(const std::string& signal) const {
  const auto found = signals.find(signal);
  return found != signals.end() && found->second.estimated;
}

bool Run::explores() const {
  const auto found = trace.numbers.find(std::string(kExplorationColumn));
  return found != trace.numbers.end() &&
         std::ranges::any_of(found->second, [](const auto& share) { return share > 0.0; });
}

std::string Run::shortfall() const {
  if (ended.empty() || ended == "completed") {
    return "";
  }
  const std::string of = planned_s ? fmt::format(" of {:.10g} s", *planned_s) : " s";
  const std::string after =
      planned_s && duration_s ? fmt::format(" after {:.10g}{}", *duration_s, of) : "";
  return ended == "interrupted" ? ended + after : fmt::format("failed{}: {}", after, ended);
}

Trace parse_trace(const std::string& text, const std::string& name,
                  const std::optional<TraceDescription>& description) {
  const TraceTable read = parse_trace_table(text, name);
  const CsvTable& table = read.table;
  if (description) {
    require_columns(table.columns, *description, name);
  }
  Trace trace;
  trace.rows = table.rows.size();
  trace.is_cut = read.is_cut;
  for (std::size_t at = 0; at < table.columns.size(); ++at) {
    const std::string& title = table.columns[at];
    const TraceColumn* const column = find_trace_column(title);
    if (column == nullptr || !is_drawn(*column, title)) {
      continue;
    }
    if (holds_names(*column, title)) {
      auto& names = trace.names[title];
      for (const auto& row : table.rows) {
        names.push_back(row.cells[at]);
      }
    } else {
      auto& numbers = trace.numbers[title];
      for (std::size_t row = 0; row < table.rows.size(); ++row) {
        numbers.push_back(read_number(*column, table, row, at, name));
      }
    }
  }
  return trace;
}

Run read_run(const std::filesystem::path& folder) {
  if (!is_folder(folder)) {
    throw ConfigError(fmt::format("{}: expected the folder of a run, found {}", folder.string(),
                                  is_there(folder) ? "a file" : "nothing"));
  }
  Run run;
  run.folder = folder;
  read_summary(folder / "summary.json", run);
  const auto trace = folder / "trace.csv";
  // What a later rein wrote may mean something else by the same names.
  const auto description = TraceDescription::read_beside(trace);
  run.trace = parse_trace(read_file(trace), trace.string(), description);
  if (run.trace.is_cut) {
    spdlog::warn("{}: its last line does not end, and is left out", trace.string());
  }
  for (const std::string_view column : {kPeriodColumn, kTimeColumn}) {
    if (!run.trace.numbers.contains(std::string(column))) {
      throw ConfigError(
          fmt::format("{}:1: expected the column {}, found none", trace.string(), column));
    }
  }
  if (is_there(folder / "machine.json")) {
    run.machine = read_machine(folder / "machine.json");
  }
  if (is_there(folder / "config.yaml")) {
    run.config = read_file(folder / "config.yaml", kMostRecorded);
  }
  return run;
}

}  // namespace rein::report
