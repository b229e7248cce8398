#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "agent/fused_network.hpp"
#include "common/base64.hpp"
#include "common/config_node.hpp"
#include "env/action_space.hpp"

namespace rein {

/// A row of numbers that numbers_to_base64() wrote. @throws ConfigError if it is none, not of
/// `count` numbers, or holds one that is not finite.
template <typename T>
std::vector<T> read_numbers(const ConfigNode& node, std::optional<std::size_t> count) {
  const auto bytes = from_base64(node.text());
  if (!bytes || bytes->size() % sizeof(T) != 0) {
    node.reject("expected numbers in base64");
  }
  std::vector<T> numbers(bytes->size() / sizeof(T));
  if (count && numbers.size() != *count) {
    node.reject(fmt::format("expected {} numbers in base64, found {}", *count, numbers.size()));
  }
  if (!numbers.empty()) {
    std::memcpy(numbers.data(), bytes->data(), bytes->size());
  }
  if constexpr (std::is_floating_point_v<T>) {
    for (const T number : numbers) {
      if (!std::isfinite(number)) {
        node.reject("expected finite numbers in base64");
      }
    }
  }
  return numbers;
}

/// Actions as 32-bit numbers in base64, and back. @throws ConfigError as read_numbers(), and for an
/// action that is none of these.
std::string write_actions(const std::vector<ActionId>& actions);
std::vector<ActionId> read_actions(const ConfigNode& node, std::size_t count,
                                   const ActionSpace& actions);

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
