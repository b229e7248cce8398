#include "platform/simulated/simulated_platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/error.hpp"

namespace rein {

namespace {

constexpr const char* kSource = "simulated";

/// Less than what any kernel counts CPU time in is no tick at all.
constexpr double kLeastTickS = 1e-6;

template <typename Item>
std::size_t index_of(const std::vector<Item>& items, const std::string& name,
                     const std::string& what) {
  const auto found = std::ranges::find(items, name, &Item::name);
  if (found == items.end()) {
    std::vector<std::string> names;
    std::ranges::transform(items, std::back_inserter(names), &Item::name);
    throw Error(fmt::format("expected {} ({}), found '{}'", what, fmt::join(names, ", "), name));
  }
  return static_cast<std::size_t>(found - items.begin());
}

/// The nearest multiple.
double rounded(double value, double resolution) {
  constexpr double kMostSteps = 1e15;
  const double steps = value / resolution;
  if (resolution <= 0.0 || !(std::abs(steps) < kMostSteps)) {
    return value;
  }
  // By way of an integer: without a call.
  return static_cast<double>(static_cast<std::int64_t>(steps + (steps < 0.0 ? -0.5 : 0.5))) *
         resolution;
}

/// The level whose value is nearest to `value`.
std::size_t nearest(const Control& control, double value) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < control.levels.size(); ++i) {
    if (std::abs(control.levels[i].value - value) < std::abs(control.levels[best].value - value)) {
      best = i;
    }
  }
  return best;
}

}  // namespace

SimulatedPlatform::SimulatedPlatform(const Board& board, SimulatedBoard& simulated,
                                     const SimulatedPlatformOptions& options)
    : board_(simulated),
      num_cpus_(board.cpus.size()),
      num_domains_(board.domains.size()),
      tick_s_(board.simulation->cpu_tick_ms / 1e3),
      ours_before_s_(num_cpus_),
      others_before_s_(num_cpus_),
      power_model_(board.power_model) {
  add_mapping(board, options);
  for (const auto& domain : options.frequencies) {
    add_frequency(board, domain);
  }
  if (options.bandwidth && board.bandwidth) {
    add_bandwidth(*board.bandwidth);
  }
  grants_.resize(controls_.size());

  add_cpu_signals(board);
  for (const auto& domain : board.domains) {
    signals_.push_back(make_signal("frequency_mhz", domain.name, kSource));
  }
  for (const auto& sensor : board.simulation->sensors) {
    add_sensor(sensor, *board.simulation);
  }
  choose_heat(board);
  add_power(board);
  telemetry_.readings.resize(signals_.size());
  begin();
}

void SimulatedPlatform::add_mapping(const Board& board, const SimulatedPlatformOptions& options) {
  std::vector<std::string> names = options.places;
  if (names.empty()) {
    std::ranges::transform(board.places, std::back_inserter(names), &Place::name);
  }
  std::vector<Place> places;
  for (const auto& name : names) {
    places_.push_back(index_of(board.places, name, "a place of the board " + board.name));
    places.push_back(board.places[places_.back()]);
  }
  controls_.push_back(mapping_control(options.application, std::move(places)));
}

void SimulatedPlatform::add_frequency(const Board& board, const DomainSpec& wanted) {
  const std::size_t domain =
      index_of(board.domains, wanted.name, "a domain of the board " + board.name);
  const auto& all = board.domains[domain].opps_mhz;
  Clocks clocks{.domain = domain, .opps = {}};
  Control control{.kind = Control::Kind::kFrequency,
                  .name = control_name(Control::Kind::kFrequency, wanted.name),
                  .unit = "MHz",
                  .levels = {},
                  .cpus = board.domains[domain].cpus};
  for (const double mhz : wanted.opps_mhz) {
    const auto opp = std::ranges::find(all, mhz);
    if (opp == all.end()) {
      throw Error(fmt::format("{}: expected operating points of the board ({} MHz), found {}",
                              control.name, fmt::join(all, ", "), mhz));
    }
    clocks.opps.push_back(static_cast<std::size_t>(opp - all.begin()));
    control.levels.push_back({fmt::format("{}MHz", mhz), mhz});
  }
  clocks_.push_back(std::move(clocks));
  controls_.push_back(std::move(control));
}

void SimulatedPlatform::add_bandwidth(const BandwidthSpec& spec) {
  Control control{.kind = Control::Kind::kBandwidth,
                  .name = control_name(Control::Kind::kBandwidth, spec.name),
                  .unit = "CPUs",
                  .levels = {}};
  for (const double cpus : spec.levels_cpus) {
    control.levels.push_back({fmt::format("{}cpu", cpus), cpus});
  }
  controls_.push_back(std::move(control));
  has_bandwidth_ = true;
}

void SimulatedPlatform::add_cpu_signals(const Board& board) {
  for (const char* kind : {"ours", "others", "steal"}) {
    for (const int cpu : board.cpus) {
      signals_.push_back(
          make_signal(fmt::format("cpu_{}_share", kind), fmt::format("cpu{}", cpu), kSource));
    }
  }
}

void SimulatedPlatform::add_sensor(const SimulatedSensor& spec, const Simulation& simulation) {
  Sensor sensor{.period = from_milliseconds(spec.period_ms),
                .lag_s = spec.lag_ms / 1e3,
                .resolution = spec.resolution,
                .noise = spec.noise};
  const Quantity& quantity = quantity_of(spec.signal);
  const std::string name(name_behind_dot(spec.signal));
  sensor.shows = spec.silent ? Simulated::kNothing : quantity.simulated;
  sensor.min = quantity.min;
  switch (sensor.shows) {
    case Simulated::kRail:
      sensor.source = index_of(simulation.rails, name, "a rail");
      break;
    case Simulated::kZone:
      sensor.source = index_of(simulation.zones, name, "a zone");
      break;
    case Simulated::kThrottle:
      sensor.source = index_of(simulation.throttles, name, "a throttle");
      break;
    case Simulated::kNothing:
    case Simulated::kGpu:
    case Simulated::kCrowd:
    case Simulated::kZero:
      break;
  }
  sensors_.push_back(sensor);
  signals_.push_back(make_signal(quantity.name, name, kSource));
}

void SimulatedPlatform::choose_heat(const Board& board) {
  std::vector<std::size_t> temperatures;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (quantity_of(signals_[i].name).sight.of == Sight::Of::kHeat) {
      temperatures.push_back(i);
      names.emplace_back(name_behind_dot(signals_[i].name));
    }
  }
  const auto counts = rein::choose_heat(board, names);
  for (std::size_t i = 0; i < temperatures.size(); ++i) {
    signals_[temperatures[i]].is_heat = counts[i];
  }
}

void SimulatedPlatform::add_power(const Board& board) {
  for (const auto& rail : board.total_power) {
    const auto part = std::ranges::find(signals_, "power_w." + rail, &Signal::name);
    if (part != signals_.end()) {
      total_parts_.push_back(static_cast<std::size_t>(part - signals_.begin()));
    }
  }
  if (total_parts_.size() != board.total_power.size()) {
    total_parts_.clear();
  }
  if (!total_parts_.empty()) {
    signals_.push_back(make_signal("power_w", "", kSource));
  }
  has_estimate_ = power_model_.cpu_w > 0.0;
  has_estimated_total_ = has_estimate_ && total_parts_.empty();
  const std::string model = fmt::format("model: {} W a busy CPU", power_model_.cpu_w);
  if (has_estimate_) {
    signals_.push_back(make_signal("power_ours_w", "", model, /*estimated=*/true));
  }
  if (has_estimated_total_) {
    signals_.push_back(make_signal("power_w", "",
                                   fmt::format("{} and {} W idle", model, power_model_.idle_w),
                                   /*estimated=*/true));
  }
}

void SimulatedPlatform::reset(std::uint64_t seed) {
  random_ = Random(seed);
  board_.reset();
  begin();
}

void SimulatedPlatform::begin() {
  sampled_ = board_.now();
  in_force_.assign(controls_.size(), 0);
  std::ranges::fill(grants_, Grant{});
  std::ranges::fill(ours_before_s_, 0.0);
  std::ranges::fill(others_before_s_, 0.0);
  for (auto& sensor : sensors_) {
    sensor.before = sensor.smooth = sensor.value = 0.0;
    sensor.is_smooth = false;
    sensor.period_index = -1;
  }
}

void SimulatedPlatform::apply(const Configuration& configuration, SimulatedBoard& board) const {
  board.set_place(places_[configuration[0]]);
  for (std::size_t i = 0; i < clocks_.size(); ++i) {
    board.set_opp(clocks_[i].domain, clocks_[i].opps[configuration[i + 1]]);
  }
  if (has_bandwidth_) {
    board.set_quota(controls_.back().levels[configuration.back()].value);
  }
}

const std::vector<Grant>& SimulatedPlatform::apply(const Configuration& configuration) {
  check(configuration, controls_);
  apply(configuration, board_);
  in_force_ = configuration;
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    grants_[i] = {.level = configuration[i], .value = std::nullopt};
  }
  return grants_;
}

const std::vector<Grant>& SimulatedPlatform::grants() {
  board_.update();
  for (std::size_t i = 0; i < grants_.size(); ++i) {
    Grant& grant = grants_[i];
    const double asked = controls_[i].levels[in_force_[i]].value;
    const bool is_clock = i >= 1 && i <= clocks_.size();
    grant.value = is_clock ? board_.frequency_mhz(clocks_[i - 1].domain) : asked;
    grant.level = *grant.value == asked ? in_force_[i] : nearest(controls_[i], *grant.value);
  }
  return grants_;
}

const Telemetry& SimulatedPlatform::sample() {
  board_.update();
  telemetry_.interval = board_.now() - sampled_;
  sampled_ = board_.now();
  const double seconds = to_seconds(telemetry_.interval);
  sample_cpus(seconds);
  auto reading = telemetry_.readings.begin() + static_cast<std::ptrdiff_t>(3 * num_cpus_);
  for (std::size_t i = 0; i < num_domains_; ++i, ++reading) {
    *reading = {.value = board_.frequency_mhz(i), .valid = true};
  }
  for (auto& sensor : sensors_) {
    *reading++ = measure(sensor, seconds);
  }
  sample_power();
  return telemetry_;
}

void SimulatedPlatform::sample_cpus(double seconds) {
  Reading* ours = telemetry_.readings.data();
  Reading* others = ours + num_cpus_;
  Reading* steal = others + num_cpus_;
  // Nothing can be said of no time at all.
  const bool valid = seconds > 0.0;
  for (std::size_t i = 0; i < num_cpus_; ++i) {
    const double ours_s = board_.cpu_ours_s(i);
    double others_s = board_.cpu_others_s(i);
    if (tick_s_ > kLeastTickS) {
      others_s = static_cast<double>(static_cast<std::int64_t>(others_s / tick_s_)) * tick_s_;
    }
    ours[i] = {.value = valid ? (ours_s - ours_before_s_[i]) / seconds : 0.0, .valid = valid};
    others[i] = {.value = valid ? std::min(1.0, (others_s - others_before_s_[i]) / seconds) : 0.0,
                 .valid = valid};
    steal[i] = {.value = 0.0, .valid = valid};
    ours_before_s_[i] = ours_s;
    others_before_s_[i] = others_s;
  }
}

double SimulatedPlatform::truth(Sensor& sensor, double seconds) const {
  double sum = 0.0;
  switch (sensor.shows) {
    case Simulated::kZone:
      return board_.zone_c(sensor.source);
    case Simulated::kThrottle:
      return board_.throttle_share(sensor.source);
    case Simulated::kNothing:
    case Simulated::kZero:
      return 0.0;
    case Simulated::kRail:
      sum = board_.rail_energy_j(sensor.source);
      break;
    case Simulated::kGpu:
      sum = board_.gpu_busy_s();
      break;
    case Simulated::kCrowd:
      sum = board_.crowded_s();
      break;
  }
  const double mean = seconds > 0.0 ? (sum - sensor.before) / seconds : 0.0;
  sensor.before = sum;
  return mean;
}

Reading SimulatedPlatform::measure(Sensor& sensor, double seconds) {
  const double now = truth(sensor, seconds);
  const bool is_rate = sensor.shows == Simulated::kRail || sensor.shows == Simulated::kGpu ||
                       sensor.shows == Simulated::kCrowd;
  if (sensor.shows == Simulated::kNothing || (is_rate && seconds <= 0.0)) {
    return {};
  }
  if (sensor.lag_s > 0.0 && sensor.is_smooth) {
    sensor.smooth += (now - sensor.smooth) * -std::expm1(-seconds / sensor.lag_s);
  } else {
    sensor.smooth = now;
    sensor.is_smooth = true;
  }
  Reading reading{.valid = true};
  bool is_due = true;
  if (sensor.period > Duration::zero()) {
    const std::int64_t index = sampled_.time_since_epoch() / sensor.period;
    is_due = index != sensor.period_index;
    sensor.period_index = index;
    reading.age = sampled_.time_since_epoch() - index * sensor.period;
    reading.stale = reading.age > telemetry_.interval;
  }
  if (is_due) {
    const double noise = sensor.noise > 0.0 ? sensor.noise * random_.bell() : 0.0;
    sensor.value = std::max(sensor.min, rounded(sensor.smooth + noise, sensor.resolution));
  }
  reading.value = sensor.value;
  return reading;
}

void SimulatedPlatform::sample_power() {
  auto& readings = telemetry_.readings;
  const std::size_t estimates = (has_estimate_ ? 1 : 0) + (has_estimated_total_ ? 1 : 0);
  if (!total_parts_.empty()) {
    Reading total{.valid = true};
    for (const std::size_t part : total_parts_) {
      total.value += readings[part].value;
      total.valid = total.valid && readings[part].valid;
      total.age = std::max(total.age, readings[part].age);
      total.stale = total.stale || readings[part].stale;
    }
    readings[readings.size() - 1 - estimates] = total;
  }
  if (has_estimate_) {
    double ours_cpus = 0.0;
    double busy_cpus = 0.0;
    for (std::size_t i = 0; i < num_cpus_; ++i) {
      ours_cpus += readings[i].value;
      busy_cpus += readings[i].value + readings[i + num_cpus_].value;
    }
    const bool valid = readings.front().valid;
    readings[readings.size() - estimates] = {.value = ours_cpus * power_model_.cpu_w,
                                             .valid = valid};
    if (has_estimated_total_) {
      readings.back() = {.value = power_model_.idle_w + busy_cpus * power_model_.cpu_w,
                         .valid = valid};
    }
  }
}

}  // namespace rein
