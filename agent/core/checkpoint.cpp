#include "agent/core/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace rein {

namespace {

constexpr const char* kFormat = "rein agent";
constexpr int kVersion = 1;

std::vector<std::string> feature_names(const ObservationSpec& observations) {
  std::vector<std::string> names;
  for (const auto& feature : observations.features()) {
    names.push_back(feature.name);
  }
  return names;
}

}  // namespace

void expect_lines(const ConfigNode& node, const std::vector<std::string>& expected) {
  const auto items = node.items();
  for (std::size_t i = 0; i < std::min(items.size(), expected.size()); ++i) {
    if (items[i].text() != expected[i]) {
      items[i].fail("'" + expected[i] + "' as in this run");
    }
  }
  if (items.size() != expected.size()) {
    node.reject(
        fmt::format("expected {} entries as in this run, found {}", expected.size(), items.size()));
  }
}

std::vector<std::string> describe_knobs(const ActionSpace& actions) {
  std::vector<std::string> lines;
  for (const auto& knob : actions.knobs()) {
    std::vector<std::string> labels;
    for (const auto& level : knob.levels) {
      labels.push_back(level.label);
    }
    lines.push_back(fmt::format("{}: {}", knob.name, fmt::join(labels, " ")));
  }
  return lines;
}

void load_random(const ConfigNode& node, Random& random) {
  const std::string state = node.text();
  try {
    random.load(state);
  } catch (const Error& error) {
    node.reject(error.what());
  }
}

std::size_t load_index(const ConfigNode& node, std::size_t last) {
  return static_cast<std::size_t>(node.integer({.min = 0.0, .max = static_cast<double>(last)}));
}

nlohmann::ordered_json checkpoint_header(const std::string& kind, const Problem& problem) {
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["kind"] = kind;
  json["knobs"] = describe_knobs(problem.actions);
  json["features"] = feature_names(problem.observations);
  return json;
}

ConfigNode open_checkpoint(const std::filesystem::path& file, const std::string& kind,
                           const Problem& problem) {
  // JSON is YAML, and so gets errors with line and key.
  ConfigNode node = ConfigNode::load_record(file);
  node.at("format").one_of({kFormat});
  if (const auto version = node.at("version").integer(); version != kVersion) {
    node.at("version").fail(fmt::format("version {}", kVersion));
  }
  node.at("kind").one_of({kind});
  expect_lines(node.at("knobs"), describe_knobs(problem.actions));
  expect_lines(node.at("features"), feature_names(problem.observations));
  return node;
}

}  // namespace rein
