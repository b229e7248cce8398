#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/neural/fused_network.hpp"
#include "common/config_node.hpp"

namespace rein {

// What the parameters of agents with networks have in common.

/// `hidden:`, one to four sizes of layers.
std::vector<std::size_t> read_hidden(const ConfigNode& node, std::vector<std::size_t> fallback);

std::size_t read_count(const ConfigNode& node, const std::string& key, std::size_t fallback,
                       const Range& range);

NetworkLayout make_layout(std::size_t inputs, const std::vector<std::size_t>& hidden,
                          std::size_t outputs);

}  // namespace rein
