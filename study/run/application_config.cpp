#include "study/run/application_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/files.hpp"

namespace rein {

namespace {

const char* name_of(PlatformKind platform) {
  return platform == PlatformKind::kLinux ? "linux" : "simulated";
}

/// Whether the simulated board has what a place needs for a kind of work.
bool can_do(const std::string& kind, const Place& place, const Board& board) {
  const auto knows = [&](const SimulatedDevice& device) {
    return std::ranges::find(device.kinds, kind, &WorkKindSpec::name) != device.kinds.end();
  };
  const auto& devices = board.simulation->devices;
  if (place.device == "gpu") {
    const auto gpu = std::ranges::find(devices, DeviceKind::kGpu, &SimulatedDevice::kind);
    return gpu != devices.end() && knows(*gpu);
  }
  return std::ranges::all_of(devices, [&](const SimulatedDevice& device) {
    const auto domain = std::ranges::find(board.domains, device.domain, &DomainSpec::name);
    const bool is_used = std::ranges::find_first_of(domain->cpus, place.cpus) != domain->cpus.end();
    return !is_used || knows(device);
  });
}

/// Every place that the application may have can do its work.
/// @param kind  where the network's file says it.
void check_kind(const ConfigNode& kind, const ApplicationConfig& application, const Board& board) {
  for (const auto& place : board.places) {
    const bool is_meant =
        application.places.empty() || std::ranges::count(application.places, place.name) > 0;
    if (is_meant && !can_do(application.simulated->kind, place, board)) {
      kind.fail(fmt::format("a kind of work that the simulation of {} knows for the place {}",
                            board.name, place.name));
    }
  }
}

void read_slimmable_network(const ConfigNode& node, ApplicationConfig& application) {
  const ConfigNode network = node.at("network");
  application.checkpoint = network.resolve(network.at("checkpoint").text());
  if (!is_regular(application.checkpoint)) {
    network.at("checkpoint")
        .fail(fmt::format("a file that exists (looked for {})", application.checkpoint.string()));
  }
  network.reject_unknown();

  const ConfigNode images = node.at("images");
  std::vector<std::string> names;
  std::ranges::transform(data_sets(), std::back_inserter(names), &DataSet::name);
  application.data_set = &find_data_set(images.at("kind").one_of(names));
  if (images.has("folder")) {
    application.images_folder = images.resolve(images.at("folder").text());
  } else if (!application.data_set->default_folder.empty()) {
    application.images_folder = application.data_set->default_folder;
  } else {
    images.at("folder");  // Has no default: reports that it is missing.
  }
  images.reject_unknown();
}

}  // namespace

ApplicationConfig ApplicationConfig::read(const ConfigNode& node, PlatformKind platform,
                                          const Board& board) {
  ApplicationConfig application;
  application.name = node.at("name").name();
  if (application.name.find_first_of(".,;\" ") != std::string::npos) {
    node.at("name").fail("a name without dots, commas, semicolons, quotes and blanks");
  }
  const ConfigNode network = node.at("network");
  const bool is_simulated = network.at("kind").one_of({"slimmable", "simulated"}) == "simulated";
  if (is_simulated != (platform == PlatformKind::kSimulated)) {
    network.at("kind").fail(fmt::format("{} with `platform: {{kind: {}}}`",
                                        is_simulated ? "slimmable" : "simulated",
                                        name_of(platform)));
  }
  std::optional<ConfigNode> levels;
  if (is_simulated) {
    levels = open_named(network.at("levels"));
    application.simulated = SimulatedNetwork::from_yaml(*levels);
    network.reject_unknown();
  } else {
    read_slimmable_network(node, application);
  }
  application.requests = RequestSpec::from_yaml(node.at("requests"));
  if (node.has("places")) {
    for (const auto& item : node.at("places").items()) {
      const std::string place = item.text();
      if (std::ranges::find(board.places, place, &Place::name) == board.places.end()) {
        std::vector<std::string> names;
        std::ranges::transform(board.places, std::back_inserter(names), &Place::name);
        item.fail(fmt::format("a place of the board ({})", fmt::join(names, ", ")));
      }
      if (std::ranges::count(application.places, place) > 0) {
        item.fail("each place once");
      }
      application.places.push_back(place);
    }
  }
  if (levels) {
    check_kind(levels->at("kind"), application, board);
  }
  node.reject_unknown();
  return application;
}

ConfigNode open_named(const ConfigNode& node) {
  if (node.is_mapping()) {
    return node;
  }
  const auto file = node.resolve(node.text());
  if (!is_there(file)) {
    node.fail(fmt::format("a file that exists (looked for {})", file.string()));
  }
  return ConfigNode::load(file);
}

}  // namespace rein
