#include "env/live_environment.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace rein {

namespace {

std::vector<Knob> make_knobs(const ManagedApplication& application, const Platform& platform) {
  Knob width{.name = "width." + application.name,
             .unit = "1",
             .effect = Knob::Effect::kCostlier,
             .levels = {}};
  for (const auto& level : application.network.levels()) {
    width.levels.push_back({level.name, level.width});
  }
  std::vector<Knob> knobs{std::move(width)};
  for (const auto& control : platform.controls()) {
    Knob knob{.name = control.name,
              .unit = control.unit,
              .effect = control.name.starts_with("mapping.") ? Knob::Effect::kUnordered
                                                             : Knob::Effect::kFaster,
              .levels = {}};
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
    signals.push_back({signal.name, signal.unit, signal.source, signal.estimated});
  }
  return signals;
}

}  // namespace

LiveEnvironment::LiveEnvironment(Platform& platform, const ManagedApplication& application,
                                 ScenarioPlayer& player, const Reward& reward, Clock& clock,
                                 Options options)
    : platform_(platform),
      network_(application.network),
      player_(player),
      reward_(reward),
      clock_(clock),
      options_(options),
      name_(application.name),
      requests_(application.requests),
      actions_(make_knobs(application, platform)),
      signals_(describe_signals(platform)),
      observer_(actions_, {{application.name, application.requests.queue_limit}}, signals_,
                player.scenario()),
      server_(application.requests, application.network, application.images, clock),
      timer_(clock.now(), options.period) {
  const auto& knobs = actions_.knobs();
  const auto mapping = std::ranges::find(knobs, "mapping." + name_, &Knob::name);
  if (mapping != knobs.end()) {
    mapping_ = static_cast<std::size_t>(mapping - knobs.begin());
  }
  if (options_.duration_s <= 0.0) {
    options_.duration_s = player.scenario().duration_s();
  }
}

double LiveEnvironment::reward_bound(ActionId action) const {
  const auto& levels = network_.levels();
  const auto [lowest, highest] = std::ranges::minmax(levels, {}, &NetworkLevel::accuracy_top1);
  return reward_.bound(levels[actions_.decode(action).front()].accuracy_top1, lowest.accuracy_top1,
                       highest.accuracy_top1);
}

Observation LiveEnvironment::reset(std::uint64_t seed) {
  player_.reset();
  warm_up();
  monitor_.reset();
  observer_.reset();
  levels_.clear();
  start_ = clock_.now();
  timer_ = PeriodTimer(start_, options_.period);
  server_.reset(start_, seed);
  enter_phase(0.0);
  sample(/*stale=*/nullptr);  // Rates are counted from here.
  Snapshot nothing{.levels = std::vector<std::size_t>(actions_.knobs().size(), 0),
                   .budgets = budgets_,
                   .applications = {{name_, budgets_, {}}},
                   .arrival_rates_hz = {server_.rate_hz()},
                   .signals = std::vector<std::optional<double>>(signals_.size()),
                   .budget_statuses = {}};
  return observer_.observe(nothing);
}

StepResult LiveEnvironment::step(ActionId action) {
  const auto levels = actions_.decode(action);
  const TimePoint begin = clock_.now();
  StepResult result;
  StepInfo& info = result.info;
  info.time_s = to_seconds(begin - start_);

  info.phase = phase_;
  apply(levels);

  info.applications = {{name_, budgets_, server_.serve_until(timer_.end())}};
  info.skipped_periods = timer_.advance(clock_.now());
  info.signals = sample(&info.stale);
  info.granted = read_back();
  info.interval_s = to_seconds(clock_.now() - begin);
  info.co_runners = player_.running();
  info.messages = player_.new_troubles();
  std::ranges::move(platform_.new_troubles(), std::back_inserter(info.messages));

  const PeriodFacts period = facts(info);
  info.reward_terms = reward_.terms(period);
  info.budgets = monitor_.update(period);
  result.reward = Reward::sum(info.reward_terms);

  const double next_s = to_seconds(timer_.end() - options_.period - start_);
  result.truncated = next_s >= options_.duration_s;
  // What changes from outside changes now, so that the agent sees the budgets that it is to keep.
  enter_phase(next_s);
  Snapshot now{.levels = levels_,
               .budgets = budgets_,
               .applications = info.applications,
               .arrival_rates_hz = {server_.rate_hz()},
               .signals = info.signals,
               .budget_statuses = info.budgets};
  now.applications.front().budgets = budgets_;
  result.observation = observer_.observe(now);
  return result;
}

void LiveEnvironment::warm_up() {
  std::set<int> threads;
  if (mapping_ != 0) {
    for (const auto& place : actions_.knobs()[mapping_].levels) {
      threads.insert(static_cast<int>(place.value));
    }
  }
  for (const int count : threads) {
    network_.set_threads(count);
    for (std::size_t level = 0; level < network_.levels().size(); ++level) {
      server_.set_level(level);
      server_.rehearse();
    }
  }
}

void LiveEnvironment::enter_phase(double time_s) {
  const ScenarioPhase& phase = player_.advance(time_s);
  phase_ = phase.name;
  budgets_ = phase.budgets;
  // Without a latency budget no request is ever late.
  server_.set_deadline(budgets_.latency ? from_milliseconds(budgets_.latency->deadline_ms)
                                        : Duration::max());
  server_.set_rate(phase.rate_hz.value_or(requests_.rate_hz));
}

void LiveEnvironment::apply(const std::vector<std::size_t>& levels) {
  const auto before = std::exchange(levels_, levels);
  const auto& grants = platform_.apply(Configuration(levels.begin() + 1, levels.end()));
  for (std::size_t i = 1; i < levels.size(); ++i) {
    levels_[i] = grants[i - 1].level;
  }
  if (before.empty() || before.front() != levels_.front()) {
    server_.set_level(levels_.front());
  }
  // The network's threads divide the CPUs of the place among themselves, once they are given.
  if (mapping_ != 0 && (before.empty() || before[mapping_] != levels_[mapping_])) {
    network_.set_threads(
        static_cast<int>(actions_.knobs()[mapping_].levels[levels_[mapping_]].value));
  }
}

std::vector<KnobGrant> LiveEnvironment::read_back() {
  const auto& knobs = actions_.knobs();
  const auto& grants = platform_.grants();
  std::vector<KnobGrant> granted;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    Grant grant{.level = levels_[0], .value = knobs[0].levels[levels_[0]].value};
    if (i > 0) {
      grant = grants[i - 1];
      levels_[i] = grant.level;
    }
    granted.push_back({.label = knobs[i].levels[grant.level].label,
                       .level = grant.level,
                       .value = grant.value,
                       .refused = grant.refused,
                       .left_out = grant.left_out});
  }
  return granted;
}

std::vector<std::optional<double>> LiveEnvironment::sample(std::vector<std::size_t>* stale) {
  std::vector<std::optional<double>> values;
  for (const auto& reading : platform_.sample().readings) {
    if (reading.stale && stale != nullptr) {
      stale->push_back(values.size());
    }
    values.push_back(reading.valid ? std::optional(reading.value) : std::nullopt);
  }
  return values;
}

std::optional<double> LiveEnvironment::signal(const std::string& name, const StepInfo& info) const {
  const auto found = std::ranges::find(signals_, name, &SignalDescription::name);
  return found == signals_.end() ? std::nullopt
                                 : info.signals[static_cast<std::size_t>(found - signals_.begin())];
}

PeriodFacts LiveEnvironment::facts(const StepInfo& info) const {
  PeriodFacts facts;
  facts.interval_s = info.interval_s;
  facts.budgets = budgets_;
  facts.power_w = signal("power_w", info);
  if (budgets_.power) {
    facts.budget_power_w = signal(budgets_.power->signal, info);
  }
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (signals_[i].name.starts_with("temperature_c") && info.signals[i]) {
      facts.hottest_c = std::max(facts.hottest_c.value_or(-300.0), *info.signals[i]);
    }
  }
  facts.battery_allowance_w = monitor_.battery_allowance_w(budgets_);

  const auto [lowest, highest] =
      std::ranges::minmax(network_.levels(), {}, &NetworkLevel::accuracy_top1);
  for (const auto& application : info.applications) {
    const ServiceReport& service = application.service;
    ApplicationFacts entry{.name = application.name,
                           .budgets = application.budgets,
                           .served = service.served,
                           .missed = service.missed(),
                           .requests = service.requests(),
                           .accuracy_top1 = network_.levels()[server_.level()].accuracy_top1,
                           .accuracy_lowest = lowest.accuracy_top1,
                           .accuracy_highest = highest.accuracy_top1,
                           .latency_mean_ms = std::nullopt};
    if (service.served > 0) {
      entry.accuracy_top1 = service.accuracy_sum / static_cast<double>(service.served);
      entry.latency_mean_ms = mean(service.latencies_ms);
    }
    facts.applications.push_back(std::move(entry));
  }
  return facts;
}

}  // namespace rein
