#include "study/run/application_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "common/files.hpp"
#include "env/network_worker.hpp"
#include "models/data_set.hpp"
#include "models/network_kinds.hpp"

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

bool is_meant(const ApplicationConfig& application, const Place& place) {
  return application.places.empty() || std::ranges::count(application.places, place.name) > 0;
}

/// Every place that the application may have can do its work.
/// @param kind  where the network's file says it.
void check_kind(const ConfigNode& kind, const ApplicationConfig& application, const Board& board) {
  for (const auto& place : board.places) {
    if (is_meant(application, place) && !can_do(application.simulated->kind, place, board)) {
      kind.fail(fmt::format("a kind of work that the simulation of {} knows for the place {}",
                            board.name, place.name));
    }
  }
}

/// A network that this process runs, and the images that it serves.
struct InProcess {
  InProcess(const NetworkKind& kind, const std::filesystem::path& checkpoint,
            const EngineOptions& options, const DataSet& data_set,
            const std::filesystem::path& folder, std::size_t batch)
      : network(kind.load(checkpoint, options)),
        images(data_set.read(folder, ImageSplit::kTest)),
        worker(*network, images, batch) {}

  std::unique_ptr<Engine> network;
  ImageSet images;
  NetworkWorker worker;
};

/// Beside the CPU, those that the application's places are on.
std::vector<std::string> devices_of(const ApplicationConfig& application, const Board& board) {
  std::set<std::string> devices;
  for (const auto& place : board.places) {
    if (place.device != "cpu" && is_meant(application, place)) {
      devices.insert(place.device);
    }
  }
  return {devices.begin(), devices.end()};
}

/// The back end and the precisions that the run asks for, which this machine has.
EngineOptions read_engine(const ConfigNode& network) {
  EngineOptions options;
  if (network.has("engine")) {
    options.back_end = network.at("engine").one_of(back_end_names());
  }
  if (!network.has("precision")) {
    return options;
  }
  const ConfigNode precision = network.at("precision");
  const BackEnd& back_end = load_back_end(options.back_end);
  std::vector<std::string> names;
  for (const auto& speed : back_end.speeds()) {
    names.push_back(precision_name(speed.precision));
  }
  const auto read = [&](const ConfigNode& node) {
    if (std::ranges::find(names, node.text()) == names.end()) {
      node.fail(fmt::format("a precision that {} has instructions for on this machine ({})",
                            back_end.name(), fmt::join(names, ", ")));
    }
    options.precisions.push_back(find_precision(node.text()));
  };
  if (!precision.is_sequence()) {
    read(precision);
    return options;
  }
  std::ranges::for_each(precision.items(), read);
  if (options.precisions.empty()) {
    precision.fail("at least one precision");
  }
  return options;
}

void read_in_process(const ConfigNode& node, const Board& board, ApplicationConfig& application) {
  const ConfigNode network = node.at("network");
  const NetworkKind& kind =
      *std::ranges::find(network_kinds(), network.at("kind").text(), &NetworkKind::name);
  const auto checkpoint = network.resolve(network.at("checkpoint").text());
  if (!is_regular(checkpoint)) {
    network.at("checkpoint")
        .fail(fmt::format("a file that exists (looked for {})", checkpoint.string()));
  }
  EngineOptions options = read_engine(network);
  options.devices = devices_of(application, board);
  network.reject_unknown();

  const ConfigNode images = node.at("images");
  std::vector<std::string> names;
  std::ranges::transform(data_sets(), std::back_inserter(names), &DataSet::name);
  const DataSet& data_set = find_data_set(images.at("kind").one_of(names));
  // Without a default: reports that it is missing.
  const auto folder = images.has("folder") || data_set.default_folder.empty()
                          ? images.resolve(images.at("folder").text())
                          : data_set.default_folder;
  images.reject_unknown();

  application.files.emplace_back("network.checkpoint", checkpoint);
  application.files.emplace_back("images.folder", folder);
  application.start = [&kind, checkpoint, options, &data_set, folder,
                       batch = application.requests.batch]() -> std::shared_ptr<RequestWorker> {
    const auto served =
        std::make_shared<InProcess>(kind, checkpoint, options, data_set, folder, batch);
    return {served, &served->worker};
  };
}

void read_simulated(const ConfigNode& node, const Board& board, ApplicationConfig& application) {
  const ConfigNode network = node.at("network");
  const ConfigNode levels = open_named(network.at("levels"));
  application.simulated = SimulatedNetwork::from_yaml(levels);
  network.reject_unknown();
  check_kind(levels.at("kind"), application, board);
}

/// A kind of application.
struct ApplicationKind {
  std::string name;       ///< As in `network.kind`.
  PlatformKind platform;  ///< Where it can run.
  /// Reads what is its own. @pre name, requests and places have been read.
  void (*read)(const ConfigNode& node, const Board& board, ApplicationConfig& application);
};

std::vector<ApplicationKind> application_kinds() {
  std::vector<ApplicationKind> kinds;
  for (const auto& network : network_kinds()) {
    kinds.push_back({network.name, PlatformKind::kLinux, read_in_process});
  }
  kinds.push_back({"simulated", PlatformKind::kSimulated, read_simulated});
  return kinds;
}

}  // namespace

ApplicationConfig ApplicationConfig::read(const ConfigNode& node, PlatformKind platform,
                                          const Board& board) {
  ApplicationConfig application;
  application.name = node.at("name").name();
  if (application.name.find_first_of(".,;\" ") != std::string::npos) {
    node.at("name").fail("a name without dots, commas, semicolons, quotes and blanks");
  }
  const auto kinds = application_kinds();
  std::vector<std::string> names;
  std::vector<std::string> names_here;
  for (const auto& each : kinds) {
    names.push_back(each.name);
    if (each.platform == platform) {
      names_here.push_back(each.name);
    }
  }
  const ConfigNode named = node.at("network").at("kind");
  const auto kind = std::ranges::find(kinds, named.one_of(names), &ApplicationKind::name);
  if (kind->platform != platform) {
    named.fail(fmt::format("{} with `platform: {{kind: {}}}`", fmt::join(names_here, ", "),
                           name_of(platform)));
  }
  application.requests = RequestSpec::from_yaml(node.at("requests"));
  if (application.requests.recording.arrivals) {
    application.files.emplace_back("requests.recording", application.requests.recording.file);
  }
  if (node.has("places")) {
    for (const auto& item : node.at("places").items()) {
      const std::string place = item.text();
      if (std::ranges::find(board.places, place, &Place::name) == board.places.end()) {
        std::vector<std::string> places;
        std::ranges::transform(board.places, std::back_inserter(places), &Place::name);
        item.fail(fmt::format("a place of the board ({})", fmt::join(places, ", ")));
      }
      if (std::ranges::count(application.places, place) > 0) {
        item.fail("each place once");
      }
      application.places.push_back(place);
    }
  }
  kind->read(node, board, application);
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
