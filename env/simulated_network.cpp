#include "env/simulated_network.hpp"

#include <fmt/format.h>

namespace rein {

namespace {

/// @param before  the level before it, if there is one.
SimulatedNetwork::Level read_level(const ConfigNode& node, const SimulatedNetwork::Level* before) {
  const ConfigNode width = node.at("width");
  const ConfigNode mflops = node.at("mflops");
  SimulatedNetwork::Level level{
      .network = {.name = node.has("name") ? node.at("name").name() : width.text(),
                  .width = width.number({.min = 1e-3, .max = 1.0}),
                  .accuracy_top1 = node.at("top1").number(Range::share())},
      .mflops = mflops.number(Range::megaflops())};
  if (before != nullptr && level.network.width <= before->network.width) {
    width.fail(fmt::format("a width above the {} of the level before", before->network.width));
  }
  if (before != nullptr && level.mflops <= before->mflops) {
    mflops.fail(fmt::format("more than the {} MFLOPs of the level before", before->mflops));
  }
  node.reject_unknown();
  return level;
}

}  // namespace

SimulatedNetwork SimulatedNetwork::from_yaml(const ConfigNode& node) {
  SimulatedNetwork network;
  network.name = node.at("name").name();
  network.kind = node.at("kind").text();
  node.text_or("source", "");  // For people.
  for (const auto& item : node.at("levels").items()) {
    network.levels.push_back(
        read_level(item, network.levels.empty() ? nullptr : &network.levels.back()));
  }
  if (network.levels.empty()) {
    node.at("levels").fail("at least one level");
  }
  network.switch_ms =
      node.number_or("switch_ms", network.switch_ms, Range::milliseconds().or_zero());
  if (node.has("sensitivity")) {
    network.sensitivity = Sensitivity::from_yaml(node.at("sensitivity"));
  }
  node.reject_unknown();
  return network;
}

}  // namespace rein
