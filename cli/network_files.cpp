#include "cli/network_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

std::filesystem::path find_checkpoint(const std::string& named) {
  if (!named.empty()) {
    return named;
  }
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto installed = program.parent_path().parent_path() / "share/rein" / kTrainedNetwork;
  for (const std::filesystem::path& path : {std::filesystem::path(kTrainedNetwork), installed}) {
    if (is_there(path)) {
      return path;
    }
  }
  throw ConfigError(
      fmt::format("checkpoint: expected the path of one, or {} here or {}, found none",
                  kTrainedNetwork, installed.string()));
}

std::filesystem::path data_folder(const std::string& named, const DataSet& set) {
  if (named.empty() && set.default_folder.empty()) {
    throw UsageError(fmt::format("--data: expected the folder of {}, found nothing", set.name));
  }
  return named.empty() ? set.default_folder : std::filesystem::path(named);
}

ImageSet read_images(const SlimmableCheckpoint& network, const std::filesystem::path& file,
                     const std::string& named, ImageSplit split) {
  const DataSet& set = find_data_set(network.dataset);
  const auto folder = data_folder(named, set);
  ImageSet images = set.read(folder, split);
  if (images.channels != network.channels || images.height != network.height ||
      images.width != network.width) {
    throw ConfigError(fmt::format("{}: expected images of {}x{}x{}, as {} has, found {}x{}x{}",
                                  folder.string(), network.channels, network.height, network.width,
                                  file.string(), images.channels, images.height, images.width));
  }
  return images;
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names = back_end_names();
  names.emplace_back("gpu");
  return names;
}

std::size_t name_width(const std::vector<LevelChoice>& levels, std::size_t least) {
  for (const auto& each : levels) {
    least = std::max(least, each.level.name.size());
  }
  return least;
}

void check_writable(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  make_folder(folder);
  if (is_folder(file) || access(folder.c_str(), W_OK) != 0) {
    throw UsageError(fmt::format(
        "--output: expected a file in a folder that can be written, found {}", file.string()));
  }
}

}  // namespace rein
