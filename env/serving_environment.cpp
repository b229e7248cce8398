#include "env/serving_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace rein {

namespace {

// Periods without a temperature before that is told, and told again.
constexpr int kLeastBlindPatience = 2;
constexpr int kMaxBlindPatience = 64;

Knob::Kind kind_of(Control::Kind kind) {
  switch (kind) {
    case Control::Kind::kMapping:
      break;
    case Control::Kind::kFrequency:
      return Knob::Kind::kFrequency;
    case Control::Kind::kBandwidth:
      return Knob::Kind::kBandwidth;
  }
  return Knob::Kind::kMapping;
}

std::vector<Knob> make_knobs(const std::string& application, const RequestWorker& worker,
                             const Platform& platform) {
  Knob width{.name = "width." + application, .unit = "1", .kind = Knob::Kind::kWidth, .levels = {}};
  for (const auto& level : worker.levels()) {
    width.levels.push_back({level.name, level.width});
  }
  std::vector<Knob> knobs{std::move(width)};
  for (const auto& control : platform.controls()) {
    Knob knob{.name = control.name,
              .unit = control.unit,
              .kind = kind_of(control.kind),
              .levels = {},
              .cpus = control.cpus};
    for (const auto& level : control.levels) {
      knob.levels.push_back({level.label, level.value});
    }
    for (std::size_t i = 0; i < control.places.size(); ++i) {
      if (control.places[i].device == "cpu") {
        knob.levels[i].cpus = control.places[i].cpus;
      }
    }
    knobs.push_back(std::move(knob));
  }
  return knobs;
}

std::vector<SignalDescription> describe_signals(const Platform& platform) {
  std::vector<SignalDescription> signals;
  for (const auto& signal : platform.signals()) {
    signals.push_back({signal.name, signal.unit, signal.source, signal.estimated, signal.is_heat});
  }
  return signals;
}

}  // namespace

ServingEnvironment::ServingEnvironment(Platform& platform, RequestWorker& worker,
                                       const std::string& application, const RequestSpec& requests,
                                       ScenarioPlayer& player, Clock& clock, Options options)
    : platform_(platform),
      worker_(worker),
      player_(player),
      clock_(clock),
      options_(options),
      requests_(requests),
      actions_(make_knobs(application, worker, platform)),
      signals_(describe_signals(platform)),
      observer_(actions_, {{application, requests.queue_limit}}, signals_,
                to_milliseconds(options.period)),
      server_(requests, worker, clock),
      timer_(clock.now(), options.period),
      levels_(actions_.knobs().size(), 0),
      configuration_(platform.controls().size(), 0) {
  const auto& knobs = actions_.knobs();
  width_ = actions_.find(Knob::Kind::kWidth, kApplication).value();
  mapping_ = actions_.find(Knob::Kind::kMapping, kApplication);
  for (const auto& control : platform.controls()) {
    const auto knob = std::ranges::find(knobs, control.name, &Knob::name);
    control_knobs_.push_back(static_cast<std::size_t>(knob - knobs.begin()));
    if (control_knobs_.back() == mapping_) {
      places_ = control.places;
      lost_.resize(places_.size());
      for (std::size_t i = 0; i < places_.size(); ++i) {
        if (places_[i].device != "cpu") {
          device_places_.push_back(i);
        }
      }
      mapping_control_ = control_knobs_.size() - 1;
    }
  }
  std::ranges::transform(kPowerSignals, power_.begin(),
                         [this](std::string_view name) { return find_signal(signals_, name); });
  for (const auto& rule : budget_rules()) {
    if (rule.is_measured_by == nullptr) {
      continue;
    }
    Measured& measured = measured_.emplace_back(Measured{.rule = &rule});
    for (std::size_t i = 0; i < signals_.size(); ++i) {
      if (rule.is_measured_by(signals_[i])) {
        measured.signals.push_back(i);
        measured.fold = quantity_of(signals_[i].name).over_signals;
      }
    }
  }
  if (options_.duration_s <= 0.0) {
    options_.duration_s = player.scenario().duration_s();
  }
  const auto [lowest, highest] =
      std::ranges::minmax(worker.levels(), {}, &NetworkLevel::accuracy_top1);
  facts_.applications = {{.accuracy_lowest = lowest.accuracy_top1,
                          .accuracy_highest = highest.accuracy_top1,
                          .latency_mean_ms = std::nullopt}};
  task_.objective = options_.objective;
  task_.prices = options_.prices;
  task_.applications = {
      {.name = application, .arrival = requests.arrival, .rate_hz = std::nullopt}};
  result_.info.applications = {{application, {}}};
  result_.info.task = task_;
  result_.info.signals.resize(signals_.size());
  result_.info.granted.resize(knobs.size());
}

TaskDescription ServingEnvironment::description() const {
  TaskDescription description{.arrival = requests_.arrival,
                              .queue_limit = requests_.queue_limit,
                              .drop_expired = requests_.drop_expired,
                              .top1 = {},
                              .objective = options_.objective,
                              .prices = options_.prices,
                              .period_s = to_seconds(options_.period),
                              .power_signals = {},
                              .reward_terms = reward_terms()};
  std::vector<PowerSignal> asked;
  const auto& phases = player_.scenario().phases;
  for (const auto& phase : phases) {
    if (phase.budgets.power) {
      asked.push_back(phase.budgets.power->signal);
    }
  }
  if (options_.objective.asks_for_power()) {
    asked.push_back(options_.objective.signal);
  }
  for (const auto& phase : phases) {
    if (phase.budgets.energy) {
      asked.push_back(phase.budgets.energy->signal);
    }
  }
  if (asked.empty()) {
    asked.push_back(PowerSignal::kMachine);
  }
  description.power_signal = asked.front();
  for (const PowerSignal signal : {PowerSignal::kMachine, PowerSignal::kOurs}) {
    if (std::ranges::count(asked, signal) > 0) {
      description.power_signals.push_back(signal);
    }
  }
  std::ranges::transform(worker_.levels(), std::back_inserter(description.top1),
                         &NetworkLevel::accuracy_top1);
  return description;
}

std::vector<std::string> ServingEnvironment::reward_terms() const {
  Budgets any;
  for (const auto& phase : player_.scenario().phases) {
    any.add_missing(phase.budgets);
  }
  Task task = task_;
  task.set(any);
  Worth result;
  worth(facts_, task, result);
  std::vector<std::string> names;
  std::ranges::transform(result.terms, std::back_inserter(names), &RewardTerm::name);
  return names;
}

double ServingEnvironment::reward_bound(const Action& action) const {
  const ApplicationFacts& range = facts_.applications[kApplication];
  return worth_bound(options_.objective, worker_.levels()[action.at(width_)].accuracy_top1,
                     range.accuracy_lowest, range.accuracy_highest);
}

Observation ServingEnvironment::reset(std::uint64_t seed) {
  StepInfo& info = result_.info;
  service().clear();
  player_.reset(seed);
  platform_.reset(seed);
  worker_.prepare(seed, places_);
  find_lost_places();
  monitor_.reset();
  observer_.reset();
  began_ = false;
  served_rate_hz_.reset();
  for (auto& measured : measured_) {
    measured.blind_periods = 0;
    measured.blind_patience = kLeastBlindPatience;
  }
  std::ranges::fill(levels_, 0);
  start_ = clock_.now();
  timer_ = PeriodTimer(start_, options_.period);
  enter_phase(0.0);
  server_.reset(start_, seed, rate_of(*phase_));
  platform_.sample();  // Rates are counted from here, and there are none yet.
  std::ranges::fill(info.signals, std::nullopt);
  info.budgets.clear();
  observe();
  return result_.observation;
}

const StepResult& ServingEnvironment::step(const Action& action) {
  actions_.check(action);
  wanted_ = action;
  const TimePoint begin = clock_.now();
  StepInfo& info = result_.info;
  info.time_s = to_seconds(begin - start_);

  info.phase = phase_->name;
  info.task = task_;
  apply();
  server_.serve_until(timer_.end(), service());
  info.skipped_periods = timer_.advance(clock_.now());
  sample();
  read_back();
  info.interval_s = to_seconds(clock_.now() - begin);
  info.co_runners = player_.running();
  info.messages = player_.new_troubles();
  std::ranges::move(platform_.new_troubles(), std::back_inserter(info.messages));
  find_lost_places();
  std::ranges::move(messages_, std::back_inserter(info.messages));
  messages_.clear();

  assess();

  const double next_s = to_seconds(timer_.end() - options_.period - start_);
  result_.truncated = next_s + ScenarioStretch::kRoundingS >= options_.duration_s;
  // What changes from outside changes now, so that the agent sees the budgets that it is to keep.
  enter_phase(next_s);
  observe();
  return result_;
}

void ServingEnvironment::enter_phase(double time_s) {
  const ScenarioPhase& phase = player_.advance(time_s);
  if (&phase != phase_ || !began_) {
    begin_phase(phase);
  }
  task_.battery_allowance_w = monitor_.battery_allowance_w(task_.energy);
  task_.applications[kApplication].rate_hz = arrival_rate_hz();
}

void ServingEnvironment::begin_phase(const ScenarioPhase& phase) {
  phase_ = &phase;
  task_.set(phase.budgets);
  // Without a latency budget no request is ever late.
  const auto& latency = phase.budgets.latency;
  server_.set_deadline(latency ? from_milliseconds(latency->deadline_ms) : Duration::max());
  server_.set_rate(rate_of(phase));
}

double ServingEnvironment::rate_of(const ScenarioPhase& phase) const {
  return phase.rate_hz.value_or(requests_.rate_hz * phase.rate_scale);
}

void ServingEnvironment::apply() {
  const bool is_first = !std::exchange(began_, true);
  const bool changes_width = is_first || wanted_[width_] != levels_[width_];
  const auto place = [this] { return mapping_ ? levels_[*mapping_] : 0; };
  const std::size_t place_before = place();
  configure(wanted_, configuration_);
  if (mapping_) {
    std::size_t& wanted = configuration_[mapping_control_];
    wanted = stand_in(wanted);
  }
  const auto& grants = platform_.apply(configuration_);
  levels_[width_] = wanted_[width_];
  for (std::size_t i = 0; i < control_knobs_.size(); ++i) {
    levels_[control_knobs_[i]] = grants[i].level;
  }
  if (changes_width) {
    server_.set_level(levels_[width_]);
  }
  // The network's threads divide the CPUs of the place among themselves, once they are given.
  if (mapping_ && (is_first || place() != place_before)) {
    worker_.set_place(places_[levels_[*mapping_]]);
  }
}

void ServingEnvironment::find_lost_places() {
  for (const std::size_t i : device_places_) {
    if (lost_[i]) {
      continue;
    }
    if (const auto why = worker_.obstacle(places_[i].device)) {
      lost_[i] = true;
      messages_.push_back(
          fmt::format("{} {}: the {} can no longer be used: {}; left out, the CPU "
                      "goes on",
                      actions_.knobs()[*mapping_].name, places_[i].name, places_[i].device, *why));
    }
  }
}

std::size_t ServingEnvironment::stand_in(std::size_t place) const {
  if (!lost_[place]) {
    return place;
  }
  const auto first_left = std::find(lost_.begin(), lost_.end(), false);
  return first_left == lost_.end() ? place : static_cast<std::size_t>(first_left - lost_.begin());
}

void ServingEnvironment::note(std::size_t knob, const Grant& grant) {
  levels_[knob] = grant.level;
  KnobGrant& granted = result_.info.granted[knob];
  if (granted.level != grant.level || granted.label.empty()) {
    granted.label = actions_.knobs()[knob].levels[grant.level].label;
    granted.level = grant.level;
  }
  granted.value = grant.value;
  granted.refused = grant.refused;
  granted.left_out = grant.left_out;
}

void ServingEnvironment::read_back() {
  const auto& grants = platform_.grants();
  note(width_,
       {.level = levels_[width_], .value = actions_.knobs()[width_].levels[levels_[width_]].value});
  for (std::size_t i = 0; i < control_knobs_.size(); ++i) {
    Grant grant = grants[i];
    grant.refused |= control_knobs_[i] == mapping_ && lost_[wanted_[*mapping_]];
    note(control_knobs_[i], grant);
  }
}

void ServingEnvironment::sample() {
  const auto& readings = platform_.sample().readings;
  StepInfo& info = result_.info;
  info.stale.clear();
  for (std::size_t i = 0; i < readings.size(); ++i) {
    if (readings[i].valid) {
      info.signals[i] = readings[i].value;
    } else {
      info.signals[i].reset();
    }
    if (readings[i].stale) {
      info.stale.push_back(i);
    }
  }
}

void ServingEnvironment::assess() {
  StepInfo& info = result_.info;
  facts_.interval_s = info.interval_s;
  for (std::size_t i = 0; i < kNumPowerSignals; ++i) {
    facts_.power_w[i] = power_[i] ? info.signals[*power_[i]] : std::nullopt;
  }
  for (auto& measured : measured_) {
    Folded folded(measured.fold);
    for (const std::size_t i : measured.signals) {
      if (info.signals[i]) {
        folded.add(*info.signals[i]);
      }
    }
    facts_.measured(measured.rule->kind) = folded.value();
    watch(measured);
  }
  facts_.applications[kApplication].count(service(),
                                          worker_.levels()[server_.level()].accuracy_top1);

  worth(facts_, info.task, worth_);
  info.reward_terms = worth_.terms;
  monitor_.update(facts_, info.task, worth_.checks, info.budgets);
  result_.reward = worth_.sum;
}

void ServingEnvironment::watch(Measured& measured) {
  const BudgetRule& rule = *measured.rule;
  if (!rule.limit(result_.info.task, kApplication) || facts_.measured(rule.kind)) {
    if (measured.blind_periods >= measured.blind_patience) {
      // So that one that comes and goes does not fill the log.
      measured.blind_patience = std::min(2 * measured.blind_patience, kMaxBlindPatience);
    }
    measured.blind_periods = 0;
    return;
  }
  if (++measured.blind_periods != measured.blind_patience) {
    return;
  }
  std::vector<std::string> names;
  for (const std::size_t i : measured.signals) {
    names.push_back(signals_[i].name);
  }
  result_.info.messages.push_back(
      names.empty()
          ? fmt::format("the budget on {} is blind: nothing here is known to measure {} (`rein "
                        "probe` says why)",
                        rule.name(), rule.measured)
          : fmt::format("the budget on {} is blind: no value of {} ({} periods)", rule.name(),
                        fmt::join(names, ", "), measured.blind_periods));
}

std::optional<double> ServingEnvironment::arrival_rate_hz() {
  if (requests_.arrival != RequestSpec::Arrival::kClosedLoop) {
    return server_.rate_hz();
  }
  // Requests come as fast as they are served, which is known when one was.
  const ServiceReport& last = service();
  if (last.busy_ms > 0.0) {
    served_rate_hz_ = 1e3 * static_cast<double>(last.served) / last.busy_ms;
  }
  return served_rate_hz_;
}

void ServingEnvironment::observe() {
  const StepInfo& info = result_.info;
  observer_.observe({.levels = levels_,
                     .task = task_,
                     .applications = info.applications,
                     .signals = info.signals,
                     .budget_statuses = info.budgets},
                    result_.observation);
}

}  // namespace rein
