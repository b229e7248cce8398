#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "models/precision.hpp"

namespace rein {

/// A square convolution whose padding keeps the image's size at stride 1, batch norm and ReLU.
struct ConvLayer {
  std::size_t channels = 0;  ///< Of its output, at full width.
  std::size_t stride = 1;    ///< 1 or 2.
  std::size_t kernel = 3;    ///< 1 or 3; the padding is kernel / 2.
  bool depthwise = false;    ///< Each channel for itself: as many out as in. Never the first layer.
};

/// A share of the full network's channels, and what was found out about it.
struct SlimmableWidth {
  double width = 1.0;  ///< Above 0 and at most 1.
  /// On the test images, in [0, 1]; f32 is always there.
  std::map<Precision, double> accuracy_top1;
  /// For int8: the largest value that each layer puts out, over training images; above 0.
  /// [layers], or empty: not calibrated.
  std::vector<float> ranges;
};

/// Numbers in row-major order.
struct TensorData {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

using TensorMap = std::map<std::string, TensorData>;

/// All that makes a slimmable network: its shape, its widths with their accuracy, its weights.
///
/// The convolutions follow one another; then come the global average and one linear layer. Width w
/// uses the first channels_at(n, w) of each layer's n channels, and has batch norms of its own
/// (Yu et al. 2019, Slimmable Neural Networks, section 3.3). Pixels enter as 0 to 1.
struct SlimmableCheckpoint {
  std::string dataset;  ///< What it was trained on, a name of data_sets().
  std::string recipe;   ///< How it was trained, for people.
  std::size_t channels = 1;
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::string> class_names;
  std::vector<ConvLayer> layers;
  std::vector<SlimmableWidth> widths;  ///< Ascending; the last is 1.
  TensorMap tensors;                   ///< The names and shapes of tensor_shapes().
};

/// How many of `channels` are in use at a width; at least one.
std::size_t channels_at(std::size_t channels, double width);

/// "0.25"; more digits where it takes more to tell widths apart.
std::string level_name(double width);

/// How many multiplications, each with its addition, one image takes at a width; padding counts.
double multiply_adds(const SlimmableCheckpoint& network, double width);

/// Added to a batch norm's variance.
inline constexpr double kBatchNormEpsilon = 1e-5;

// The names of the tensors. `layer` and `level` count from 0.
std::string conv_weight_name(std::size_t layer);  ///< [out x (in, or 1) x kernel x kernel]
/// `part` is one of kBatchNormParts. [channels_at(out, width)]
std::string batch_norm_name(std::size_t level, std::size_t layer, const std::string& part);
inline const std::vector<std::string> kBatchNormParts = {"scale", "shift", "mean", "variance"};
inline const std::string kClassifierWeight = "classifier.weight";  ///< [classes x channels]
inline const std::string kClassifierBias = "classifier.bias";      ///< [classes]

/// The shape of each tensor that a network of this shape has, by name.
std::map<std::string, std::vector<std::size_t>> tensor_shapes(const SlimmableCheckpoint& network);

/// Reads the format that docs/network.md describes, or the one before it.
/// @throws ConfigError: the file is missing, cut short, damaged, or of another version.
SlimmableCheckpoint read_checkpoint(const std::filesystem::path& file);

/// Leaves the old file or the new one, never half of one. @throws Error if it cannot be written.
void write_checkpoint(const std::filesystem::path& file, const SlimmableCheckpoint& network);

}  // namespace rein
