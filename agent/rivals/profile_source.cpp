#include "agent/rivals/profile_source.hpp"

#include <fmt/format.h>

#include <limits>

namespace rein {

namespace {

void disturb(Profile& profile, double error, Random& random) {
  for (auto& entry : profile.entries) {
    const double slower = 1.0 + error * (2.0 * random.uniform() - 1.0);
    const double costlier = 1.0 + error * (2.0 * random.uniform() - 1.0);
    for (auto* value : {&entry.service_ms, &entry.service_sd_ms, &entry.latency_p95_ms}) {
      if (*value) {
        **value *= slower;
      }
    }
    for (auto* value : {&entry.power_w, &entry.energy_mj}) {
      if (*value) {
        **value *= costlier;
      }
    }
  }
}

}  // namespace

std::optional<Profile> find_profile(const ConfigNode& node, const Problem& problem, Random& random,
                                    const Foresight& foresight) {
  const double error = node.number_or("profile_error", 0.0, Range::share());
  std::optional<Profile> profile;
  if (node.has("profile")) {
    const ConfigNode file = node.at("profile");
    profile = Profile::read(file.resolve(file.text()), problem.actions);
  } else if (foresight.measure_profile) {
    profile = foresight.measure_profile();
  }
  if (profile && error > 0.0) {
    disturb(*profile, error, random);
  }
  return profile;
}

Profile require_profile(const ConfigNode& node, const Problem& problem, Random& random,
                        const Foresight& foresight) {
  auto profile = find_profile(node, problem, random, foresight);
  if (!profile) {
    node.at("kind").reject(fmt::format(
        "{} starts from a profile: expected `profile: FILE`, which `rein profile` writes, found "
        "none",
        node.at("kind").text()));
  }
  return *std::move(profile);
}

std::optional<double> profiled_power_w(const ProfileEntry& entry, PowerSignal signal,
                                       PowerSignal profiled, double rate_hz) {
  if (signal == profiled) {
    return entry.power_w;
  }
  return signal == PowerSignal::kMachine && entry.energy_mj
             ? std::optional(*entry.energy_mj * 1e-3 * rate_hz)
             : std::nullopt;
}

double cost_of(const ProfileEntry& entry, Objective::Kind objective) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  switch (objective) {
    case Objective::Kind::kMaxAccuracy:
      return -entry.top1;
    case Objective::Kind::kMinEnergy:
      return entry.energy_mj.value_or(kNone);
    case Objective::Kind::kMinPower:
      return entry.power_w.value_or(kNone);
    case Objective::Kind::kMinLatency:
      return entry.service_ms.value_or(kNone);
  }
  return kNone;
}

}  // namespace rein
