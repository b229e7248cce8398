#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "agent/model_based/response_model.hpp"

namespace rein {

namespace {

// How far this machine may be from the one that was measured, as shares of what it may be from
// none.
constexpr double kSpeedKept = 0.1;  ///< Of all services at once.
constexpr double kShapeKept = 0.25;
/// Of a measured power what is drawn while nothing is served, where nothing tells.
constexpr double kIdleShare = 0.6;
constexpr double kLeastBusy = 0.05;

/// The share of the time that is served with a configuration, if the profile tells.
double busy_with(const ProfileEntry& entry, bool is_closed_loop) {
  if (is_closed_loop) {
    return 1.0;
  }
  // At so many requests a second was it measured, as power and energy of each have it.
  const double rate_hz = entry.power_w && entry.energy_mj && *entry.energy_mj > 0.0
                             ? *entry.power_w * 1e3 / *entry.energy_mj
                             : 0.5e3 / *entry.service_ms;
  return std::clamp(*entry.service_ms * 1e-3 * rate_hz, kLeastBusy, 1.0);
}

}  // namespace

ResponseModel::Prior ResponseModel::Prior::of_profile(const Problem& problem,
                                                      const Profile& profile,
                                                      const PlannerOptions& options) {
  Prior prior = of_knobs(problem, options);
  FactorModel& factors = prior.factors;
  const Quantities quantities = Quantities::of(problem);
  const bool is_closed_loop = problem.task.arrival == RequestSpec::Arrival::kClosedLoop;
  const auto power = static_cast<std::size_t>(
      std::ranges::find(problem.task.power_signals, problem.task.power_signal) -
      problem.task.power_signals.begin());

  double most_w = 0.0;
  double slower = 0.0;
  std::size_t measured = 0;
  for (const ProfileEntry& entry : profile.entries) {
    if (entry.service_ms > 0.0) {
      slower += std::log(*entry.service_ms) - factors.offset[quantities.service(entry.action)];
      ++measured;
    }
    most_w = std::max(most_w, entry.power_w.value_or(0.0));
  }
  if (measured == 0) {
    return prior;
  }
  for (ActionId a = 0; a < quantities.actions; ++a) {
    factors.offset[quantities.service(a)] += slower / static_cast<double>(measured);
  }
  const auto keep = [&](std::size_t quantity, std::size_t factor, double share) {
    factors.basis[quantity * factors.factors() + factor] *= share;
  };
  for (const ProfileEntry& entry : profile.entries) {
    if (!(entry.service_ms > 0.0)) {
      continue;
    }
    const std::size_t service = quantities.service(entry.action);
    factors.offset[service] = std::log(*entry.service_ms);
    factors.own[service] = options.profile_spread * options.profile_spread;
    for (std::size_t factor = 0; factor < factors.lasting; ++factor) {
      keep(service, factor, factor == 0 ? kSpeedKept : kShapeKept);
    }
    if (!(entry.power_w > 0.0) || power >= quantities.powers) {
      continue;
    }
    const std::size_t idle = quantities.idle(power, entry.action);
    const std::size_t serving = quantities.serving(power, entry.action);
    // Our own is little else than what serving costs.
    const double idle_share = problem.task.power_signal == PowerSignal::kOurs ? 0.0 : kIdleShare;
    const double drawn = *entry.power_w / most_w;
    factors.offset[idle] = idle_share * drawn;
    factors.offset[serving] = (1.0 - idle_share) * drawn / busy_with(entry, is_closed_loop);
    for (std::size_t factor = 0; factor < factors.lasting; ++factor) {
      keep(idle, factor, kShapeKept);
      keep(serving, factor, kShapeKept);
    }
  }
  if (most_w > 0.0 && power < quantities.powers) {
    prior.power_scales_w.resize(quantities.powers);
    prior.power_scales_w[power] = most_w;
  }
  return prior;
}

}  // namespace rein
