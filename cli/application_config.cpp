#include "cli/application_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rein {

namespace {

const char* name_of(PlatformKind platform) {
  return platform == PlatformKind::kLinux ? "linux" : "simulated";
}

void read_slimmable_network(const ConfigNode& node, ApplicationConfig& application) {
  const ConfigNode network = node.at("network");
  application.checkpoint = network.resolve(network.at("checkpoint").text());
  if (!std::filesystem::is_regular_file(application.checkpoint)) {
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
  application.name = node.at("name").text();
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
  if (is_simulated) {
    application.simulated = SimulatedNetwork::from_yaml(open_named(network.at("levels")));
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
      application.places.push_back(place);
    }
  }
  node.reject_unknown();
  return application;
}

ConfigNode open_named(const ConfigNode& node) {
  if (node.is_mapping()) {
    return node;
  }
  const auto file = node.resolve(node.text());
  if (!std::filesystem::exists(file)) {
    node.fail(fmt::format("a file that exists (looked for {})", file.string()));
  }
  return ConfigNode::load(file);
}

}  // namespace rein
