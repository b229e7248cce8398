#include "env/trace_description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "common/files.hpp"
#include "common/yaml_text.hpp"

namespace rein {

namespace {

constexpr const char* kFormat = "rein_trace";

/// `before`, `key: "text"`; nothing of an empty text, since no file has one.
std::string entry(const char* before, const char* key, const std::string& text) {
  return text.empty() ? "" : fmt::format("{}{}: {}", before, key, yaml_quoted(text));
}

std::string to_yaml(const Knob& knob) {
  std::string text = fmt::format("  - name: {}\n    kind: {}{}\n", yaml_text(knob.name),
                                 name_of(knob.kind), entry("\n    ", "unit", knob.unit));
  if (knob.is_applications()) {
    text += fmt::format("    application: {}\n", knob.application);
  }
  if (!knob.cpus.empty()) {
    text += fmt::format("    cpus: [{}]\n", fmt::join(knob.cpus, ", "));
  }
  text += "    levels:\n";
  for (const auto& level : knob.levels) {
    text +=
        fmt::format("      - {{label: {}, value: {}}}\n", yaml_quoted(level.label), level.value);
  }
  return text;
}

std::string to_yaml(const SignalDescription& signal) {
  return fmt::format("  - {{name: {}{}, estimated: {}, is_heat: {}{}}}\n", yaml_text(signal.name),
                     entry(", ", "unit", signal.unit), signal.estimated, signal.is_heat,
                     entry(", ", "source", signal.source));
}

std::string to_yaml(const TraceFeature& feature) {
  return fmt::format("  - {{name: {}{}}}\n", yaml_text(feature.name),
                     entry(", ", "is", feature.is));
}

/// `key:` with an item a line.
template <typename Items>
std::string list_of(const char* key, const Items& items) {
  std::string text = fmt::format("{}:{}\n", key, items.empty() ? " []" : "");
  for (const auto& item : items) {
    text += to_yaml(item);
  }
  return text;
}

/// A name that no other item of its list has.
std::string unique_name(const ConfigNode& node, std::set<std::string>& names) {
  std::string name = node.text();
  if (name.empty() || !names.insert(name).second) {
    node.fail("a name that no other has");
  }
  return name;
}

std::vector<std::string> read_names(const ConfigNode& node) {
  std::set<std::string> seen;
  std::vector<std::string> names;
  for (const auto& item : node.items()) {
    names.push_back(unique_name(item, seen));
  }
  return names;
}

std::vector<PowerSignal> read_power_signals(const ConfigNode& node) {
  std::vector<PowerSignal> signals;
  for (const auto& item : node.items()) {
    const std::string name = item.one_of({kPowerSignals.begin(), kPowerSignals.end()});
    signals.push_back(
        static_cast<PowerSignal>(std::ranges::find(kPowerSignals, name) - kPowerSignals.begin()));
  }
  return signals;
}

Knob read_knob(const ConfigNode& node, std::size_t num_applications, std::set<std::string>& names) {
  Knob knob{.name = unique_name(node.at("name"), names), .unit = "", .levels = {}};
  const std::string kind = node.at("kind").one_of({kKnobKinds.begin(), kKnobKinds.end()});
  knob.kind = static_cast<Knob::Kind>(std::ranges::find(kKnobKinds, kind) - kKnobKinds.begin());
  knob.unit = node.text_or("unit", "");
  if (knob.is_applications()) {
    knob.application = static_cast<std::size_t>(
        node.at("application")
            .integer({.min = 0.0, .max = static_cast<double>(num_applications) - 1.0}));
  }
  if (node.has("cpus")) {
    for (const auto& cpu : node.at("cpus").items()) {
      knob.cpus.push_back(static_cast<int>(cpu.integer({.min = 0.0, .max = 1e6})));
    }
  }
  std::set<std::string> labels;
  for (const auto& level : node.at("levels").items()) {
    knob.levels.push_back(
        {.label = unique_name(level.at("label"), labels), .value = level.at("value").number()});
  }
  if (knob.levels.empty()) {
    node.at("levels").fail("a level or more");
  }
  return knob;
}

}  // namespace

std::vector<TraceFeature> TraceFeature::all_of(const ObservationSpec& observations) {
  std::vector<TraceFeature> all;
  for (const auto& feature : observations.features()) {
    all.push_back({.name = feature.name, .is = describe(feature)});
  }
  return all;
}

TraceDescription TraceDescription::of(const Environment& environment) {
  const TaskDescription task = environment.description();
  TraceDescription description{.program = "",
                               .period_s = task.period_s,
                               .objective = task.objective,
                               .prices = task.prices,
                               .power_signals = task.power_signals,
                               .applications = {},
                               .knobs = environment.action_space().knobs(),
                               .signals = environment.signals(),
                               .features = TraceFeature::all_of(environment.observation_spec()),
                               .reward_terms = task.reward_terms};
  for (const auto& knob : description.knobs) {
    if (knob.is_applications()) {
      description.applications.resize(
          std::max(description.applications.size(), knob.application + 1));
      description.applications[knob.application] = knob.owner();
    }
  }
  return description;
}

std::string TraceDescription::to_yaml() const {
  std::vector<std::string> powers;
  std::ranges::transform(power_signals, std::back_inserter(powers),
                         [](PowerSignal signal) { return std::string(name_of(signal)); });
  std::string text = fmt::format(
      "# How to read the trace.csv beside it: docs/trace.md.\n"
      "format: {}\nversion: {}{}\nseed: {}\nperiod_s: {}\nobjective: {}\nprices: {}\n"
      "power_signals: {}\napplications: {}\n",
      kFormat, version, entry("\n", "rein", program), seed, period_s, objective.to_yaml(),
      prices.to_yaml(), yaml_list(powers), yaml_list(applications));
  text += list_of("knobs", knobs);
  text += list_of("signals", signals);
  text += list_of("features", features);
  text += fmt::format("reward_terms: {}\n", yaml_list(reward_terms));
  return text;
}

TraceDescription TraceDescription::from_yaml(const ConfigNode& node) {
  node.at("format").one_of({kFormat});
  TraceDescription description;
  description.program = node.text_or("rein", "");
  const ConfigNode version = node.at("version");
  const std::int64_t number = version.integer({.min = 2.0, .max = 1e9});
  if (number > kVersion) {
    version.reject(fmt::format(
        "expected at most {}, found {}: the trace was written by a later "
        "rein{}{}",
        kVersion, number, description.program.empty() ? "" : ", ", description.program));
  }
  description.version = static_cast<int>(number);
  description.seed = static_cast<std::uint64_t>(node.at("seed").integer(Range::seed()));
  description.period_s = node.at("period_s").number(Range::seconds());
  description.objective = Objective::from_yaml(node.at("objective"));
  description.prices = Prices::from_yaml(node.at("prices"));
  description.power_signals = read_power_signals(node.at("power_signals"));
  description.applications = read_names(node.at("applications"));
  std::set<std::string> names;
  for (const auto& knob : node.at("knobs").items()) {
    description.knobs.push_back(read_knob(knob, description.applications.size(), names));
  }
  names.clear();
  for (const auto& signal : node.at("signals").items()) {
    description.signals.push_back({.name = unique_name(signal.at("name"), names),
                                   .unit = signal.text_or("unit", ""),
                                   .source = signal.text_or("source", ""),
                                   .estimated = signal.boolean_or("estimated", false),
                                   .is_heat = signal.boolean_or("is_heat", false)});
  }
  names.clear();
  for (const auto& feature : node.at("features").items()) {
    description.features.push_back(
        {.name = unique_name(feature.at("name"), names), .is = feature.text_or("is", "")});
  }
  description.reward_terms = read_names(node.at("reward_terms"));
  return description;
}

std::filesystem::path TraceDescription::path_of(const std::filesystem::path& trace) {
  return std::filesystem::path(trace).replace_extension(".yaml");
}

void TraceDescription::write_beside(const std::filesystem::path& trace) const {
  write_file(path_of(trace), to_yaml());
}

std::optional<TraceDescription> TraceDescription::read_beside(const std::filesystem::path& trace) {
  const std::filesystem::path file = path_of(trace);
  if (!is_there(file)) {
    return std::nullopt;
  }
  const ConfigNode node = ConfigNode::load_record(file);
  // Beside a trace with another name, a file with its name may be anybody's.
  if (file.filename() != "trace.yaml" && !(node.is_mapping() && node.has("format"))) {
    return std::nullopt;
  }
  return from_yaml(node);
}

}  // namespace rein
