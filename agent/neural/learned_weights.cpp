#include "agent/neural/learned_weights.hpp"

#include <fmt/ranges.h>

#include <cstdint>

#include "agent/neural/fused_kernels.hpp"

namespace rein {

std::string write_actions(const std::vector<ActionId>& actions) {
  const std::vector<std::uint32_t> numbers(actions.begin(), actions.end());
  return numbers_to_base64<std::uint32_t>(numbers);
}

std::vector<ActionId> read_actions(const ConfigNode& node, std::size_t count, std::size_t actions) {
  const auto numbers = read_numbers<std::uint32_t>(node, count);
  for (const auto action : numbers) {
    if (action >= actions) {
      node.reject(fmt::format("expected actions below {}, found {}", actions, action));
    }
  }
  return {numbers.begin(), numbers.end()};
}

void blend_weights(const AlignedFloats& source, float rate, AlignedFloats& target) {
  if (rate == 1.0F) {  // Not target + (source - target), which is rounded.
    target = source;
  } else {
    fused::blend(source.data(), target.data(), target.size(), rate);
  }
}

nlohmann::ordered_json LearnedWeights::save() const {
  const auto text = [this](const AlignedFloats& of) {
    return numbers_to_base64<float>(layout.pack(of));
  };
  return {{"layers", layout.sizes()},
          {"weights", text(weights)},
          {"means", text(adam.means)},
          {"squares", text(adam.squares)},
          {"steps", adam.steps}};
}

void LearnedWeights::load(const ConfigNode& node) {
  std::vector<std::size_t> sizes;
  for (const auto& size : node.at("layers").items()) {
    sizes.push_back(static_cast<std::size_t>(size.integer({.min = 1, .max = 1e9})));
  }
  if (sizes != layout.sizes()) {
    node.at("layers").reject(
        fmt::format("expected {} as in this run, found {}", layout.sizes(), sizes));
  }
  const auto read = [&](const char* key) {
    return layout.unpack(read_numbers<float>(node.at(key), layout.packed_size()));
  };
  LearnedWeights loaded = *this;
  loaded.weights = read("weights");
  loaded.adam.means = read("means");
  loaded.adam.squares = read("squares");
  loaded.adam.steps = static_cast<std::size_t>(node.at("steps").integer({.min = 0}));
  node.reject_unknown();
  *this = std::move(loaded);
}

}  // namespace rein
