#include "platform/simulated/simulated_board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/error.hpp"

namespace rein {

namespace {

/// Leakage depends on heat, so that heat is reckoned at least so often.
constexpr Duration kLongestStep = std::chrono::seconds(1);

/// A request is over then, whatever holds it up.
constexpr Duration kLongestRequest = std::chrono::hours(1);

/// At this temperature leakage_w is given.
constexpr double kLeakageGivenAtC = 25.0;

/// Beyond it leakage does not rise any more: a runaway has an end, if only that of the silicon.
constexpr double kHottestC = 200.0;

/// Rounds at which leakage and heat agree, at rest.
constexpr int kRestRounds = 50;

/// What a profile takes of this board.
Pressure pressure_of(const SimulatedModel& model, const ContentionProfile& profile) {
  Pressure pressure{.threads = std::vector<double>(model.devices.size()),
                    .gpu = model.gpu ? profile.gpu : 0.0,
                    .memory = profile.memory};
  for (const auto& [cluster, load] : profile.cpu) {
    for (std::size_t d = 0; d < model.devices.size(); ++d) {
      const bool is_meant = cluster == "all" || cluster == model.devices[d].spec.domain ||
                            (cluster == "fastest" && model.is_fastest[d]) ||
                            (cluster == "slowest" && model.is_slowest[d]);
      if (is_meant) {
        pressure.threads[d] += load * static_cast<double>(model.devices[d].cpus.size());
      }
    }
  }
  return pressure;
}

}  // namespace

SimulatedBoard::SimulatedBoard(const Board& board)
    : model_(std::make_shared<const SimulatedModel>(board)),
      domains_(model_->devices.size()),
      throttles_(model_->throttles.size()),
      speeds_(model_->devices.size(), 1.0),
      cpus_(model_->num_cpus),
      stages_(model_->stages.size()),
      power_w_(model_->devices.size()),
      rail_energy_j_(model_->rails.size()) {
  pressure_.threads.resize(model_->devices.size());
  reset();
}

void SimulatedBoard::reset() {
  now_ = reckoned_ = TimePoint{};
  working_s_ = 0.0;
  active_.clear();
  sum_pressure();
  ambient_c_ = model_->ambient_c;
  place_ = 0;
  moving_s_ = 0.0;
  quota_cpus_ = static_cast<double>(model_->num_cpus);
  quota_period_ = 0;
  quota_used_s_ = 0.0;
  std::ranges::fill(cpus_, Cpu{});
  std::ranges::fill(domains_, Domain{});
  is_load_stale_ = true;
  rest();
  for (std::size_t d = 0; d < domains_.size(); ++d) {
    const std::size_t top = model_->devices[d].opps.size() - 1;
    domains_[d] = {.wanted = top, .in_force = top, .clock = top, .voltage = top};
  }
  for (std::size_t i = 0; i < throttles_.size(); ++i) {
    const auto& throttle = model_->throttles[i];
    throttles_[i] = {.cap = model_->devices[throttle.domain].opps.size() - 1,
                     .due = now_ + throttle.polling};
  }
  is_load_stale_ = true;
  std::ranges::fill(rail_energy_j_, 0.0);
  energy_j_ = gpu_busy_s_ = crowded_s_ = 0.0;
  next_step_ = now_ + kLongestStep;
  schedule();
}

void SimulatedBoard::rest() {
  std::ranges::fill(stages_, Stage{});
  for (int round = 0; round < kRestRounds; ++round) {
    const double total_w = set_power(/*working_share=*/0.0);
    for (std::size_t i = 0; i < stages_.size(); ++i) {
      stages_[i].rise_k = model_->stages[i].resistance_k_per_w * stage_power_w(i, total_w);
    }
  }
}

void SimulatedBoard::set_opp(std::size_t domain, std::size_t opp) {
  Domain& state = domains_[domain];
  if (opp == state.wanted) {
    return;
  }
  const auto& device = model_->devices[domain];
  change();
  state.wanted = opp;
  state.due = now_ + (opp > state.in_force ? device.raise : device.lower);
  if (opp == state.in_force) {
    state.due = TimePoint::max();
  } else if (state.due == now_) {
    state.in_force = opp;
    state.due = TimePoint::max();
    limit(domain);
  }
  schedule();
}

void SimulatedBoard::set_place(std::size_t place) {
  if (place != place_) {
    change();
    place_ = place;
    moving_s_ = model_->migration_s;
  }
}

void SimulatedBoard::set_quota(double cpus) {
  if (cpus != quota_cpus_) {
    quota_end();  // What was used of the present period stays used.
    quota_cpus_ = cpus;
  }
}

void SimulatedBoard::set_ambient(std::optional<double> celsius) {
  change();
  ambient_c_ = celsius.value_or(model_->ambient_c);
}

void SimulatedBoard::start(std::size_t id, const ContentionProfile& profile) {
  change();
  Active active{.id = id,
                .pressure = pressure_of(*model_, profile),
                .on = from_milliseconds(profile.on_ms),
                .off = from_milliseconds(profile.off_ms)};
  if (active.off > Duration::zero()) {
    active.due = now_ + active.on;
  }
  active_.push_back(std::move(active));
  sum_pressure();
  schedule();
}

void SimulatedBoard::stop(std::size_t id) {
  change();
  std::erase_if(active_, [id](const Active& active) { return active.id == id; });
  sum_pressure();
  schedule();
}

void SimulatedBoard::sum_pressure() {
  pressure_.threads.assign(domains_.size(), 0.0);
  pressure_.gpu = pressure_.memory = 0.0;
  for (const auto& active : active_) {
    if (active.is_on) {
      for (std::size_t d = 0; d < domains_.size(); ++d) {
        pressure_.threads[d] += active.pressure.threads[d];
      }
      pressure_.gpu += active.pressure.gpu;
      pressure_.memory = std::min(1.0, pressure_.memory + active.pressure.memory);
    }
  }
}

std::size_t SimulatedBoard::find_kind(const std::string& name) const {
  const auto found = std::ranges::find(model_->kinds, name);
  if (found == model_->kinds.end()) {
    throw Error(fmt::format("expected a kind of work that the board simulates ({}), found '{}'",
                            fmt::join(model_->kinds, ", "), name));
  }
  return static_cast<std::size_t>(found - model_->kinds.begin());
}

bool SimulatedBoard::can_do(std::size_t kind, std::size_t place) const {
  const auto& where = model_->places[place];
  if (where.gpu) {
    return model_->devices[*where.gpu].kinds[kind].is_known;
  }
  return std::ranges::all_of(where.shares, [&](const SimulatedModel::Share& share) {
    return model_->devices[share.domain].kinds[kind].is_known;
  });
}

void SimulatedBoard::set_work(const Work& work) {
  change();
  work_ = work;
}

double SimulatedBoard::latency_s() { return load().latency_s; }

void SimulatedBoard::execute(double factor, double extra_s) {
  extra_s += std::exchange(moving_s_, 0.0);
  const TimePoint latest = now_ + kLongestRequest;
  double left = 1.0;  // Of the request.
  while (now_ < latest) {
    const double whole_s = load().latency_s * factor + extra_s;
    const TimePoint end = std::min(latest, now_ + from_seconds(left * whole_s));
    const TimePoint stop = std::min(next_event_, quota_end());
    if (end <= stop) {
      pass(end - now_, /*working=*/true);
      return;
    }
    left -= to_seconds(stop - now_) / whole_s;
    pass(stop - now_, /*working=*/true);
    if (now_ < next_event_) {
      idle_until(quota_period_end());
    } else {
      handle_events();
    }
  }
}

void SimulatedBoard::idle_until(TimePoint moment) {
  while (next_event_ <= moment) {
    pass(next_event_ - now_, /*working=*/false);
    handle_events();
  }
  pass(std::max(Duration::zero(), moment - now_), /*working=*/false);
}

void SimulatedBoard::pass(Duration time, bool working) {
  now_ += time;
  if (working) {
    working_s_ += to_seconds(time);
    quota_used_s_ += to_seconds(time) * load_.cpu_rate;
  }
}

TimePoint SimulatedBoard::quota_end() {
  if (quota_cpus_ >= static_cast<double>(model_->num_cpus)) {
    return TimePoint::max();
  }
  const std::int64_t period = now_.time_since_epoch() / model_->quota_period;
  if (period != quota_period_) {
    quota_period_ = period;
    quota_used_s_ = 0.0;
  }
  // What is used up no faster than it is given never runs out.
  if (load().cpu_rate <= quota_cpus_) {
    return TimePoint::max();
  }
  const double left_s = quota_cpus_ * to_seconds(model_->quota_period) - quota_used_s_;
  // Less than a nanosecond is nothing.
  const Duration left = from_seconds(std::max(0.0, left_s) / load_.cpu_rate);
  return std::min(now_ + left, quota_period_end());
}

TimePoint SimulatedBoard::quota_period_end() const {
  return TimePoint{} + (quota_period_ + 1) * model_->quota_period;
}

void SimulatedBoard::change() {
  update();
  is_load_stale_ = true;
}

const SimulatedLoad& SimulatedBoard::load() {
  if (is_load_stale_) {
    for (std::size_t d = 0; d < domains_.size(); ++d) {
      speeds_[d] = model_->devices[d].opps[domains_[d].clock].speed;
    }
    load_.update(*model_, model_->places[place_], work_, speeds_, pressure_);
    is_load_stale_ = false;
  }
  return load_;
}

void SimulatedBoard::update() {
  const double seconds = to_seconds(now_ - reckoned_);
  if (seconds == 0.0) {
    return;
  }
  const double share = std::min(1.0, working_s_ / seconds);
  const double total_w = set_power(share);
  energy_j_ += total_w * seconds;
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    const auto& cpu = load_.cpus[i];
    cpus_[i].ours_s += cpu.ours * share * seconds;
    cpus_[i].others_s +=
        (cpu.others_working * share + cpu.others_waiting * (1.0 - share)) * seconds;
  }
  gpu_busy_s_ += (load_.gpu_working * share + load_.gpu_waiting * (1.0 - share)) * seconds;
  crowded_s_ +=
      ((load_.is_crowded_working ? share : 0.0) + (load_.is_crowded_waiting ? 1.0 - share : 0.0)) *
      seconds;
  for (std::size_t i = 0; i < rail_energy_j_.size(); ++i) {
    rail_energy_j_[i] += rail_power_w(i) * seconds;
  }
  heat(seconds, total_w);
  reckoned_ = now_;
  working_s_ = 0.0;
}

double SimulatedBoard::set_power(double working_share) {
  const auto& busy = load().devices;
  for (std::size_t d = 0; d < domains_.size(); ++d) {
    const auto& [spec, zone, opps, cpus, kinds, raise, lower] = model_->devices[d];
    const double volts = opps[domains_[d].voltage].volts;
    const double units = busy[d].working * working_share + busy[d].waiting * (1.0 - working_share);
    power_w_[d] =
        (spec.dynamic_w * units + spec.idle_w) * opps[domains_[d].clock].speed * volts * volts;
    if (spec.leakage_w > 0.0) {
      const double rise_k = std::min(zone_c(zone), kHottestC) - kLeakageGivenAtC;
      power_w_[d] += spec.leakage_w * volts * std::exp(spec.leakage_per_k * rise_k);
    }
  }
  double total_w = 0.0;
  for (std::size_t i = 0; i < model_->rails.size(); ++i) {
    total_w += model_->rails[i].is_in_total ? rail_power_w(i) : 0.0;
  }
  return total_w;
}

double SimulatedBoard::rail_power_w(std::size_t rail) const {
  const auto& spec = model_->rails[rail];
  double devices_w = 0.0;
  for (const std::size_t d : spec.devices) {
    devices_w += power_w_[d];
  }
  return spec.base_w + spec.factor * devices_w;
}

double SimulatedBoard::stage_power_w(std::size_t stage, double total_w) const {
  const auto& devices = model_->stages[stage].devices;
  double sum_w = devices.empty() ? total_w : 0.0;
  for (const std::size_t d : devices) {
    sum_w += power_w_[d];
  }
  return sum_w;
}

void SimulatedBoard::heat(double seconds, double total_w) {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const auto& spec = model_->stages[i];
    Stage& stage = stages_[i];
    if (stage.seconds != seconds) {
      stage.seconds = seconds;
      stage.decay = std::exp(-seconds / spec.time_constant_s);
    }
    const double goal_k = spec.resistance_k_per_w * stage_power_w(i, total_w);
    stage.rise_k = goal_k + (stage.rise_k - goal_k) * stage.decay;
  }
}

void SimulatedBoard::handle_events() {
  update();
  for (std::size_t d = 0; d < domains_.size(); ++d) {
    if (domains_[d].due <= now_) {
      domains_[d].in_force = domains_[d].wanted;
      domains_[d].due = TimePoint::max();
      limit(d);
    }
  }
  for (std::size_t i = 0; i < throttles_.size(); ++i) {
    if (throttles_[i].due <= now_) {
      throttles_[i].due += model_->throttles[i].polling;
      poll(i);
    }
  }
  for (auto& active : active_) {
    if (active.due <= now_) {
      active.is_on = !active.is_on;
      active.due += active.is_on ? active.on : active.off;
      sum_pressure();
      is_load_stale_ = true;
    }
  }
  next_step_ = now_ + kLongestStep;
  schedule();
}

void SimulatedBoard::schedule() {
  next_event_ = next_step_;
  for (const auto& domain : domains_) {
    next_event_ = std::min(next_event_, domain.due);
  }
  for (const auto& throttle : throttles_) {
    next_event_ = std::min(next_event_, throttle.due);
  }
  for (const auto& active : active_) {
    next_event_ = std::min(next_event_, active.due);
  }
}

void SimulatedBoard::poll(std::size_t index) {
  const auto& spec = model_->throttles[index];
  const std::size_t top = model_->devices[spec.domain].opps.size() - 1;
  Throttle& throttle = throttles_[index];
  const double celsius = zone_c(spec.zone);
  if (celsius >= spec.trip_c) {
    throttle.cap = std::max(spec.floor, throttle.cap - std::min(throttle.cap, spec.step));
  } else if (celsius < spec.release_c) {
    throttle.cap = std::min(top, throttle.cap + spec.step);
  }
  limit(spec.domain);
}

void SimulatedBoard::limit(std::size_t domain) {
  Domain& state = domains_[domain];
  const std::size_t before = state.clock;
  state.clock = state.voltage = state.in_force;
  for (std::size_t i = 0; i < throttles_.size(); ++i) {
    const auto& spec = model_->throttles[i];
    if (spec.domain == domain) {
      state.clock = std::min(state.clock, throttles_[i].cap);
      state.voltage =
          spec.keeps_voltage ? state.voltage : std::min(state.voltage, throttles_[i].cap);
    }
  }
  is_load_stale_ |= state.clock != before;
}

double SimulatedBoard::zone_c(std::size_t zone) const {
  double celsius = ambient_c_ + model_->zones[zone].offset_k;
  for (std::size_t i = model_->zones[zone].begin; i < model_->zones[zone].end; ++i) {
    celsius += stages_[i].rise_k;
  }
  return celsius;
}

double SimulatedBoard::hottest_c() const {
  std::optional<double> hottest;
  for (std::size_t i = 0; i < model_->zones.size(); ++i) {
    if (model_->zones[i].is_heat) {
      hottest = std::max(hottest.value_or(zone_c(i)), zone_c(i));
    }
  }
  return hottest.value_or(zone_c(0));
}

TimePoint SimulatedBoard::next_pulse() const {
  TimePoint next = TimePoint::max();
  for (const auto& active : active_) {
    next = std::min(next, active.due);
  }
  return next;
}

double SimulatedBoard::frequency_mhz(std::size_t domain) const {
  return model_->devices[domain].opps[domains_[domain].clock].mhz;
}

double SimulatedBoard::throttle_share(std::size_t throttle) const {
  const auto& spec = model_->throttles[throttle];
  const std::size_t top = model_->devices[spec.domain].opps.size() - 1;
  return spec.floor == top ? 0.0
                           : static_cast<double>(top - throttles_[throttle].cap) /
                                 static_cast<double>(top - spec.floor);
}

}  // namespace rein
