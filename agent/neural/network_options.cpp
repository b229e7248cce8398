#include "agent/neural/network_options.hpp"

namespace rein {

std::vector<std::size_t> read_hidden(const ConfigNode& node, std::vector<std::size_t> fallback) {
  if (!node.has("hidden")) {
    return fallback;
  }
  const auto items = node.at("hidden").items();
  if (items.empty() || items.size() > 4) {
    node.at("hidden").fail("one to four sizes of layers");
  }
  std::vector<std::size_t> hidden;
  hidden.reserve(items.size());
  for (const auto& item : items) {
    hidden.push_back(static_cast<std::size_t>(item.integer({.min = 1, .max = 1024})));
  }
  return hidden;
}

std::size_t read_count(const ConfigNode& node, const std::string& key, std::size_t fallback,
                       const Range& range) {
  return static_cast<std::size_t>(node.integer_or(key, static_cast<std::int64_t>(fallback), range));
}

NetworkLayout make_layout(std::size_t inputs, const std::vector<std::size_t>& hidden,
                          std::size_t outputs) {
  std::vector<std::size_t> sizes = {inputs};
  sizes.insert(sizes.end(), hidden.begin(), hidden.end());
  sizes.push_back(outputs);
  return NetworkLayout(sizes);
}

}  // namespace rein
