#pragma once

#include <cstddef>
#include <vector>

#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// A convolution with the batch norm after it folded into its numbers; then comes ReLU.
struct FoldedConvolution {
  std::size_t inputs = 0;   ///< Channels.
  std::size_t outputs = 0;  ///< Channels; as many as inputs where it is depthwise.
  std::size_t kernel = 3;   ///< Side; the padding is kernel / 2.
  std::size_t stride = 1;
  bool depthwise = false;
  std::vector<float> weights;  ///< [outputs x inputs x kernel x kernel]; one input if depthwise.
  std::vector<float> bias;     ///< [outputs]
  /// The largest value that it puts out, over training images; 0 if that was not measured.
  float range = 0.0F;
};

/// A network of one width as it serves: what every back end runs. The convolutions follow one
/// another, then come the mean over each channel and a linear layer.
struct FoldedNetwork {
  std::size_t channels = 1;  ///< Of the images, whose pixels enter as 0 to 255.
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<FoldedConvolution> convolutions;
  std::vector<float> classifier_weights;  ///< [classes x outputs of the last convolution]
  std::vector<float> classifier_bias;     ///< [classes]

  std::size_t image_size() const { return channels * height * width; }
  std::size_t classes() const { return classifier_bias.size(); }
};

/// The network of width number `width` of the checkpoint.
FoldedNetwork fold(const SlimmableCheckpoint& checkpoint, std::size_t width);

/// The side that a convolution makes of one.
std::size_t side_after(const FoldedConvolution& layer, std::size_t side);

}  // namespace rein
