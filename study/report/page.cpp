#include "study/report/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "common/json_text.hpp"
#include "common/time_text.hpp"
#include "platform/quantities.hpp"
#include "study/report/assets.hpp"
#include "study/report/markup.hpp"
#include "study/report/table.hpp"

namespace rein::report {
namespace {

using Json = nlohmann::json;
using Property = std::function<std::string(const Run&)>;

/// What the runs have in common, or all that they have: "a, b".
std::string distinct(const std::vector<Run>& runs, const Property& property) {
  std::vector<std::string> values;
  for (const auto& run : runs) {
    const std::string value = property(run);
    if (!value.empty() && std::ranges::count(values, value) == 0) {
      values.push_back(value);
    }
  }
  return fmt::format("{}", fmt::join(values, ", "));
}

std::string fact(std::string_view name, const std::string& value) {
  return value.empty()
             ? ""
             : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escape_html(value));
}

std::string number(const std::optional<double>& value, std::string_view unit = "") {
  return value ? fmt::format("{:.10g}{}", *value, unit) : "";
}

std::string cpu_model(const Run& run) {
  const auto found =
      std::ranges::find(run.machine, "cpu_model", [](const auto& entry) { return entry.first; });
  return found == run.machine.end() ? "" : found->second;
}

std::string facts(const std::vector<Run>& runs) {
  return fact(runs.size() > 1 ? "Agents" : "Agent", distinct(runs, &Run::agent)) +
         fact("Board", distinct(runs, &Run::board)) +
         fact("Scenario", distinct(runs, &Run::scenario)) +
         fact("Objective", distinct(runs, &Run::objective)) +
         fact("Machine", distinct(runs, cpu_model)) + fact("Rein", distinct(runs, &Run::version));
}

/// What makes a comparison doubtful.
std::string warnings(const std::vector<Run>& runs) {
  std::string html;
  const auto warn_of = [&](std::string_view what, std::string Run::*member) {
    if (std::ranges::any_of(runs,
                            [&](const Run& run) { return run.*member != runs.front().*member; })) {
      html += fmt::format("<p class=\"warning\">The runs differ in their {}: {}.</p>\n", what,
                          escape_html(distinct(runs, member)));
    }
  };
  warn_of("board", &Run::board);
  warn_of("scenario", &Run::scenario);
  warn_of("objective", &Run::objective);
  for (const auto& note : shortfalls(runs)) {
    html += fmt::format("<p class=\"warning\">{}.</p>\n", escape_html(note));
  }
  return html;
}

std::string machine_table(const Run& run) {
  if (run.machine.empty()) {
    return "";
  }
  std::string html = "<table class=\"machine\">\n";
  for (const auto& [key, value] : run.machine) {
    html += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escape_html(key), escape_html(value));
  }
  return "<details><summary>Machine</summary>\n" + html + "</table></details>\n";
}

std::string tabs(const std::vector<std::string>& labels) {
  if (labels.size() < 2) {
    return "";
  }
  std::string html = "<nav role=\"tablist\">\n";
  for (const auto& label : labels) {
    html += fmt::format("<button type=\"button\" role=\"tab\">{}</button>\n", escape_html(label));
  }
  return html + "</nav>\n";
}

std::string section(const Run& run, const std::string& label) {
  std::string html = fmt::format(
      "<section class=\"run\">\n<h2>{}</h2>\n<dl class=\"facts\">\n{}", escape_html(label),
      fact("Folder", run.folder.string()) + fact("Duration", number(run.duration_s, " s")) +
          fact("Ended", run.shortfall()) + fact("Periods", number(run.periods)) +
          fact("Seed", run.seed));
  if (run.shield_interventions.value_or(0.0) > 0.0) {
    html += fact("Shield", number(run.shield_interventions, " interventions"));
  }
  // A simulated board's clock does not run meanwhile.
  if (run.decision_p50_us && run.decision_p99_us.value_or(0.0) > 0.0) {
    html += fact("Decisions", fmt::format("{} each, p99 {}", time_text(*run.decision_p50_us * 1e-6),
                                          time_text(*run.decision_p99_us * 1e-6)));
  }
  for (const auto& [name, signal] : run.signals) {
    if (signal.estimated) {
      html += fact("Estimated", signal.source.empty() ? name : name + " from " + signal.source);
    }
  }
  html += "</dl>\n";
  if (!run.phases.empty()) {
    html += "<div class=\"wide\">" + to_html(compare_phases(run)) + "</div>\n";
  }
  html += machine_table(run);
  if (!run.config.empty()) {
    html += fmt::format("<details><summary>Configuration</summary>\n<pre>{}</pre></details>\n",
                        escape_html(run.config));
  }
  return html + "<div class=\"charts\"></div>\n</section>\n";
}

/// What the charts need.
Json data_of(const Run& run, const std::string& label) {
  Json columns = Json::object();
  for (const auto& [name, values] : run.trace.numbers) {
    auto& column = columns[name] = Json::array();
    for (const auto& value : values) {
      column.push_back(value ? Json(*value) : Json());
    }
  }
  for (const auto& [name, values] : run.trace.names) {
    columns[name] = values;
  }
  Json estimated = Json::array();
  for (const auto& [name, signal] : run.signals) {
    if (signal.estimated) {
      estimated.push_back(name);
    }
  }
  Json charts = Json::array();
  for (const auto& quantity : quantities()) {
    if (!quantity.chart.empty()) {
      charts.push_back({{"title", quantity.chart},
                        {"unit", quantity.unit == "degC" ? "°C" : quantity.unit},
                        {"column", quantity.name},
                        {"from_zero", quantity.min >= 0.0}});
    }
  }
  return {{"label", label},
          {"rows", run.trace.rows},
          {"columns", columns},
          {"estimated", estimated},
          {"charts", charts}};
}

}  // namespace

std::vector<std::string> labels_of(const std::vector<Run>& runs) {
  const auto last_part = [](const Run& run) {
    return (run.folder / "").lexically_normal().parent_path().filename();
  };
  std::vector<std::string> labels;
  for (const auto& run : runs) {
    if (std::ranges::count(runs, run.agent, &Run::agent) == 1) {
      labels.push_back(run.agent);
      continue;
    }
    const auto same = std::ranges::count_if(
        runs, [&](const Run& other) { return last_part(other) == last_part(run); });
    labels.push_back(fmt::format("{} ({})", run.agent,
                                 same == 1 ? last_part(run).string() : run.folder.string()));
  }
  return labels;
}

std::vector<std::string> shortfalls(const std::vector<Run>& runs) {
  const auto labels = labels_of(runs);
  std::vector<std::string> notes;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (const auto note = runs[i].shortfall(); !note.empty()) {
      notes.push_back(
          fmt::format("{}: {}; its figures, and their halves, are of that", labels[i], note));
    }
  }
  return notes;
}

std::string make_page(const std::vector<Run>& runs) {
  const auto labels = labels_of(runs);
  std::string sections;
  Json data = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    sections += section(runs[i], labels[i]);
    data.push_back(data_of(runs[i], labels[i]));
  }
  // Names come from files and need not be UTF-8.
  const std::string json = json_text(data);
  return fill_template(
      assets::kPageHtml,
      {{"title", escape_html(distinct(runs, &Run::agent))},
       {"facts", facts(runs)},
       {"warnings", warnings(runs)},
       {"comparison", to_html(compare_runs(runs, labels))},
       {"tabs", tabs(labels)},
       {"sections", sections},
       {"data", escape_script(json)},
       {"style", std::string(assets::kDygraphCss) + std::string(assets::kStyleCss)},
       {"dygraph", std::string(assets::kDygraphJs) + std::string(assets::kSynchronizerJs)},
       {"script", std::string(assets::kSeriesJs) + std::string(assets::kBandsJs) +
                      std::string(assets::kChartsJs) + std::string(assets::kDrawingJs) +
                      std::string(assets::kComparisonJs) + std::string(assets::kMainJs)}});
}

}  // namespace rein::report
