#pragma once

#include <cstddef>

#include "models/engine.hpp"
#include "models/image_set.hpp"

namespace rein {

/// The share of the first `count` images that `network` classifies rightly at its present level,
/// in [0, 1]. @pre the images are of the network's size; 0 < count <= images.count().
double measure_top1(Engine& network, const ImageSet& images, std::size_t count);

}  // namespace rein
