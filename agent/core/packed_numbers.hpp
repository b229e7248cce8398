#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "common/base64.hpp"
#include "common/config_node.hpp"

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

/// Numbers that are of single precision in single precision, for read_singles().
inline std::string write_singles(const std::vector<double>& numbers) {
  const std::vector<float> singles(numbers.begin(), numbers.end());
  return numbers_to_base64(std::span(singles));
}
inline std::vector<double> read_singles(const ConfigNode& node, std::optional<std::size_t> count) {
  const auto singles = read_numbers<float>(node, count);
  return {singles.begin(), singles.end()};
}

}  // namespace rein
