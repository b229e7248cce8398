#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/aligned_floats.hpp"
#include "common/random.hpp"

namespace rein {

/// Where the weights of a small network are: dense layers, ReLU after each but the last.
///
/// All weights are one row of floats. A layer has [inputs x columns] weights, row by row, then
/// [columns] biases; columns are its outputs, padded to a multiple of fused::kLane with zeros that
/// stay zero: nothing flows through them, so they have no gradient.
class NetworkLayout {
 public:
  struct Layer {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::size_t columns = 0;
    std::size_t weights = 0;  ///< Where they begin.
    std::size_t biases = 0;
    bool rectify = false;
  };

  /// @param sizes  inputs, outputs of each hidden layer, outputs; two or more, none 0.
  explicit NetworkLayout(const std::vector<std::size_t>& sizes);

  const std::vector<Layer>& layers() const { return layers_; }
  std::vector<std::size_t> sizes() const;
  std::size_t inputs() const { return layers_.front().inputs; }
  std::size_t outputs() const { return layers_.back().outputs; }
  std::size_t size() const { return size_; }  ///< Of the row, with padding.

  /// Weights drawn for ReLU (He et al. 2015, section 2.2), uniform; those of the last layer a tenth
  /// of that, so that nothing is preferred to begin with. Biases are 0.
  AlignedFloats draw(Random& random) const;

  /// Without the padding: for each layer the weights from each input, then the biases.
  std::vector<float> pack(const AlignedFloats& weights) const;
  /// @pre as many as pack() gives.
  AlignedFloats unpack(std::span<const float> packed) const;
  std::size_t packed_size() const;

 private:
  template <typename Visit>
  void for_each_row(Visit visit) const;

  std::vector<Layer> layers_;
  std::size_t size_ = 0;
};

/// Evaluates networks of one layout on rows of inputs, and finds their gradients (Rumelhart, Hinton
/// and Williams 1986). Has the memory for it, and allocates none afterwards.
class FusedNetwork {
 public:
  /// @param rows  that are evaluated at once, at most; above 0.
  FusedNetwork(const NetworkLayout& layout, std::size_t rows);

  const NetworkLayout& layout() const { return layout_; }

  /// [layout().inputs()], to be written before evaluate().
  float* input(std::size_t row) { return inputs_.data() + row * layout_.inputs(); }
  void evaluate(const AlignedFloats& weights, std::size_t rows);
  /// [layout().outputs()]: what evaluate() made of the input.
  const float* output(std::size_t row) const { return results_.back().data() + output_begin(row); }

  /// [layout().outputs()]: the gradient of the loss by the output, all of it to be written before
  /// differentiate().
  float* output_gradient(std::size_t row) { return gradients_.back().data() + output_begin(row); }
  /// Overwrites `gradients` (as the weights are laid out) with those of the loss, summed over the
  /// rows. @pre evaluate() was called with the same weights and number of rows.
  void differentiate(const AlignedFloats& weights, std::size_t rows, AlignedFloats& gradients);

 private:
  std::size_t output_begin(std::size_t row) const { return row * layout_.layers().back().columns; }

  NetworkLayout layout_;
  AlignedFloats inputs_;
  std::vector<AlignedFloats> results_;    ///< [layers][rows x columns]
  std::vector<AlignedFloats> gradients_;  ///< The same shape.
  AlignedFloats transposed_;              ///< A layer's weights.
};

/// Adam (Kingma and Ba 2015) with the moments of one row of weights.
struct Adam {
  float mean_decay = 0.9F;
  float square_decay = 0.999F;
  float epsilon = 1e-8F;
  AlignedFloats means, squares;
  std::size_t steps = 0;

  explicit Adam(std::size_t size) : means(size, 0.0F), squares(size, 0.0F) {}
  /// @param gradient_scale  the gradients are multiplied by this first.
  void step(const AlignedFloats& gradients, float learning_rate, AlignedFloats& weights,
            float gradient_scale = 1.0F);
};

}  // namespace rein
