#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/data_set.hpp"
#include "models/image_set.hpp"
#include "models/slimmable_checkpoint.hpp"
#include "models/slimmable_network.hpp"

namespace rein {

/// The network that comes with Rein, from the root of the sources or of what is installed.
inline constexpr const char* kTrainedNetwork = "models/trained/fashion-mnist.rein";

/// What the user named; else the network that comes with Rein, in the source tree or installed.
/// @throws ConfigError if there is none.
std::filesystem::path find_checkpoint(const std::string& named);

/// `named`, or where the distribution's package has the images. @throws UsageError if there is
/// none.
std::filesystem::path data_folder(const std::string& named, const DataSet& set);

/// The images that a network was trained on, or is tested with.
/// @param named  their folder; empty for the usual one.
/// @param file   the network's, for messages.
/// @throws ConfigError if they are of another size.
ImageSet read_images(const SlimmableCheckpoint& network, const std::filesystem::path& file,
                     const std::string& named, ImageSplit split);

/// That can be measured: those of CPUs, and the GPU's.
std::vector<std::string> engine_names();

/// Of a table's column of them, at least `least`.
std::size_t name_width(const std::vector<LevelChoice>& levels, std::size_t least);

/// Known before hours of work rather than after them. @throws UsageError.
void check_writable(const std::filesystem::path& file);

}  // namespace rein
