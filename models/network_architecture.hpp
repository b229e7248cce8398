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

/// The network that has as many channels as this one at `width`, and no other widths.
NetworkArchitecture alone(const NetworkArchitecture& architecture, double width);

/// The network of the channels that `width` has and `narrower` has not, and no other widths.
/// @pre each layer has more channels at `width`; narrower may be 0.
NetworkArchitecture group_between(const NetworkArchitecture& architecture, double narrower,
                                  double width);

}  // namespace rein
