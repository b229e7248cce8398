#include "env/serving_environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

namespace rein {

namespace {

// Periods without a temperature before that is told, and told again.
constexpr int kLeastBlindPatience = 2;
constexpr int kMaxBlindPatience = 64;

std::vector<Knob> make_knobs(const std::string& application, const RequestWorker& worker,
                             const Platform& platform) {
  Knob width{
      .name = "width." + application, .unit = "1", .effect = Knob::Effect::kCostlier, .levels = {}};
  for (const auto& level : worker.levels()) {
    width.levels.push_back({level.name, level.width});
  }
  std::vector<Knob> knobs{std::move(width)};
  for (const auto& control : platform.controls()) {
    Knob knob{.name = control.name,
              .unit = control.unit,
              .effect = control.name.starts_with("mapping.") ? Knob::Effect::kUnordered
                                                             : Knob::Effect::kFaster,
              .levels = {},
              .cpus = control.cpus};
    for (const auto& level : control.levels) {
      knob.levels.push_back({level.label, level.value});
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
                                       ScenarioPlayer& player, const Reward& reward, Clock& clock,
                                       Options options)
    : platform_(platform),
      worker_(worker),
      player_(player),
      reward_(reward),
      clock_(clock),
      options_(options),
      requests_(requests),
      actions_(make_knobs(application, worker, platform)),
      signals_(describe_signals(platform)),
      observer_(actions_, {{application, requests.queue_limit}}, signals_,
                to_milliseconds(options.period)),
      server_(requests, worker, clock),
      power_(find_signal(signals_, "power_w")),
      timer_(clock.now(), options.period),
      levels_(actions_.knobs().size(), 0),
      configuration_(platform.controls().size(), 0) {
  const auto& knobs = actions_.knobs();
  const auto mapping = std::ranges::find(knobs, "mapping." + application, &Knob::name);
  if (mapping != knobs.end()) {
    mapping_ = static_cast<std::size_t>(mapping - knobs.begin());
    std::set<int> threads;
    for (const auto& place : mapping->levels) {
      threads.insert(static_cast<int>(place.value));
    }
    thread_counts_.assign(threads.begin(), threads.end());
  }
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (signals_[i].is_heat) {
      temperatures_.push_back(i);
    }
  }
  if (options_.duration_s <= 0.0) {
    options_.duration_s = player.scenario().duration_s();
  }
  const auto [lowest, highest] =
      std::ranges::minmax(worker.levels(), {}, &NetworkLevel::accuracy_top1);
  facts_.applications = {{.name = application,
                          .budgets = {},
                          .accuracy_lowest = lowest.accuracy_top1,
                          .accuracy_highest = highest.accuracy_top1,
                          .latency_mean_ms = std::nullopt}};
  result_.info.applications = {{application, {}, {}}};
  result_.info.signals.resize(signals_.size());
  result_.info.granted.resize(knobs.size());
}

TaskDescription ServingEnvironment::task() const {
  TaskDescription task{.arrival = requests_.arrival,
                       .top1 = {},
                       .objective = reward_.objective(),
                       .prices = reward_.prices(),
                       .period_s = to_seconds(options_.period)};
  for (const auto& phase : player_.scenario().phases) {
    if (phase.budgets.power) {
      task.power_signal = phase.budgets.power->signal;
      break;
    }
  }
  std::ranges::transform(worker_.levels(), std::back_inserter(task.top1),
                         &NetworkLevel::accuracy_top1);
  task.reward_terms = reward_terms();
  return task;
}

std::vector<std::string> ServingEnvironment::reward_terms() const {
  PeriodFacts facts = facts_;
  facts.budgets = {};
  for (const auto& phase : player_.scenario().phases) {
    facts.budgets.add_missing(phase.budgets);
  }
  facts.applications.front().budgets = facts.budgets;
  std::vector<BudgetCheck> checks;
  check_budgets(facts, checks);
  std::vector<RewardTerm> terms;
  reward_.terms(facts, checks, terms);
  std::vector<std::string> names;
  std::ranges::transform(terms, std::back_inserter(names), &RewardTerm::name);
  return names;
}

double ServingEnvironment::reward_bound(ActionId action) const {
  const ApplicationFacts& range = facts_.applications.front();
  return reward_.bound(worker_.levels()[actions_.decode(action).front()].accuracy_top1,
                       range.accuracy_lowest, range.accuracy_highest);
}

Observation ServingEnvironment::reset(std::uint64_t seed) {
  player_.reset(seed);
  platform_.reset(seed);
  worker_.prepare(seed, thread_counts_);
  monitor_.reset();
  observer_.reset();
  began_ = false;
  served_rate_hz_ = std::numeric_limits<double>::quiet_NaN();
  blind_periods_ = 0;
  blind_patience_ = kLeastBlindPatience;
  std::ranges::fill(levels_, 0);
  start_ = clock_.now();
  timer_ = PeriodTimer(start_, options_.period);
  enter_phase(0.0);
  server_.reset(start_, seed, rate_of(*phase_));
  platform_.sample();  // Rates are counted from here, and there are none yet.
  StepInfo& info = result_.info;
  info.applications.front().service.clear();
  std::ranges::fill(info.signals, std::nullopt);
  info.budgets.clear();
  observe();
  return result_.observation;
}

const StepResult& ServingEnvironment::step(ActionId action) {
  actions_.decode(action, wanted_);
  const TimePoint begin = clock_.now();
  StepInfo& info = result_.info;
  info.time_s = to_seconds(begin - start_);

  info.phase = phase_->name;
  info.applications.front().budgets = phase_->budgets;
  apply();
  server_.serve_until(timer_.end(), info.applications.front().service);
  info.skipped_periods = timer_.advance(clock_.now());
  sample();
  read_back();
  info.interval_s = to_seconds(clock_.now() - begin);
  info.co_runners = player_.running();
  info.messages = player_.new_troubles();
  std::ranges::move(platform_.new_troubles(), std::back_inserter(info.messages));

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
  if (&phase == phase_ && began_) {
    return;
  }
  phase_ = &phase;
  facts_.budgets = phase.budgets;
  facts_.applications.front().budgets = phase.budgets;
  const auto& power = phase.budgets.power;
  budget_power_ = power ? find_signal(signals_, power->signal) : std::nullopt;
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
  const bool changes_width = is_first || wanted_.front() != levels_.front();
  const std::size_t place = levels_[mapping_];
  std::copy(wanted_.begin() + 1, wanted_.end(), configuration_.begin());
  const auto& grants = platform_.apply(configuration_);
  levels_.front() = wanted_.front();
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    levels_[i] = grants[i - 1].level;
  }
  if (changes_width) {
    server_.set_level(levels_.front());
  }
  // The network's threads divide the CPUs of the place among themselves, once they are given.
  if (mapping_ != 0 && (is_first || place != levels_[mapping_])) {
    worker_.set_threads(
        static_cast<int>(actions_.knobs()[mapping_].levels[levels_[mapping_]].value));
  }
}

void ServingEnvironment::read_back() {
  const auto& knobs = actions_.knobs();
  const auto& grants = platform_.grants();
  const Grant width{.level = levels_[0], .value = knobs[0].levels[levels_[0]].value};
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const Grant& grant = i == 0 ? width : grants[i - 1];
    levels_[i] = grant.level;
    KnobGrant& granted = result_.info.granted[i];
    if (granted.level != grant.level || granted.label.empty()) {
      granted.label = knobs[i].levels[grant.level].label;
      granted.level = grant.level;
    }
    granted.value = grant.value;
    granted.refused = grant.refused;
    granted.left_out = grant.left_out;
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
  const auto signal = [&](const std::optional<std::size_t>& index) {
    return index ? info.signals[*index] : std::nullopt;
  };
  facts_.interval_s = info.interval_s;
  facts_.power_w = signal(power_);
  facts_.budget_power_w = signal(budget_power_);
  facts_.hottest_c.reset();
  for (const std::size_t i : temperatures_) {
    if (info.signals[i]) {
      facts_.hottest_c = std::max(facts_.hottest_c.value_or(-300.0), *info.signals[i]);
    }
  }
  watch_heat();
  facts_.battery_allowance_w = monitor_.battery_allowance_w(facts_.budgets);

  facts_.applications.front().count(info.applications.front().service,
                                    worker_.levels()[server_.level()].accuracy_top1);

  check_budgets(facts_, checks_);
  reward_.terms(facts_, checks_, info.reward_terms);
  monitor_.update(facts_, checks_, info.budgets);
  result_.reward = Reward::sum(info.reward_terms);
}

void ServingEnvironment::watch_heat() {
  if (!facts_.budgets.temperature || facts_.hottest_c) {
    if (blind_periods_ >= blind_patience_) {
      // So that one that comes and goes does not fill the log.
      blind_patience_ = std::min(2 * blind_patience_, kMaxBlindPatience);
    }
    blind_periods_ = 0;
    return;
  }
  if (++blind_periods_ != blind_patience_) {
    return;
  }
  std::vector<std::string> names;
  for (const std::size_t i : temperatures_) {
    names.push_back(signals_[i].name);
  }
  result_.info.messages.push_back(
      names.empty()
          ? "the budget on temperature is blind: nothing here is known to measure the processor's "
            "heat (`rein probe` says why)"
          : fmt::format("the budget on temperature is blind: no value of {} ({} periods)",
                        fmt::join(names, ", "), blind_periods_));
}

double ServingEnvironment::arrival_rate_hz() {
  if (requests_.arrival != RequestSpec::Arrival::kClosedLoop) {
    return server_.rate_hz();
  }
  // Requests come as fast as they are served, which is known when one was.
  const ServiceReport& service = result_.info.applications.front().service;
  if (service.busy_ms > 0.0) {
    served_rate_hz_ = 1e3 * static_cast<double>(service.served) / service.busy_ms;
  }
  return served_rate_hz_;
}

void ServingEnvironment::observe() {
  const StepInfo& info = result_.info;
  const ApplicationSnapshot application{phase_->budgets, info.applications.front().service,
                                        arrival_rate_hz()};
  observer_.observe({.levels = levels_,
                     .budgets = phase_->budgets,
                     .applications = {&application, 1},
                     .signals = info.signals,
                     .budget_statuses = info.budgets},
                    result_.observation);
}

}  // namespace rein
