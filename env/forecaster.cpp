#include "env/forecaster.hpp"

#include <algorithm>
#include <utility>

namespace rein {

namespace {
/// Sets what is drawn here apart from what others draw.
constexpr std::uint64_t kStream = 0xf02eca57'00000003;

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
      draws_arrivals_(requests.arrival == RequestSpec::Arrival::kPoisson),
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

Outlook Forecaster::foresee(const Action& action, std::size_t periods) {
  start_from_now(action);
  Outlook outlook;
  for (std::size_t i = 0; i < periods; ++i) {
    pass_period();
    worth(facts_, parts_.environment.task(), worth_);
    outlook.reward += worth_.sum;
    outlook.objective += worth_.terms.front().value;
    if (i == 0) {
      begin_sum();
    }
    if (i > 0 || periods == 1) {
      add_to_sum();
    }
  }
  const auto count = static_cast<double>(periods);
  outlook.reward /= count;
  outlook.objective /= count;
  judge_sum(outlook);
  return outlook;
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
}

void Forecaster::add_to_sum() {
  sum_.interval_s += facts_.interval_s;
  for (std::size_t i = 0; i < kNumPowerSignals; ++i) {
    if (sum_.power_w[i]) {
      *sum_.power_w[i] += *facts_.power_w[i] * facts_.interval_s;
    }
  }
  sum_.by_budget = facts_.by_budget;
  for (std::size_t i = 0; i < sum_.applications.size(); ++i) {
    const ApplicationFacts& period = facts_.applications[i];
    ApplicationFacts& application = sum_.applications[i];
    application.served += period.served;
    application.missed += missed_[i];
    application.requests += period.requests;
    application.accuracy_top1 += period.accuracy_top1 * period.served;
  }
}

void Forecaster::judge_sum(Outlook& outlook) {
  for (auto& power_w : sum_.power_w) {
    if (power_w) {
      *power_w /= sum_.interval_s;
    }
  }
  for (std::size_t i = 0; i < sum_.applications.size(); ++i) {
    ApplicationFacts& application = sum_.applications[i];
    application.accuracy_top1 = application.served > 0.0
                                    ? application.accuracy_top1 / application.served
                                    : facts_.applications[i].accuracy_top1;
  }
  worth(sum_, parts_.environment.task(), worth_);
  for (const auto& check : worth_.checks) {
    if (rule_of(check.id.kind).is_applications) {
      outlook.violation += check.violation;
    } else if (check.value || check.violation > 0.0) {
      outlook.overuse = std::max(outlook.overuse, check.excess);
    }
  }
}

void Forecaster::start_from_now(const Action& action) {
  const ServingEnvironment& environment = parts_.environment;
  environment.action_space().check(action);
  levels_ = action;
  board_ = parts_.board;
  board_.update();
  meter_ = read_meter();
  worker_.follow(parts_.worker);
  server_.set_backlog(environment.backlog());
  timer_ = environment.timer();
  if (draws_arrivals_) {
    if (drawn_at_ != board_.now()) {
      drawn_at_ = board_.now();
      arrivals_ =
          Random(static_cast<std::uint64_t>(board_.now().time_since_epoch().count()) ^ kStream);
    }
    server_.set_random(arrivals_);
  }
  facts_ = environment.facts();
  missed_.assign(facts_.applications.size(), 0.0);

  // As the environment applies it.
  environment.configure(levels_, configuration_);
  parts_.platform.apply(configuration_, board_);
  server_.set_level(levels_[environment.width_knob()]);
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

Forecaster::Meter Forecaster::read_meter() const {
  Meter meter{.energy_j = board_.energy_j()};
  for (std::size_t i = 0; i < num_cpus_; ++i) {
    meter.ours_s += board_.cpu_ours_s(i);
    meter.others_s += board_.cpu_others_s(i);
  }
  return meter;
}

}  // namespace rein
