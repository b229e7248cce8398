#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/packed_numbers.hpp"
#include "agent/neural/fused_network.hpp"
#include "common/config_node.hpp"
#include "env/action_space.hpp"

namespace rein {

/// Actions as 32-bit numbers in base64, and back. @throws ConfigError as read_numbers(), and for an
/// action that is not below `actions`.
std::string write_actions(const std::vector<ActionId>& actions);
std::vector<ActionId> read_actions(const ConfigNode& node, std::size_t count, std::size_t actions);

/// target += rate (source - target).
void blend_weights(const AlignedFloats& source, float rate, AlignedFloats& target);

/// A network's weights with what Adam knows of them.
struct LearnedWeights {
  NetworkLayout layout;
  AlignedFloats weights;
  Adam adam;

  LearnedWeights(NetworkLayout with_layout, Random& random)
      : layout(std::move(with_layout)), weights(layout.draw(random)), adam(layout.size()) {}

  /// {layers, weights, means, squares, steps}; the numbers are floats in base64.
  nlohmann::ordered_json save() const;
  /// @throws ConfigError, also for other layers; this is then as it was.
  void load(const ConfigNode& node);
};

}  // namespace rein
