#include "env/forecaster.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace rein {

namespace {

/// A number for all that was put in, one after the other.
std::uint64_t mix(std::uint64_t sum, std::uint64_t value) {
  // Vigna's SplitMix64.
  sum = (sum ^ value) + 0x9e3779b9'7f4a7c15;
  sum = (sum ^ (sum >> 30)) * 0xbf58476d'1ce4e5b9;
  sum = (sum ^ (sum >> 27)) * 0x94d049bb'133111eb;
  return sum ^ (sum >> 31);
}
std::uint64_t mix(std::uint64_t sum, double value) {
  return mix(sum, std::bit_cast<std::uint64_t>(value));
}

}  // namespace

Forecaster::MeanWorker::MeanWorker(SimulatedBoard& board, const SimulatedNetwork& network,
                                   std::size_t batch, const LatencyNoise& noise)
    : BoardWorker(board, network, batch), board_(board), factor_(noise), mean_(factor_.mean()) {}

std::size_t Forecaster::MeanWorker::serve(std::size_t images, Duration time_left) {
  const TimePoint begin = board_.now();
  execute(mean_);
  const double taken_s = to_seconds(board_.now() - begin);
  // Whatever holds a request up does so in proportion to its length: a quota, a changing clock.
  const double chance =
      taken_s > 0.0 ? factor_.exceedance(mean_ * to_seconds(time_left) / taken_s) : 0.0;
  if (chance < 1.0) {
    lateness_.expected += chance;
    lateness_.none *= 1.0 - chance;
  } else {
    lateness_.surely += 1.0;
  }
  return images;
}

double Forecaster::expected_excess(const Lateness& lateness, double allowed) {
  const double left = allowed - lateness.surely;
  if (left <= 0.0) {
    return lateness.expected - left;
  }
  // Of a Poisson variable (Le Cam 1960), but for the chance of none, which is known.
  double excess = lateness.expected - left;
  double chance = lateness.none;
  for (double count = 0.0; count < left; count += 1.0) {
    excess += (left - count) * chance;
    chance *= lateness.expected / (count + 1.0);
  }
  return std::max(0.0, excess);
}

Forecaster::Forecaster(const Parts& parts, const SimulatedNetwork& network,
                       const RequestSpec& requests, const Board& board)
    : parts_(parts),
      board_(parts.board),
      clock_(board_),
      worker_(board_, network, requests.batch, board.simulation->noise),
      server_(requests, worker_, clock_),
      timer_(parts.environment.timer()),
      futures_(requests),
      power_model_(board.power_model),
      num_cpus_(board.cpus.size()),
      configuration_(parts.platform.controls().size(), 0) {
  for (const auto& signal : parts.environment.signals()) {
    if (signal.name == "power_w") {
      sees_power_ = true;
      is_power_estimated_ = signal.estimated;
    }
    sees_power_ours_ |= signal.name == "power_ours_w";
    sees_temperature_ |= signal.is_heat;
  }
}

Foreseen Forecaster::foresee(const Trial& trial) {
  parts_.environment.action_space().check(trial.action);
  if (trial.then != nullptr) {
    parts_.environment.action_space().check(*trial.then);
  }
  Foreseen foreseen;
  const std::size_t periods = trial.periods + trial.periods_then;
  bool is_first = true;
  for (std::size_t future = 0; future < trial.futures; ++future) {
    start_from_now();
    futures_.begin(trial.draw + future, clock_.now(), server_);
    apply(trial.action);
    for (std::size_t i = 0; i < periods; ++i) {
      if (i == trial.periods) {
        apply(*trial.then);
      }
      pass_period();
      worth(facts_, parts_.environment.task(), worth_);
      foreseen.all.reward += worth_.sum;
      foreseen.all.objective += worth_.terms.front().value;
      if (std::exchange(is_first, false)) {
        begin_sum();
      }
      // What the change to an action inherits and costs passes, unless it is tried for that alone.
      if (i > 0 || periods == 1 || trial.then != nullptr) {
        add_to(sum_);
      }
      if (i < trial.change) {
        foreseen.change.reward += worth_.sum;
        foreseen.change.objective += worth_.terms.front().value;
        if (i > 0 || trial.change == 1) {
          add_to(sum_of_change_);
        }
      }
    }
  }
  const auto futures = static_cast<double>(trial.futures);
  judge(sum_, static_cast<double>(periods) * futures, foreseen.all);
  if (trial.change > 0) {
    judge(sum_of_change_, static_cast<double>(trial.change) * futures, foreseen.change);
  }
  return foreseen;
}

void Forecaster::begin_sum() {
  sum_ = facts_;
  sum_.interval_s = 0.0;
  for (auto& power_w : sum_.power_w) {
    power_w = power_w ? std::optional(0.0) : std::nullopt;
  }
  for (auto& application : sum_.applications) {
    application.served = application.missed = application.requests = 0.0;
    application.accuracy_top1 = 0.0;
  }
  sum_of_change_ = sum_;
}

void Forecaster::add_to(PeriodFacts& sum) const {
  sum.interval_s += facts_.interval_s;
  for (std::size_t i = 0; i < kNumPowerSignals; ++i) {
    if (sum.power_w[i]) {
      *sum.power_w[i] += *facts_.power_w[i] * facts_.interval_s;
    }
  }
  sum.by_budget = facts_.by_budget;
  for (std::size_t i = 0; i < sum.applications.size(); ++i) {
    const ApplicationFacts& period = facts_.applications[i];
    ApplicationFacts& application = sum.applications[i];
    application.served += period.served;
    application.missed += missed_[i];
    application.requests += period.requests;
    application.accuracy_top1 += period.accuracy_top1 * period.served;
  }
}

void Forecaster::judge(PeriodFacts& sum, double periods, Outlook& outlook) {
  outlook.reward /= periods;
  outlook.objective /= periods;
  for (auto& power_w : sum.power_w) {
    if (power_w) {
      *power_w /= sum.interval_s;
    }
  }
  for (std::size_t i = 0; i < sum.applications.size(); ++i) {
    ApplicationFacts& application = sum.applications[i];
    application.accuracy_top1 = application.served > 0.0
                                    ? application.accuracy_top1 / application.served
                                    : facts_.applications[i].accuracy_top1;
  }
  worth(sum, parts_.environment.task(), worth_);
  outlook.together = worth_.sum;
  for (const auto& check : worth_.checks) {
    if (rule_of(check.id.kind).is_applications) {
      outlook.violation += check.violation;
    } else if (check.value || check.violation > 0.0) {
      outlook.overuse = std::max(outlook.overuse, check.excess);
    }
  }
}

void Forecaster::start_from_now() {
  const ServingEnvironment& environment = parts_.environment;
  board_ = parts_.board;
  board_.update();
  meter_ = read_meter();
  worker_.follow(parts_.worker);
  server_.set_backlog(environment.backlog());
  timer_ = environment.timer();
  facts_ = environment.facts();
  missed_.assign(facts_.applications.size(), 0.0);
}

void Forecaster::apply(const Action& action) {
  // As the environment applies it.
  const ServingEnvironment& environment = parts_.environment;
  environment.configure(action, configuration_);
  parts_.platform.apply(configuration_, board_);
  server_.set_level(action[environment.width_knob()]);
}

void Forecaster::pass_period() {
  const TimePoint begin = board_.now();
  server_.serve_until(timer_.end(), report_);
  timer_.advance(board_.now());
  board_.update();
  const double interval_s = to_seconds(board_.now() - begin);
  const Meter before = std::exchange(meter_, read_meter());
  const double ours_w = (meter_.ours_s - before.ours_s) / interval_s * power_model_.cpu_w;

  facts_.interval_s = interval_s;
  facts_.power_w.fill(std::nullopt);
  if (sees_power_) {
    facts_.power(PowerSignal::kMachine) =
        is_power_estimated_
            ? power_model_.idle_w + ours_w +
                  (meter_.others_s - before.others_s) / interval_s * power_model_.cpu_w
            : (meter_.energy_j - before.energy_j) / interval_s;
  }
  if (sees_power_ours_) {
    facts_.power(PowerSignal::kOurs) = ours_w;
  }
  facts_.by_budget.fill(std::nullopt);
  if (sees_temperature_) {
    facts_.measured(BudgetId::Kind::kTemperature) = board_.hottest_c();
  }
  constexpr std::size_t kApplication = ServingEnvironment::kApplication;
  ApplicationFacts& application = facts_.applications[kApplication];
  application.count(report_, worker_.levels()[server_.level()].accuracy_top1);
  Lateness lateness = worker_.take_lateness();
  lateness.surely += static_cast<double>(report_.dropped);
  missed_[kApplication] = lateness.surely + lateness.expected;
  application.missed = missed_[kApplication];
  if (const auto& latency = parts_.environment.task().applications[kApplication].latency) {
    // So that the period's violation is the expected one.
    const double allowed = latency->miss_rate * application.requests;
    application.missed = allowed + expected_excess(lateness, allowed);
  }
}

std::optional<std::uint64_t> Forecaster::conditions() const {
  // Heat matters by what it limits, and in steps that a forecast's end hardly feels.
  constexpr double kStepsPerK = 2.0;
  const SimulatedBoard& board = parts_.board;
  std::uint64_t sum = 0;
  for (const double threads : board.pressure().threads) {
    sum = mix(sum, threads);
  }
  for (const double value :
       {board.pressure().gpu, board.pressure().memory, board.ambient_c(),
        std::floor(board.hottest_c() * kStepsPerK), parts_.environment.backlog().rate_hz}) {
    sum = mix(sum, value);
  }
  if (const TimePoint pulse = board.next_pulse(); pulse != TimePoint::max()) {
    sum = mix(sum, static_cast<std::uint64_t>((pulse - board.now()).count()));
  }
  for (std::size_t i = 0; i < board.num_throttles(); ++i) {
    sum = mix(sum, board.throttle_share(i));
  }
  const Task& task = parts_.environment.task();
  std::vector<BudgetInForce> budgets;
  find_budgets(task, budgets);
  for (const auto& budget : budgets) {
    sum = mix(sum, static_cast<std::uint64_t>(budget.rule->kind));
    sum = mix(sum, budget.limit);
    sum = mix(sum, task.prices[budget.rule->kind]);
  }
  for (const auto& application : task.applications) {
    sum = mix(sum, application.latency ? application.latency->deadline_ms : 0.0);
  }
  return sum;
}

Forecaster::Meter Forecaster::read_meter() const {
  Meter meter{.energy_j = board_.energy_j()};
  for (std::size_t i = 0; i < num_cpus_; ++i) {
    meter.ours_s += board_.cpu_ours_s(i);
    meter.others_s += board_.cpu_others_s(i);
  }
  return meter;
}

}  // namespace rein
