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
constexpr double kIdleSpread = 0.2;
constexpr double kLeastBusy = 0.05;
/// Of what is measured, as a share, where it tells of what is not.
constexpr double kNoise = 0.05;

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

/// One more lasting factor. @param column  [quantities]
void add_lasting(FactorModel& model, const std::vector<double>& column) {
  std::vector<double> basis;
  basis.reserve(model.basis.size() + column.size());
  for (std::size_t i = 0; i < column.size(); ++i) {
    const auto row = model.row(i);
    basis.insert(basis.end(), row.begin(),
                 row.begin() + static_cast<std::ptrdiff_t>(model.lasting));
    basis.push_back(column[i]);
    basis.insert(basis.end(), row.begin() + static_cast<std::ptrdiff_t>(model.lasting), row.end());
  }
  ++model.lasting;
  model.basis = std::move(basis);
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
  std::size_t measured = 0;
  for (const ProfileEntry& entry : profile.entries) {
    measured += entry.service_ms > 0.0 ? 1 : 0;
    most_w = std::max(most_w, entry.power_w.value_or(0.0));
  }
  if (measured == 0) {
    return prior;
  }
  // What was measured tells of what was not: with nobody else there.
  Belief belief(factors);
  belief.recall({std::vector<double>(factors.passing, 0.0),
                 std::vector<double>(factors.passing * factors.passing, 0.0)});
  const bool has_power = most_w > 0.0 && power < quantities.powers;
  std::vector<bool> is_measured(quantities.actions, false);
  for (const ProfileEntry& entry : profile.entries) {
    if (!(entry.service_ms > 0.0)) {
      continue;
    }
    is_measured[entry.action] = true;
    belief.update(
        {{{quantities.service(entry.action), 1.0}}, std::log(*entry.service_ms), kNoise * kNoise});
    if (has_power && entry.power_w > 0.0) {
      belief.update({{{quantities.idle(power, entry.action), 1.0},
                      {quantities.serving(power, entry.action), busy_with(entry, is_closed_loop)}},
                     *entry.power_w / most_w,
                     kNoise * kNoise});
    }
  }
  const auto take = [&](std::size_t quantity, double share, double first_share) {
    const Estimate estimate = belief.estimate(quantity);
    factors.offset[quantity] = estimate.mean;
    factors.own[quantity] = estimate.variance;
    for (std::size_t factor = 0; factor < factors.lasting; ++factor) {
      factors.basis[quantity * factors.factors() + factor] *= factor == 0 ? first_share : share;
    }
  };
  for (ActionId a = 0; a < quantities.actions; ++a) {
    if (!is_measured[a]) {
      take(quantities.service(a), kShapeKept, kSpeedKept);
      if (has_power) {
        take(quantities.idle(power, a), kShapeKept, kShapeKept);
        take(quantities.serving(power, a), kShapeKept, kShapeKept);
      }
    }
  }
  // How much of what was measured is drawn while nothing is served, of all alike.
  std::vector<double> split(factors.quantities(), 0.0);
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
    const double busy = busy_with(entry, is_closed_loop);
    factors.offset[idle] = idle_share * drawn;
    factors.offset[serving] = (1.0 - idle_share) * drawn / busy;
    if (idle_share > 0.0) {
      split[idle] = kIdleSpread * drawn;
      split[serving] = -kIdleSpread * drawn / busy;
    }
    for (std::size_t factor = 0; factor < factors.lasting; ++factor) {
      keep(idle, factor, kShapeKept);
      keep(serving, factor, kShapeKept);
    }
  }
  add_lasting(factors, split);
  if (most_w > 0.0 && power < quantities.powers) {
    prior.power_scales_w.resize(quantities.powers);
    prior.power_scales_w[power] = most_w;
  }
  return prior;
}

}  // namespace rein
