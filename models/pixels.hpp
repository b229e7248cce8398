#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "models/folded_network.hpp"

namespace rein {

/// Writes images of [channels x height x width] with the channels innermost, as the back ends take
/// them. @param convert  makes one value for a first convolution of a pixel.
template <typename T, typename Convert>
void copy_channels_innermost(const FoldedNetwork& network, std::span<const std::uint8_t> images,
                             T* target, const Convert& convert) {
  if (network.channels == 1) {
    std::ranges::transform(images, target, convert);
    return;
  }
  const std::size_t area = network.height * network.width;
  for (std::size_t image = 0; image < images.size(); image += network.image_size()) {
    for (std::size_t pixel = 0; pixel < area; ++pixel) {
      for (std::size_t channel = 0; channel < network.channels; ++channel) {
        *target++ = convert(images[image + channel * area + pixel]);
      }
    }
  }
}

}  // namespace rein
