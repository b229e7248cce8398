#pragma once

#include <string>
#include <vector>

#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// The shape of a slimmable network, for images of any size.
struct NetworkArchitecture {
  std::string name;               ///< What `--architecture` takes: "small"
  std::vector<ConvLayer> layers;  ///< Before the global average and the linear layer.
  std::vector<double> widths;     ///< Ascending; the last is 1.
};

/// All that there are, the one that is trained unless the user says otherwise first.
const std::vector<NetworkArchitecture>& network_architectures();

/// @throws ConfigError that lists the known names.
const NetworkArchitecture& find_network_architecture(const std::string& name);

}  // namespace rein
