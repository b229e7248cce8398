#include "agent/rivals/profile_source.hpp"

#include <fmt/format.h>

#include <algorithm>
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

std::optional<double> ProfiledUse::power_w(const ProfileEntry& entry, PowerSignal signal,
                                           double rate_hz) const {
  if (signal == profiled_) {
    return entry.power_w;
  }
  return signal == PowerSignal::kMachine && entry.energy_mj
             ? std::optional(*entry.energy_mj * 1e-3 * rate_hz)
             : std::nullopt;
}

std::optional<double> ProfiledUse::energy_mj(const ProfileEntry& entry, PowerSignal signal,
                                             double rate_hz) const {
  if (signal == PowerSignal::kMachine) {
    return entry.energy_mj;
  }
  return signal == profiled_ && entry.power_w ? std::optional(*entry.power_w * 1e3 / rate_hz)
                                              : std::nullopt;
}

double ProfiledUse::share(const ProfileEntry& entry, const Situation& now) const {
  double most = 0.0;
  const auto add = [&](std::optional<double> value, std::optional<double> limit) {
    most = value && limit ? std::max(most, *value / *limit) : most;
  };
  add(power_w(entry, now.power_signal, now.rate_hz), now.power_limit_w);
  add(power_w(entry, now.energy_signal, now.rate_hz), now.allowance_w);
  add(energy_mj(entry, now.energy_signal, now.rate_hz), now.energy_limit_mj);
  return most;
}

double ProfiledUse::cost(const ProfileEntry& entry, const Situation& now) const {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  switch (objective_.kind) {
    case Objective::Kind::kMaxAccuracy:
      return -entry.top1;
    case Objective::Kind::kMinEnergy:
      return energy_mj(entry, objective_.signal, now.rate_hz).value_or(kNone);
    case Objective::Kind::kMinPower:
      return power_w(entry, objective_.signal, now.rate_hz).value_or(kNone);
    case Objective::Kind::kMinLatency:
      return entry.service_ms.value_or(kNone);
  }
  return kNone;
}

ProfiledUse::Rank ProfiledUse::rank(const ProfileEntry& entry, const Situation& now, double margin,
                                    double power_share, double waited_ms) const {
  const double time_ms = now.time_for_request_ms();
  const double left_ms =
      now.deadline_ms ? std::min(time_ms, *now.deadline_ms - waited_ms) : time_ms;
  const double service_ms = entry.service_ms.value_or(std::numeric_limits<double>::infinity());
  return {std::max(0.0, service_ms / time_ms - 1.0),
          std::max(0.0, now.min_top1.value_or(0.0) - entry.top1),
          std::max(0.0, share(entry, now) / power_share - 1.0),
          std::max(0.0, (margin * service_ms - left_ms) / time_ms),
          cost(entry, now),
          entry.power_w.value_or(0.0)};
}

}  // namespace rein
