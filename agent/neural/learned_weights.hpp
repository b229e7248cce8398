#pragma once

#include <string>
#include <utility>

#include "agent/neural/fused_network.hpp"
#include "common/archive.hpp"

namespace rein {

/// A row of numbers that are laid out so, without the padding.
void archive_row(Archive& archive, const std::string& key, const NetworkLayout& layout,
                 AlignedFloats& row);

/// target += rate (source - target).
void blend_weights(const AlignedFloats& source, float rate, AlignedFloats& target);

/// A network's weights with what Adam knows of them.
struct LearnedWeights {
  NetworkLayout layout;
  AlignedFloats weights;
  Adam adam;

  LearnedWeights(NetworkLayout with_layout, Random& random)
      : layout(std::move(with_layout)), weights(layout.draw(random)), adam(layout.size()) {}

  /// Of the same layout.
  void archive(Archive& archive);
};

}  // namespace rein
