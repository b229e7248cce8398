#include "agent/model_based/response_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

#include "agent/core/managed_application.hpp"
#include "common/index.hpp"

namespace rein {

namespace {

/// Of the only request of a period what is the action's own, where what the change to it takes is
/// not known: so much in the middle, and its spread as a logarithm.
constexpr double kLeftOfUnknown = 0.8;
constexpr double kUnknownChange = 0.6;
constexpr double kUnknownLess = 0.4;
/// Requests of a period from which on that in the middle tells what is usual.
constexpr std::size_t kEnoughForMiddle = 8;
/// How fast the noise of measurements is learned, from surprises up to that many times what is
/// usual, and how much more than usual it is at most.
constexpr double kNoiseRate = 0.03;
constexpr double kMostSurprise = 9.0;
constexpr double kMostNoise = 10.0;
/// Periods for which an action is new, and what is taken back where what was known of it does not
/// fit: variances of lasting factors, and a spread of each quantity's own.
constexpr std::size_t kNew = 3;
constexpr double kWidening = 0.2;
constexpr double kWidenedOwn = 0.1;
/// A service time that is less sure than this is not known at all ...
constexpr double kNoIdea = 2.0;
/// ... but for what is asked for: that much of deadline and gap a request takes with an action in
/// the middle, and the spread of that as a logarithm.
constexpr double kUsualShare = 0.5;
constexpr double kUsualSpread = 0.8;

double square(double x) { return x * x; }

/// What may be believed after a measurement if it is good news, by `optimism` standard deviations
/// of what the measurement will move the mean by (the knowledge gradient: Frazier, Powell & Dayanik
/// 2008). Where nothing is left to learn nothing is hoped for.
Estimate hoped_for(const Estimate& estimate, double noise, double optimism) {
  const double sum = estimate.variance + noise;
  if (!(sum > 0.0)) {
    return estimate;
  }
  return {estimate.mean - optimism * estimate.variance / std::sqrt(sum),
          estimate.variance * noise / sum};
}

ResponseModel::Prior rounded(ResponseModel::Prior prior) {
  prior.factors.round_to_singles();
  return prior;
}

}  // namespace

namespace {

/// What an action's bandwidth leaves of the time, where it is less than its threads can use: the
/// share of it in which requests can be served.
std::vector<double> time_shares(const ActionSpace& actions) {
  std::vector<double> shares(actions.size(), 1.0);
  const auto& knobs = actions.knobs();
  const auto mapping = actions.find(Knob::Kind::kMapping, kManagedApplication);
  const auto bandwidth = actions.find_domain(Knob::Kind::kBandwidth);
  if (!bandwidth) {
    return shares;
  }
  for (ActionId action = 0; action < actions.size(); ++action) {
    const auto levels = actions.decode(action);
    const auto value = [&](std::size_t knob) { return knobs[knob].levels[levels[knob]].value; };
    const double threads = mapping ? std::max(1.0, value(*mapping)) : 1.0;
    shares[action] = std::min(1.0, value(*bandwidth) / threads);
  }
  return shares;
}

/// What an action's clocks draw, about, as a share of the most that they can.
std::vector<double> drawn_by_clocks(const ActionSpace& actions) {
  std::vector<double> shares(actions.size(), 1.0);
  const auto& knobs = actions.knobs();
  for (ActionId action = 0; action < actions.size(); ++action) {
    const auto levels = actions.decode(action);
    for (std::size_t i = 0; i < knobs.size(); ++i) {
      if (knobs[i].effect() == Knob::Effect::kFaster) {
        shares[action] *=
            std::pow(knobs[i].levels[levels[i]].value / knobs[i].levels.back().value, 2.5);
      }
    }
  }
  return shares;
}

std::vector<std::size_t> heat_signals(const std::vector<SignalDescription>& signals) {
  std::vector<std::size_t> zones;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (signals[i].is_heat) {
      zones.push_back(i);
    }
  }
  return zones;
}

}  // namespace

Quantities Quantities::of(const Problem& problem) {
  return {.actions = problem.actions.size(),
          .powers = problem.task.power_signals.size(),
          .hints = find_cpu_shares(problem.signals).size()};
}

double Forecast::service_ms() const { return std::exp(log_service.mean); }

ResponseModel::ResponseModel(const Problem& problem, Prior prior, const PlannerOptions& options)
    : options_(options),
      space_(problem.actions),
      size_(problem.actions.size()),
      quantities_(Quantities::of(problem)),
      period_s_(problem.task.period_s),
      queue_{.limit = problem.task.queue_limit,
             .drops_expired = problem.task.drop_expired,
             .is_closed_loop = problem.task.arrival == RequestSpec::Arrival::kClosedLoop},
      signals_(problem.signals),
      cpus_(find_cpu_shares(problem.signals)),
      time_shares_(time_shares(problem.actions)),
      powers_(problem.task.power_signals),
      reader_(problem.signals),
      prior_(std::make_shared<Prior>(rounded(std::move(prior)))),
      scales_w_(prior_->power_scales_w),
      belief_(prior_->factors),
      loose_(prior_->factors),
      columns_(std::make_shared<FactorColumns>(prior_->factors)),
      ratio_(prior_->ratio),
      arrival_(problem.task.arrival),
      gaps_(arrival_),
      zones_(heat_signals(problem.signals)),
      drawn_(drawn_by_clocks(problem.actions)),
      heat_(zones_.size()),
      ceilings_(problem.actions, options),
      change_costs_(problem.actions, options) {
  since_read_.assign(powers_.size(), {});
  noisier_.assign(1 + powers_.size(), 1.0);
  place_of_.assign(size_, 0);
  if (const auto mapping = space_.find(Knob::Kind::kMapping, kManagedApplication)) {
    for (ActionId a = 0; a < size_; ++a) {
      place_of_[a] = space_.decode(a)[*mapping];
    }
  }
  jumps_.resize(1 + *std::ranges::max_element(place_of_));
  heating_ = index_at(
      static_cast<double>(std::ranges::find(powers_, PowerSignal::kMachine) - powers_.begin()),
      powers_.size() - 1);
  ratio_.tune(options);
  scales_w_.resize(powers_.size());
}

void ResponseModel::begin_episode() {
  belief_.forget_passing();
  recalled_.reset();
  last_.reset();
  first_.reset();
  process_.forget();
  waiting_ = {};
  rate_hz_.reset();
  // What is not in a checkpoint begins anew, so that who goes on from one does as if never stopped.
  gaps_ = ArrivalGaps(arrival_);
  pace_ = {};
  noisier_.assign(1 + powers_.size(), 1.0);
  since_read_.assign(powers_.size(), {});
  queueing_ = {};
  heat_ = HeatModel(zones_.size());
  stayed_ = outliers_ = ran_ = 0;
  fit_ = {};
  widened_ = 0;
  has_changed_ = is_restless_ = false;
  restless_ = 0.0;
  ceilings_.forget();
}

double ResponseModel::expected_power(const Evidence& evidence) const {
  return std::max(options_.least_power, belief_.estimate(evidence.parts).mean);
}

ResponseModel::Parts ResponseModel::service_parts(const Mixture& mixture) const {
  Parts parts;
  parts.add(mixture.lower, 1.0 - mixture.share);
  parts.add(mixture.upper, mixture.share);
  return parts;
}

ResponseModel::Parts ResponseModel::power_parts(std::size_t power, const Mixture& mixture,
                                                double busy) const {
  Parts parts;
  for (const auto& [action, weight] :
       {std::pair(mixture.lower, 1.0 - mixture.share), std::pair(mixture.upper, mixture.share)}) {
    parts.add(quantities_.idle(power, action), weight);
    parts.add(quantities_.serving(power, action), weight * busy);
  }
  return parts;
}

ResponseModel::Measured ResponseModel::measure(const StepInfo& info) {
  Measured measured;
  measured.in_force = in_force(space_, info.granted, options_);
  measured.action = measured.in_force.nearest();
  measured.before = std::exchange(last_, measured.action);
  measured.is_new = measured.before != measured.action;
  const double busy =
      std::min(1.0, managed_service(info).busy_ms * 1e-3 / std::max(info.interval_s, 1e-6));
  measure_service(managed_service(info), busy, measured);
  measure_power(info, busy, measured);
  measure_hints(info, measured);
  return measured;
}

void ResponseModel::measure_service(const ServiceReport& service, double busy, Measured& measured) {
  const bool tells_each = service.services_ms.size() == service.served;
  // The first request after a change pays for it.
  const std::size_t skipped = measured.is_new && service.served > 1 && tells_each ? 1 : 0;
  const std::span<const double> each_ms =
      tells_each ? std::span(service.services_ms).subspan(skipped) : std::span<const double>{};
  double sum_ms =
      tells_each ? std::accumulate(each_ms.begin(), each_ms.end(), 0.0) : service.busy_ms;
  const auto count = static_cast<double>(service.served - skipped);
  const double time_share = time_shares_[measured.action];
  // With its bandwidth used up a request takes as long as it has to wait for more.
  // In a closed loop it always is: that is how long requests take there.
  const bool is_starved =
      !queue_.is_closed_loop && time_share < 1.0 && busy > options_.starved_share * time_share;
  if (!(count > 0.0 && sum_ms > 0.0) || is_starved) {
    return;
  }
  double noise = options_.service_noise;
  if (measured.is_new && skipped == 0) {
    noise = options_.new_service_noise;
    if (measured.before) {
      measured.first_ms = sum_ms / count;
    }
    if (measured.before && change_costs_.knows(*measured.before, measured.action)) {
      const double extra_ms = change_costs_.of(*measured.before, measured.action);
      sum_ms = std::max(0.5 * sum_ms, sum_ms - extra_ms);
    } else {
      // What a change took that was never seen before, or came before an episode, is not known:
      // a request takes no longer than this, and maybe much less.
      measured.is_vague = true;
      const Estimate expected = belief_.estimate(service_parts(measured.in_force).used());
      sum_ms *= kLeftOfUnknown;
      const double more = std::log(sum_ms / count) - expected.mean;
      noise = more > 0.0 ? kUnknownChange : kUnknownLess;
      // What is beyond belief is the change's.
      const double most = 2.0 * std::sqrt(expected.variance + square(noise));
      sum_ms *= std::exp(std::min(0.0, most - more));
    }
  }
  measured.service =
      Evidence{service_parts(measured.in_force).to_vector(), std::log(sum_ms / count),
               noisier_.front() * (ratio_.variance() / count + square(noise))};
  if (each_ms.size() >= kEnoughForMiddle) {
    std::vector<double> sorted(each_ms.begin(), each_ms.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::ranges::nth_element(sorted, middle);
    measured.log_middle = std::log(*middle);
  }
}

void ResponseModel::measure_power(const StepInfo& info, double busy, Measured& measured) {
  for (std::size_t i = 0; i < powers_.size(); ++i) {
    // A reading is the mean of the time since the one before.
    SinceRead& since = since_read_[i];
    since.busy_s += busy * info.interval_s;
    since.time_s += info.interval_s;
    since.is_new |= measured.is_new;
    const auto power_w = reader_.fresh(info, powers_[i]);
    if (!power_w) {
      continue;
    }
    const SinceRead read = std::exchange(since, {});
    auto& scale_w = scales_w_[i];
    if (!scale_w && *power_w > 0.0) {
      scale_w = *power_w;
    }
    const double share = read.time_s > 0.0 ? read.busy_s / read.time_s : busy;
    Evidence evidence{power_parts(i, measured.in_force, share).to_vector(),
                      *power_w / scale_w.value_or(1.0), 0.0};
    evidence.noise =
        noisier_[1 + i] * square(expected_power(evidence) *
                                 (read.is_new ? options_.new_power_noise : options_.power_noise));
    measured.others.push_back(std::move(evidence));
  }
}

void ResponseModel::measure_hints(const StepInfo& info, Measured& measured) const {
  // What was measured before the period says nothing of its action.
  const auto fresh = [&](std::size_t signal) {
    return std::ranges::count(info.stale, signal) == 0 ? info.reading(signal) : std::nullopt;
  };
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    if (const auto others = fresh(cpus_[i].others)) {
      const auto ours = cpus_[i].ours ? fresh(*cpus_[i].ours) : std::nullopt;
      const Demand demand = demand_of_others(*others, ours.value_or(0.0));
      measured.others.push_back({{{quantities_.hint(i), 1.0}},
                                 demand.share,
                                 square(options_.hint_noise * demand.sensitivity)});
    }
  }
}

double ResponseModel::likelihood(Belief& belief, const Measured& measured, double* usual) const {
  double sum = 0.0;
  const auto add = [&](const Evidence& evidence) {
    const Estimate expected = belief.estimate(evidence.parts);
    const double variance = expected.variance + evidence.noise;
    if (usual != nullptr) {
      *usual -= 0.5 * (1.0 + std::log(2.0 * std::numbers::pi * variance));
    }
    sum += belief.update(evidence);
  };
  std::ranges::for_each(measured.others, add);
  if (measured.service) {
    add(*measured.service);
  }
  return sum;
}

Belief ResponseModel::under(const Condition& condition) const {
  Belief::Passing passing = belief_.passing();
  const std::size_t n = passing.mean.size();
  for (std::size_t i = 0; i < n - condition.kept; ++i) {
    passing.mean[i] = condition.mean[i];
    for (std::size_t j = 0; j < n; ++j) {
      passing.covariance[i * n + j] = passing.covariance[j * n + i] = 0.0;
    }
    passing.covariance[i * n + i] = prior_->condition_variance;
  }
  Belief belief = belief_;
  belief.recall(passing);
  return belief;
}

ResponseModel::Explanation ResponseModel::explain(const Measured& measured) const {
  using enum Explanation::What;
  Explanation best{belief_, kSame, recalled_};
  double usual = 0.0;
  double most = likelihood(best.belief, measured, &usual) +
                std::log(1.0 - options_.change_chance - options_.return_chance);
  if (most >= usual - options_.surprise) {
    return best;
  }
  const auto consider = [&](Explanation other, double chance, const Measured& of) {
    const double sum = likelihood(other.belief, of) + std::log(chance);
    if (sum > most) {
      most = sum;
      best = std::move(other);
    }
  };
  if (measured.service) {
    // If one of many took long the others tell; all of them do not by chance.
    Measured doubted = measured;
    if (measured.log_middle) {
      doubted.service->value = *measured.log_middle;
    } else {
      doubted.service->noise += square(options_.outlier_spread);
    }
    consider({belief_, kOutlier, recalled_},
             options_.outlier_chance *
                 std::pow(options_.another_outlier, static_cast<double>(outliers_)),
             doubted);
    Belief mistaken = belief_;
    mistaken.doubt(measured.action, square(options_.mistaken_spread));
    consider({std::move(mistaken), kMistaken, recalled_}, options_.mistaken_chance, measured);
  }
  for (const auto& condition : prior_->conditions) {
    consider({under(condition), kChanged, std::nullopt},
             options_.change_chance / static_cast<double>(prior_->conditions.size()), measured);
  }
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (recalled_ != i) {
      Belief then = belief_;
      then.recall(known_[i]);
      consider({std::move(then), kChanged, i},
               options_.return_chance / static_cast<double>(known_.size()), measured);
    }
  }
  return best;
}

void ResponseModel::recognise(const Measured& measured) {
  belief_.drift(options_.drift);
  ++stayed_;
  has_changed_ = false;
  Explanation explanation = explain(measured);
  const bool changes = explanation.what == Explanation::What::kChanged;
  restless_ += options_.restless_rate * ((changes ? 1.0 : 0.0) - restless_);
  const bool was_restless = is_restless_;
  is_restless_ = restless_ > (is_restless_ ? options_.calm_share : options_.restless_share);
  if (is_restless_) {
    loose_ = was_restless ? std::move(loose_) : belief_;
    take_loosely(measured);
    recalled_.reset();
    belief_ = std::move(explanation.belief);
    return;
  }
  outliers_ = explanation.what == Explanation::What::kOutlier ? outliers_ + 1 : 0;
  if (changes) {
    remember();
    recalled_ = explanation.recalled;
    if (static_cast<double>(known_.size()) > options_.known_conditions && recalled_ != 0) {
      known_.erase(known_.begin());
      recalled_ = recalled_ ? std::optional(*recalled_ - 1) : std::nullopt;
    }
    stayed_ = 0;
    has_changed_ = true;
    ++changes_;
    ratio_.fade(options_.spread_kept);
    ratio_.sum_up();
  }
  belief_ = std::move(explanation.belief);
  test_fit(measured, explanation.what);
}

void ResponseModel::test_fit(const Measured& measured, Explanation::What what) {
  ran_ = measured.is_new ? 0 : ran_ + 1;
  is_tested_ = is_tested_ && !measured.is_new;
  const bool is_first = !is_tested_;
  if (!measured.service || measured.is_vague || !measured.before || (!is_first && ran_ < kNew)) {
    return;
  }
  is_tested_ = true;
  const bool surprises =
      what == Explanation::What::kChanged || what == Explanation::What::kMistaken;
  if (!fit_.note(is_first, surprises)) {
    return;
  }
  ++widened_;
  belief_.widen(kWidening, square(kWidenedOwn));
  // They were measured by what does not hold.
  known_.clear();
  recalled_.reset();
}

void ResponseModel::take_loosely(Measured measured) {
  if (measured.service) {
    measured.service->noise += square(options_.restless_service_noise);
  }
  for (auto& evidence : measured.others) {
    const bool is_power = evidence.parts.front().quantity < quantities_.hint(0);
    evidence.noise += square(is_power ? options_.restless_power_noise * expected_power(evidence)
                                      : options_.restless_hint_noise);
  }
  loose_.drift(options_.drift);
  likelihood(loose_, measured);
}

void ResponseModel::remember() {
  if (recalled_) {
    known_[*recalled_] = belief_.passing();
  } else if (static_cast<double>(stayed_) >= options_.known_after_periods) {
    known_.push_back(belief_.passing());
  }
}

void ResponseModel::learn_ratio(const StepInfo& info, const Measured& measured) {
  if (has_changed_) {
    doubtful_.clear();  // They were slow because something had changed already.
    return;
  }
  if (measured.is_new) {
    return;
  }
  for (const double ratio : doubtful_) {
    ratio_.add(ratio);
  }
  doubtful_.clear();
  const double mean_ms =
      std::exp(believed().estimate(service_parts(measured.in_force).used()).mean);
  for (const double service_ms : managed_service(info).services_ms) {
    const double ratio = std::max(1e-3, service_ms / mean_ms);
    if (outliers_ > 0 && !is_restless_) {
      doubtful_.push_back(ratio);
    } else {
      ratio_.add(ratio);
    }
  }
  ratio_.sum_up();
}

void ResponseModel::learn_noise(const Measured& measured) {
  if (measured.is_new || is_restless_) {
    return;
  }
  const auto learn = [&](double& noisier, const Evidence& evidence) {
    const Estimate expected = belief_.estimate(evidence.parts);
    const double surprise =
        square(evidence.value - expected.mean) / (expected.variance + evidence.noise);
    noisier = std::clamp(noisier * (1.0 + kNoiseRate * (std::min(surprise, kMostSurprise) - 1.0)),
                         1.0, kMostNoise);
  };
  if (measured.service && !measured.is_vague) {
    learn(noisier_.front(), *measured.service);
  }
  for (const Evidence& evidence : measured.others) {
    for (std::size_t i = 0; i < powers_.size(); ++i) {
      const std::size_t first = evidence.parts.front().quantity;
      if (first >= quantities_.idle(i, 0) && first < quantities_.idle(i + 1, 0)) {
        learn(noisier_[1 + i], evidence);
      }
    }
  }
}

void ResponseModel::learn_gaps(const StepInfo& info) {
  if (info.task.applications.empty() || queue_.is_closed_loop) {
    return;
  }
  const auto& rate_hz = info.task.applications[kManagedApplication].rate_hz;
  // A gap that began at another rate says nothing of this one.
  if (rate_hz && rate_hz == rate_hz_) {
    for (const double gap_ms : managed_service(info).gaps_ms) {
      gaps_.add(gap_ms * 1e-3 * *rate_hz);
    }
    pace_.note(static_cast<double>(managed_service(info).arrived), info.interval_s * *rate_hz,
               info.interval_s);
  }
  rate_hz_ = rate_hz;
}

void ResponseModel::learn_change_cost(const StepInfo& info, const Measured& measured) {
  const auto first = std::exchange(first_, std::nullopt);
  if (measured.first_ms && measured.is_vague) {
    first_ = First{*measured.before, measured.action, *measured.first_ms};
    return;
  }
  if (first && measured.service && !measured.is_vague && measured.action == first->action) {
    change_costs_.learn(first->before, first->action,
                        first->service_ms - std::exp(measured.service->value));
    return;
  }
  const auto& services_ms = managed_service(info).services_ms;
  if (!measured.service || measured.is_vague || !measured.is_new || !measured.before ||
      has_changed_ || outliers_ > 0 || services_ms.empty()) {
    return;
  }
  const double mean_ms =
      std::exp(believed().estimate(service_parts(measured.in_force).used()).mean);
  change_costs_.learn(*measured.before, measured.action, services_ms.front() - mean_ms);
}

void ResponseModel::observe(const StepInfo& info, ActionId action) {
  if (info.granted.size() != space_.knobs().size() || info.applications.empty()) {
    return;
  }
  ceilings_.note(info.granted, action);
  waiting_ = {.requests = managed_service(info).queued,
              .oldest_ms = managed_service(info).waited_ms};
  queueing_.pass_period();
  learn_gaps(info);
  const Measured measured = measure(info);
  learn_heat(info, measured);
  learn_noise(measured);
  recognise(measured);
  process_.note(belief_.passing_mean());
  learn_ratio(info, measured);
  learn_change_cost(info, measured);
}

void ResponseModel::forecast(const Situation& situation, double stretch,
                             std::vector<Forecast>& forecasts) {
  stretch_ = stretch;
  queue_.deadline_ms = situation.deadline_ms.value_or(std::numeric_limits<double>::infinity());
  queue_.gap_ms = situation.gap_ms();
  gap_now_ms_ = queue_.gap_ms / pace();
  queueing_.follow(queue_, ratio_, gaps_);
  expect_what_is_asked();
  forecasts.resize(size_);
  forecast_responses(forecasts);
  change_ms_.assign(size_, 0.0);
  if (last_) {
    change_costs_.from(*last_, change_ms_);
  }
  if (sufferers_.empty()) {
    sufferers_ = find_sufferers();
  }
  for (std::size_t place = 0; place < jumps_.size(); ++place) {
    const bool is_in_force = last_ && place_of_[*last_] == place;
    jumps_[place] = is_restless_
                        ? std::vector<ChangeProcess::Jump>()
                        : process_.jumps(slows_of(is_in_force ? *last_ : sufferers_[place]));
  }
  for (ActionId a = 0; a < size_; ++a) {
    Forecast& forecast = forecasts[a];
    forecast.miss = missed(a, forecast.log_service);
    forecast.change_ms = change_ms_[a];
    forecast.change_miss =
        forecast.change_ms > 0.0
            ? queueing_.missed_behind(forecast.log_service.mean + stretch, forecast.change_ms)
            : 0.0;
    forecast.heat_c.reset();
    if (situation.temperature_limit_c && heat_.knows()) {
      auto& heat_c = forecast.heat_c.emplace();
      for (std::size_t i = 0; i < heat_c.size(); ++i) {
        heat_c[i] = heat_c_with(a, forecast.power(powers_[heating_]).mean, i);
      }
    }
  }
}

Hope ResponseModel::hope(ActionId action, const Forecast& forecast, double optimism) {
  Hope hope;
  hope.miss = missed(
      action, hoped_for(forecast.log_service, service_noise(forecast.log_service.mean), optimism));
  for (const PowerSignal signal : powers_) {
    const Estimate& power_w = forecast.power(signal);
    hope.power_w[static_cast<std::size_t>(signal)] =
        hoped_for(power_w, square(options_.power_noise * power_w.mean), optimism);
  }
  for (std::size_t i = 0; forecast.heat_c && i < hope.heat_c.size(); ++i) {
    // What a trial tells of heat comes late: it is hoped for where nothing else helps.
    const double variance = (*forecast.heat_c)[i].variance;
    hope.heat_c[i] = {heat_c_with(action, hope.power(powers_[heating_]).mean, i).mean -
                          std::max(0.0, optimism - 1.0) * std::sqrt(variance),
                      variance};
  }
  return hope;
}

double ResponseModel::missed(ActionId action, const Estimate& log_service) {
  // Gauss-Hermite quadrature with three points, over what is not known of the mean.
  constexpr double kFar = 1.7320508;
  constexpr double kMiddle = 2.0 / 3.0;
  const double most = time_shares_[action] < 1.0 && !queue_.is_closed_loop
                          ? std::log(options_.starved_share * time_shares_[action] * queue_.gap_ms)
                          : std::numeric_limits<double>::infinity();
  const auto missed_at = [&](double log) {
    return log > most ? 1.0 : queueing_.missed(log + stretch_);
  };
  const double mean = log_service.mean;
  const double far = kFar * std::sqrt(std::max(0.0, log_service.variance));
  const double stays = kMiddle * missed_at(mean) +
                       0.5 * (1.0 - kMiddle) * (missed_at(mean - far) + missed_at(mean + far));
  double sum = stays;
  for (const auto& jump : jumps_[place_of_[action]]) {
    sum += jump.chance * (missed_at(mean + jump.log) - stays);
  }
  return sum;
}

Estimate ResponseModel::heat_c_with(ActionId action, double power_w, std::size_t horizon) const {
  return heat_.hottest(heat_of(ceilings_.granted(action).nearest(), power_w, busy_[action]),
                       horizon);
}

ActionId ResponseModel::middle() const {
  std::vector<ActionId> order(size_);
  std::iota(order.begin(), order.end(), ActionId{0});
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(size_ / 2);
  std::ranges::nth_element(order, middle, {}, [this](ActionId action) {
    return prior_->factors.offset[quantities_.service(action)];
  });
  return *middle;
}

void ResponseModel::expect_what_is_asked() {
  if (!middle_) {
    middle_ = middle();
  }
  const std::size_t service = quantities_.service(*middle_);
  const double asked_ms =
      queue_.is_closed_loop ? queue_.deadline_ms : std::min(queue_.deadline_ms, queue_.gap_ms);
  if (belief_.estimate(service).variance > square(kNoIdea) && std::isfinite(asked_ms)) {
    belief_.update({{{service, 1.0}}, std::log(kUsualShare * asked_ms), square(kUsualSpread)});
  }
}

double ResponseModel::service_noise(double log_service) const {
  const double apart_ms =
      std::max(queue_.is_closed_loop ? 0.0 : queue_.gap_ms, std::exp(log_service));
  const double requests = std::max(1.0, 1e3 * period_s_ / apart_ms);
  return ratio_.variance() / requests + square(options_.service_noise);
}

std::vector<ActionId> ResponseModel::find_sufferers() const {
  std::vector<ActionId> sufferers(jumps_.size());
  std::vector<double> most(jumps_.size(), -1.0);
  for (ActionId a = 0; a < size_; ++a) {
    const auto slows = slows_of(a);
    const double suffers = std::inner_product(slows.begin(), slows.end(), slows.begin(), 0.0);
    if (suffers > most[place_of_[a]]) {
      most[place_of_[a]] = suffers;
      sufferers[place_of_[a]] = a;
    }
  }
  return sufferers;
}

std::span<const double> ResponseModel::slows_of(ActionId action) const {
  return prior_->factors.row(quantities_.service(action)).subspan(prior_->factors.lasting);
}

double ResponseModel::busy(double log_service) const {
  // In a closed loop there is always a request.
  return queue_.is_closed_loop ? 1.0 : std::min(1.0, std::exp(log_service) / gap_now_ms_);
}

void ResponseModel::forecast_responses(std::vector<Forecast>& forecasts) {
  const auto watts = [&](std::size_t power, const Estimate& estimate) {
    const double scale_w = scales_w_[power].value_or(1.0);
    return Estimate{estimate.mean * scale_w, estimate.variance * square(scale_w)};
  };
  busy_.resize(size_);
  estimates_.resize(size_);
  believed().estimate_each(*columns_, quantities_.service(0), estimates_);
  for (ActionId a = 0; a < size_; ++a) {
    forecasts[a].log_service = estimates_[a];
    busy_[a] = busy(estimates_[a].mean);
  }
  for (std::size_t i = 0; i < powers_.size(); ++i) {
    believed().estimate_each(*columns_, quantities_.idle(i, 0), quantities_.serving(i, 0), busy_,
                             estimates_);
    for (ActionId a = 0; a < size_; ++a) {
      forecasts[a].power_w[static_cast<std::size_t>(powers_[i])] = watts(i, estimates_[a]);
    }
  }
  // What is held down is as what it is held down to, which comes before it.
  for (ActionId a = 0; ceilings_.has_any() && a < size_; ++a) {
    const Mixture then = ceilings_.granted(a);
    const ActionId same = then.share > 0.0 ? then.upper : then.lower;
    Forecast& forecast = forecasts[a];
    if (same != a) {
      forecast.log_service = forecasts[same].log_service;
      forecast.power_w = forecasts[same].power_w;
      busy_[a] = busy_[same];
    } else if (then.share > 0.0) {
      forecast.log_service = believed().estimate(service_parts(then).used());
      busy_[a] = busy(forecast.log_service.mean);
      for (std::size_t i = 0; i < powers_.size(); ++i) {
        forecast.power_w[static_cast<std::size_t>(powers_[i])] =
            watts(i, believed().estimate(power_parts(i, then, busy_[a]).used()));
      }
    }
  }
}

HeatModel::Inputs ResponseModel::heat_of(ActionId action, double power, double busy) const {
  return {std::max(0.0, power), drawn_[action] * busy};
}

void ResponseModel::learn_heat(const StepInfo& info, const Measured& measured) {
  if (zones_.empty()) {
    return;
  }
  std::vector<std::optional<double>> temperatures_c;
  for (const std::size_t signal : zones_) {
    temperatures_c.push_back(info.reading(signal));
  }
  const double busy =
      std::clamp(managed_service(info).busy_ms * 1e-3 / std::max(info.interval_s, 1e-6), 0.0, 1.0);
  const auto power_w = reader_.value(info, powers_[heating_]);
  const double expected =
      belief_.estimate(power_parts(heating_, measured.in_force, busy).used()).mean *
      scales_w_[heating_].value_or(1.0);
  heat_.observe(temperatures_c, heat_of(measured.action, power_w.value_or(expected), busy),
                info.interval_s);
}

void ResponseModel::look_ahead(const Situation& situation, const Forecast& settled) {
  queueing_.look_ahead(settled.log_service.mean + stretch_, situation.rate_hz * period_s_);
}

double ResponseModel::excess(const Forecast& forecast) {
  return queueing_.excess(forecast.log_service.mean + stretch_, waiting_, forecast.change_ms);
}

void ResponseModel::archive(Archive& archive) {
  archive.section("factors", [this](Archive& factors) {
    prior_->factors.archive(factors, quantities_.size());
  });
  archive.section("power_scales_w", [this](Archive& scales_w) {
    for (std::size_t i = 0; i < powers_.size(); ++i) {
      scales_w.number(std::string(name_of(powers_[i])), scales_w_[i], Range::positive());
    }
  });
  const std::size_t passing = prior_->factors.passing;
  archive.list("conditions", prior_->conditions, [passing](Archive& each, Condition& condition) {
    each.numbers("mean", condition.mean, passing);
    each.count("kept", condition.kept, passing);
  });
  archive.number("condition_variance", prior_->condition_variance, Range::positive());
  if (archive.is_reading()) {
    belief_ = loose_ = Belief(prior_->factors);
    columns_ = std::make_shared<FactorColumns>(prior_->factors);
  }
  archive.part("belief", belief_);
  archive.part("ratio", ratio_);
  archive.numbers("doubtful", doubtful_);
  archive.list("known", known_, [passing](Archive& each, Belief::Passing& known) {
    each.numbers("mean", known.mean, passing);
    each.numbers("covariance", known.covariance, passing * passing);
  });
  archive.part("change_costs", change_costs_);
  archive.count("changes", changes_);
}

}  // namespace rein
