#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/image_set.hpp"

namespace rein {

/// A public collection of labelled images that Rein can train and test on.
struct DataSet {
  std::string name;                      ///< "fashion-mnist"
  std::vector<std::string> class_names;  ///< In the order of the labels.
  ImageSet (*read)(const std::filesystem::path& folder, ImageSplit split);
  /// Where a distribution's package puts it; empty if none has it.
  std::filesystem::path default_folder;
};

/// All that are known; their names are what `--dataset` takes.
const std::vector<DataSet>& data_sets();

/// @throws ConfigError that lists the known names.
const DataSet& find_data_set(const std::string& name);

}  // namespace rein
