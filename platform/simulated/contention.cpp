#include "platform/simulated/contention.hpp"

namespace rein {

ContentionProfile ContentionProfile::from_yaml(const ConfigNode& node) {
  ContentionProfile profile;
  if (node.has("cpu")) {
    for (const auto& [cluster, load] : node.at("cpu").entries()) {
      profile.cpu.push_back({cluster, load.number({.min = 1e-6, .max = 64.0})});
    }
  }
  profile.gpu = node.number_or("gpu", profile.gpu, {.min = 0.0, .max = 100.0});
  profile.memory = node.number_or("memory", profile.memory, Range::share());
  if (profile.cpu.empty() && profile.gpu == 0.0 && profile.memory == 0.0) {
    node.reject("expected one of cpu, gpu and memory above 0, found none");
  }
  if (node.has("on_ms") || node.has("off_ms")) {
    profile.on_ms = node.at("on_ms").number({.min = 0.1, .max = 3.6e6, .unit = "ms"});
    profile.off_ms = node.at("off_ms").number({.min = 0.1, .max = 3.6e6, .unit = "ms"});
  }
  node.reject_unknown();
  return profile;
}

Sensitivity Sensitivity::from_yaml(const ConfigNode& node) {
  Sensitivity sensitivity;
  const Range range{.min = 0.0, .max = 100.0};
  sensitivity.cpu = node.number_or("cpu", sensitivity.cpu, range);
  sensitivity.gpu = node.number_or("gpu", sensitivity.gpu, range);
  sensitivity.memory = node.number_or("memory", sensitivity.memory, range);
  node.reject_unknown();
  return sensitivity;
}

}  // namespace rein
