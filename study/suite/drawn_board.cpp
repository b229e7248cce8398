#include "study/suite/drawn_board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "env/randomised_task.hpp"
#include "study/suite/grammar.hpp"

namespace rein::suite {

namespace {

constexpr const char* kOrigin = "a drawn board";
/// That the reader takes.
constexpr double kMostKelvinsPerWatt = 1000.0;

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : fmt::format("{}.{}", path, key);
}

void find_keys(const ConfigNode& node, std::string_view pattern, const std::string& path,
               std::vector<std::string>& keys) {
  const std::size_t dot = pattern.find('.');
  const std::string first(pattern.substr(0, dot));
  const bool is_last = dot == std::string_view::npos;
  const auto go_on = [&](const ConfigNode& child, const std::string& key) {
    if (is_last) {
      keys.push_back(joined(path, key));
    } else {
      find_keys(child, pattern.substr(dot + 1), joined(path, key), keys);
    }
  };
  if (first != "*") {
    if (node.is_mapping() && node.has(first)) {
      go_on(node.at(first), first);
    }
    return;
  }
  if (node.is_sequence()) {
    const auto items = node.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
      go_on(items[i], std::to_string(i));
    }
  } else {
    for (const auto& [key, child] : node.entries()) {
      go_on(child, key);
    }
  }
}

/// The node of a dotted key, which is there.
ConfigNode find_node(ConfigNode node, std::string_view key) {
  while (!key.empty()) {
    const std::size_t dot = key.find('.');
    const std::string first(key.substr(0, dot));
    node = node.is_sequence() ? node.items().at(std::stoul(first)) : node.at(first);
    key = dot == std::string_view::npos ? "" : key.substr(dot + 1);
  }
  return node;
}

/// For each device the first one of the same make.
std::vector<std::size_t> makes_of(const Board& board) {
  const auto& devices = board.simulation->devices;
  std::vector<std::size_t> makes;
  makes.reserve(devices.size());
  for (const auto& device : devices) {
    makes.push_back(static_cast<std::size_t>(
        std::ranges::find_if(
            devices, [&](const SimulatedDevice& other) { return is_same_make(other, device); }) -
        devices.begin()));
  }
  return makes;
}

/// The device of a key of one.
std::size_t device_of(std::string_view key) {
  constexpr std::string_view kDevices = "simulation.devices.";
  return std::stoul(std::string(key.substr(kDevices.size())));
}

void multiply(ConfigNode& node, const std::string& key, double factor, double most) {
  const double value = std::min(find_node(node, key).number() * factor, most);
  node.set(key, fmt::format("{:.4g}", value), kOrigin);
}

}  // namespace

std::vector<std::string> find_keys(const ConfigNode& node, std::string_view pattern) {
  std::vector<std::string> keys;
  find_keys(node, pattern, "", keys);
  return keys;
}

DrawnBoard::DrawnBoard(std::string_view yaml, const std::string& name, Random& random)
    : node_(ConfigNode::parse(std::string(yaml), kOrigin)) {
  const auto makes = makes_of(board());
  node_.set_text("name", fmt::format("{}, {}", node_.at("name").text(), name), kOrigin);
  slow_down(log_uniform(kBoardSlowness, random));
  scale_power(log_uniform(kBoardPower, random));
  for (const auto& scaling : kScalings) {
    std::map<std::size_t, double> factors;  // By make.
    const double of_board = log_uniform(scaling.factor, random);
    for (std::size_t i = 0; scaling.per == Scaling::Per::kMake && i < makes.size(); ++i) {
      if (makes[i] == i) {
        factors[i] = log_uniform(scaling.factor, random);
      }
    }
    for (const auto& pattern : scaling.keys) {
      for (const auto& key : find_keys(node_, pattern)) {
        multiply(node_, key, factors.empty() ? of_board : factors.at(makes[device_of(key)]),
                 scaling.most);
      }
    }
  }
  node_.set("simulation.ambient_c", fmt::format("{:.1f}", uniform(kAmbientC, random)), kOrigin);
}

void DrawnBoard::slow_down(double factor) {
  scale(kTimes, factor);
  scale(kDelays, factor);
}

void DrawnBoard::scale_power(double factor) {
  scale(kPowers, factor);
  scale(kResistances, 1.0 / factor, kMostKelvinsPerWatt);
  for (const char* const key : {"noise", "resolution"}) {
    for (const auto& signal : find_keys(node_, "simulation.sensors.*.signal")) {
      const std::string sensor = signal.substr(0, signal.rfind('.'));
      const ConfigNode of = find_node(node_, sensor);
      if (of.at("signal").text().starts_with("power_w") && of.has(key)) {
        multiply(node_, joined(sensor, key), factor, 1e12);
      }
    }
  }
}

void DrawnBoard::scale_heat_time(double factor) { scale(kTimeConstants, factor); }

ConfigNode DrawnBoard::node() const { return ConfigNode::parse(node_.dump(), kOrigin); }

void DrawnBoard::scale(const std::vector<std::string_view>& keys, double factor, double most) {
  for (const auto& pattern : keys) {
    for (const auto& key : find_keys(node_, pattern)) {
      multiply(node_, key, factor, most);
    }
  }
}

}  // namespace rein::suite
