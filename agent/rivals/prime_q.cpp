#include "agent/rivals/prime_q.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/managed_application.hpp"
#include "common/index.hpp"

namespace rein {

namespace {

constexpr std::size_t kMostChoices = 64;

/// Every combination of the domains' levels, the last domain fastest; or, where these are too many,
/// steps in which all rise together.
std::vector<std::vector<std::size_t>> make_choices(const ActionSpace& actions,
                                                   const std::vector<std::size_t>& knobs) {
  std::size_t count = 1;
  std::size_t most = 1;
  for (const std::size_t knob : knobs) {
    count *= actions.knobs()[knob].levels.size();
    most = std::max(most, actions.knobs()[knob].levels.size());
  }
  const bool together = count > kMostChoices;
  std::vector<std::vector<std::size_t>> choices(together ? most : count);
  for (std::size_t choice = 0; choice < choices.size(); ++choice) {
    std::size_t rest = choice;
    for (auto knob = knobs.rbegin(); knob != knobs.rend(); ++knob) {
      const std::size_t levels = actions.knobs()[*knob].levels.size();
      // Rounded up: rather too fast.
      const std::size_t share =
          most > 1 ? (choice * (levels - 1) + most - 2) / (most - 1) : levels - 1;
      choices[choice].insert(choices[choice].begin(), together ? share : rest % levels);
      rest /= levels;
    }
  }
  return choices;
}

}  // namespace

PrimeQPolicy::Options PrimeQPolicy::Options::from_yaml(const ConfigNode& node) {
  const Range above_zero_share{.min = 0.0, .max = 1.0, .min_excluded = true};
  Options options;
  options.learning_rate = node.number_or("learning_rate", options.learning_rate, above_zero_share);
  options.work_rate = node.number_or("work_rate", options.work_rate, above_zero_share);
  options.bins = static_cast<std::size_t>(node.integer_or(
      "bins", static_cast<std::int64_t>(options.bins), {.min = 1.0, .max = 10'000.0}));
  options.power_weight = node.number_or("power_weight", options.power_weight, Range::share());
  if (node.has("exploration")) {
    const ConfigNode exploration = node.at("exploration");
    options.exploration_initial =
        exploration.number_or("initial", options.exploration_initial, Range::share());
    options.exploration_final =
        exploration.number_or("final", options.exploration_final, Range::share());
    options.exploration_steps = static_cast<std::size_t>(exploration.integer_or(
        "visits", static_cast<std::int64_t>(options.exploration_steps), {.min = 1.0, .max = 1e9}));
    exploration.reject_unknown();
  }
  return options;
}

PrimeQPolicy::PrimeQPolicy(const Options& options, HeldKnobs held, Problem problem)
    : options_(options),
      held_(std::move(held)),
      problem_(std::move(problem)),
      layout_(problem_.actions),
      choices_(make_choices(problem_.actions, layout_.frequencies)) {}

std::unique_ptr<Session> PrimeQPolicy::begin_episode(Random& random) const {
  auto now = std::make_unique<Now>(random);
  now->held = learned_.held.value_or(Action());
  return now;
}

std::size_t PrimeQPolicy::bin(double predicted_ms, const Situation& asked) const {
  const double share = predicted_ms / asked.time_for_request_ms();
  // The last bin is of what cannot be in time.
  return index_at(share * static_cast<double>(options_.bins), options_.bins);
}

double PrimeQPolicy::value(std::size_t bin, std::size_t choice) const {
  const auto entry = learned_.table.find(bin);
  return entry == learned_.table.end() ? 0.0 : entry->second.values.at(choice);
}

std::size_t PrimeQPolicy::choice_of(const Action& action) const {
  const auto found = std::ranges::find_if(choices_, [&](const auto& clocks) {
    for (std::size_t i = 0; i < clocks.size(); ++i) {
      if (action[layout_.frequencies[i]] != clocks[i]) {
        return false;
      }
    }
    return true;
  });
  return static_cast<std::size_t>(found - choices_.begin());
}

Action PrimeQPolicy::with_clocks(const Action& held, std::size_t choice) const {
  Action action = held;
  for (std::size_t i = 0; i < layout_.frequencies.size(); ++i) {
    action[layout_.frequencies[i]] = choices_[choice][i];
  }
  return action;
}

std::size_t PrimeQPolicy::greedy(const Row& row, const std::vector<std::size_t>& allowed) const {
  // Of equals the fastest, which is what nothing is known of yet.
  std::size_t best = allowed.back();
  for (auto choice = allowed.rbegin(); choice != allowed.rend(); ++choice) {
    best = row.values[*choice] > row.values[best] ? *choice : best;
  }
  return best;
}

Decision PrimeQPolicy::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  const Situation asked = Situation::of(view.task);
  if (now.held.empty()) {
    now.held = held_.choose(asked);
  }
  if (view.last != nullptr) {
    follow(*view.last, now);
  }
  std::vector<std::size_t> allowed;
  for (std::size_t choice = 0; choice < choices_.size(); ++choice) {
    if (view.allows(with_clocks(now.held, choice))) {
      allowed.push_back(choice);
    }
  }
  // What is allowed may be out of reach. What is drawn is allowed, so that then nothing is.
  const bool is_out_of_reach = allowed.empty();
  if (is_out_of_reach) {
    allowed.resize(choices_.size());
    std::iota(allowed.begin(), allowed.end(), 0);
  }
  const auto entry = learned_.table.find(bin(now.predicted_ms, asked));
  const Row unseen{.values = std::vector<double>(choices_.size(), 0.0)};
  const Row& here = entry == learned_.table.end() ? unseen : entry->second;
  const double done = std::min(
      1.0, static_cast<double>(here.visits) / static_cast<double>(options_.exploration_steps));
  Decision decision;
  decision.exploration =
      is_out_of_reach ? 0.0
                      : options_.exploration_initial +
                            done * (options_.exploration_final - options_.exploration_initial);
  decision.explored = session.random.uniform() < decision.exploration;
  const std::size_t best = greedy(here, allowed);
  const std::size_t choice =
      decision.explored ? allowed[session.random.index(allowed.size())] : best;
  decision.probability = decision.exploration / static_cast<double>(allowed.size()) +
                         (choice == best ? 1.0 - decision.exploration : 0.0);
  decision.action = with_clocks(now.held, choice);
  return decision;
}

void PrimeQPolicy::follow(const PeriodRecord& record, Now& now) const {
  const auto& applications = record.result.info.applications;
  if (applications.empty() || choice_of(record.action) == choices_.size()) {
    return;
  }
  const ServiceReport& service = applications[kManagedApplication].service;
  if (service.served > 0) {
    const double work =
        work_ms(service.busy_ms / static_cast<double>(service.served), action_in_force(record));
    now.predicted_ms +=
        (now.predicted_ms > 0.0 ? options_.work_rate : 1.0) * (work - now.predicted_ms);
  }
}

double PrimeQPolicy::work_ms(double service_ms, const Action& in_force) const {
  Action levels = in_force;
  double share = 0.0;
  for (const std::size_t knob : layout_.frequencies) {
    const auto& domain = problem_.actions.knobs()[knob].levels;
    share += domain[levels[knob]].value / domain.back().value /
             static_cast<double>(layout_.frequencies.size());
    levels[knob] = domain.size() - 1;
  }
  if (const auto& profile = held_.profile()) {
    const auto& here = profile->entries[problem_.actions.encode(in_force)].service_ms;
    const auto& fastest = profile->entries[problem_.actions.encode(levels)].service_ms;
    if (here && fastest && *here > 0.0) {
      return service_ms * *fastest / *here;
    }
  }
  return layout_.frequencies.empty() ? service_ms : service_ms * share;
}

std::string PrimeQPolicy::parameters() const {
  return fmt::format("exploration {} to {} in {}", options_.exploration_initial,
                     options_.exploration_final, options_.exploration_steps);
}

void PrimeQPolicy::archive(Archive& archive) {
  archive.keep(learned_);
  auto held = learned_.held ? std::optional(problem_.actions.encode(*learned_.held)) : std::nullopt;
  archive.index("held", held, problem_.actions.size());
  if (archive.is_reading()) {
    learned_.held = held ? std::optional(problem_.actions.decode(*held)) : std::nullopt;
  }
  archive.map("rows", learned_.table, "bin",
              [this](Archive& each, Row& row) {
                each.count("visits", row.visits);
                each.numbers("values", row.values, choices_.size());
              },
              {.min = 0.0, .max = static_cast<double>(options_.bins)});
}

PrimeQ::PrimeQ(const Options& options, HeldKnobs held, Problem problem, Random& random)
    : options_(options),
      problem_(problem),
      random_(random),
      power_(problem_.signals),
      policy_(options, std::move(held), std::move(problem)) {}

double PrimeQ::reward(double latency_ms, double time_ms, double power_share, double overuse,
                      const Options& options) {
  const double over = (latency_ms - time_ms) / (3.0 * time_ms);
  if (over > 0.0 || overuse > 0.0) {
    return -100.0 * std::min(1.0, std::max(over, 0.0) + std::max(overuse, 0.0));
  }
  return 100.0 * ((1.0 - options.power_weight) * latency_ms / time_ms +
                  options.power_weight * (1.0 - power_share));
}

void PrimeQ::learn(const PeriodRecord& record, Session& session) {
  const auto& now = session.as<PrimeQPolicy::Now>();
  if (!now.held.empty()) {
    policy_.learned().held = now.held;
  }
  const StepInfo& info = record.result.info;
  const std::size_t choice = policy_.choice_of(record.action);
  if (info.applications.empty() || managed_service(info).requests() == 0 ||
      choice == policy_.choices().size()) {
    return;
  }
  const ServiceReport& service = managed_service(info);
  const Situation asked = Situation::of(info.task);
  const double time_ms = asked.time_for_request_ms();
  // A request that was dropped took too long, as far as can be known.
  double latency_ms = service.dropped > 0 ? 2.0 * time_ms : 0.0;
  for (const double value : service.latencies_ms) {
    latency_ms = std::max(latency_ms, value);
  }
  double power_share = 0.0;
  double overuse = 0.0;
  if (const auto power_w = power_.value(info, ruling_power(info.task))) {
    highest_w_ = std::max(highest_w_, *power_w);
    power_share = highest_w_ > 0.0 ? *power_w / highest_w_ : 0.0;
    overuse = asked.power_limit_w ? *power_w / *asked.power_limit_w - 1.0 : 0.0;
  }
  PrimeQPolicy::Row& here = policy_.learned().table[policy_.bin(now.predicted_ms, asked)];
  here.values.resize(policy_.choices().size(), 0.0);
  ++here.visits;
  double& value = here.values[choice];
  value += options_.learning_rate *
           (reward(latency_ms, time_ms, power_share, overuse, options_) - value);
  ++updates_;
}

void PrimeQ::archive(Archive& archive) {
  archive_header(archive, policy_.kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("bins", options_.bins);
    options.same("power_weight", options_.power_weight);
  });
  archive.keep(random_, highest_w_);
  archive.random("random", random_);
  archive.number("highest_w", highest_w_, Range::non_negative());
  archive.part("policy", policy_);
}

}  // namespace rein
