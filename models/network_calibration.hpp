#pragma once

#include <cstddef>
#include <functional>

#include "models/back_end.hpp"
#include "models/image_set.hpp"
#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// Measures what a checkpoint says of its widths: for int8 the largest value that each layer puts
/// out, over training images, and then top-1 on the test images in each precision that `back_end`
/// has instructions for here. What it says of others stays.
///
/// Post-training quantisation of weights by channel, and of activations by layer: Jacob et al. 2018
/// (Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
/// CVPR); Krishnamoorthi 2018 (Quantizing deep convolutional networks for efficient inference).
///
/// @param report  told after each step how many of all are done.
/// @pre both sets have images of the network's size, and at least one.
void calibrate(SlimmableCheckpoint& checkpoint, const BackEnd& back_end, const ImageSet& train,
               const ImageSet& test, int threads,
               const std::function<void(std::size_t done, std::size_t of)>& report);

}  // namespace rein
