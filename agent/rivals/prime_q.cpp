#include "agent/rivals/prime_q.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/managed_application.hpp"
#include "common/files.hpp"
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

PrimeQ::Options PrimeQ::Options::from_yaml(const ConfigNode& node) {
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

PrimeQ::PrimeQ(const Options& options, HeldKnobs held, Problem problem, Random& random)
    : options_(options),
      held_(std::move(held)),
      problem_(std::move(problem)),
      random_(random),
      layout_(problem_.actions),
      power_(problem_.signals),
      choices_(make_choices(problem_.actions, layout_.frequencies)) {}

void PrimeQ::begin_episode(std::size_t stream) { predicted_ms_.erase(stream); }

double PrimeQ::predicted_ms(std::size_t stream) const {
  const auto found = predicted_ms_.find(stream);
  return found == predicted_ms_.end() ? 0.0 : found->second;
}

std::size_t PrimeQ::bin(std::size_t stream, const Situation& now) const {
  const double share = predicted_ms(stream) / now.time_for_request_ms();
  // The last bin is of what cannot be in time.
  return index_at(share * static_cast<double>(options_.bins), options_.bins);
}

PrimeQ::Row& PrimeQ::row(std::size_t bin) {
  Row& row = table_[bin];
  row.values.resize(choices_.size(), 0.0);
  return row;
}

double PrimeQ::value(std::size_t bin, std::size_t choice) const {
  const auto entry = table_.find(bin);
  return entry == table_.end() ? 0.0 : entry->second.values.at(choice);
}

std::size_t PrimeQ::greedy(const Row& row) const {
  // Of equals the fastest, which is what nothing is known of yet.
  std::size_t best = row.values.size() - 1;
  for (std::size_t choice = best; choice-- > 0;) {
    best = row.values[choice] > row.values[best] ? choice : best;
  }
  return best;
}

ActionId PrimeQ::act(const View& view) {
  const Situation now = Situation::of(view.task);
  std::vector<std::size_t> levels = held_.levels(now);
  const Row& here = row(bin(attended_, now));
  const double done = std::min(
      1.0, static_cast<double>(here.visits) / static_cast<double>(options_.exploration_steps));
  exploration_.rate = options_.exploration_initial +
                      done * (options_.exploration_final - options_.exploration_initial);
  exploration_.explored = random_.uniform() < exploration_.rate;
  const std::size_t choice = exploration_.explored ? random_.index(choices_.size()) : greedy(here);
  for (std::size_t i = 0; i < layout_.frequencies.size(); ++i) {
    levels[layout_.frequencies[i]] = choices_[choice][i];
  }
  return problem_.actions.encode(levels);
}

double PrimeQ::reward(double latency_ms, double time_ms, double power_share, double overuse,
                      const Options& options) {
  const double over = (latency_ms - time_ms) / (3.0 * time_ms);
  if (over > 0.0 || overuse > 0.0) {
    return -100.0 * std::min(1.0, std::max(over, 0.0) + std::max(overuse, 0.0));
  }
  return 100.0 * ((1.0 - options.power_weight) * latency_ms / time_ms +
                  options.power_weight * (1.0 - power_share));
}

double PrimeQ::work_ms(double service_ms, ActionId in_force) const {
  auto levels = problem_.actions.decode(in_force);
  double share = 0.0;
  for (const std::size_t knob : layout_.frequencies) {
    const auto& domain = problem_.actions.knobs()[knob].levels;
    share += domain[levels[knob]].value / domain.back().value /
             static_cast<double>(layout_.frequencies.size());
    levels[knob] = domain.size() - 1;
  }
  if (const auto& profile = held_.profile()) {
    const auto& here = profile->entries[in_force].service_ms;
    const auto& fastest = profile->entries[problem_.actions.encode(levels)].service_ms;
    if (here && fastest && *here > 0.0) {
      return service_ms * *fastest / *here;
    }
  }
  return layout_.frequencies.empty() ? service_ms : service_ms * share;
}

void PrimeQ::observe(const Transition& transition) {
  if (transition.info == nullptr) {
    return;
  }
  const StepInfo& info = *transition.info;
  const ServiceReport& service = managed_service(info);
  const auto levels = problem_.actions.decode(transition.action);
  std::vector<std::size_t> clocks;
  clocks.reserve(layout_.frequencies.size());
  for (const std::size_t knob : layout_.frequencies) {
    clocks.push_back(levels[knob]);
  }
  const auto choice = std::ranges::find(choices_, clocks);
  if (service.requests() == 0 || choice == choices_.end()) {
    return;
  }
  const Situation now = Situation::of(transition.info->task);
  const double time_ms = now.time_for_request_ms();
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
    overuse = now.power_limit_w ? *power_w / *now.power_limit_w - 1.0 : 0.0;
  }
  Row& here = row(bin(transition.stream, now));
  ++here.visits;
  double& value = here.values[static_cast<std::size_t>(choice - choices_.begin())];
  value += options_.learning_rate *
           (reward(latency_ms, time_ms, power_share, overuse, options_) - value);
  if (service.served > 0) {
    const double work = work_ms(service.busy_ms / static_cast<double>(service.served),
                                action_in_force(transition, problem_.actions));
    double& predicted = predicted_ms_[transition.stream];
    predicted += (predicted > 0.0 ? options_.work_rate : 1.0) * (work - predicted);
  }
}

void PrimeQ::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["random"] = random_.save();
  json["held"] = held_.chosen();
  json["highest_w"] = highest_w_;
  json["predicted"] = nlohmann::ordered_json::array();
  for (const auto& [stream, work_ms] : predicted_ms_) {
    json["predicted"].push_back({{"stream", stream}, {"work_ms", work_ms}});
  }
  json["rows"] = nlohmann::ordered_json::array();
  for (const auto& [bin, row] : table_) {
    json["rows"].push_back({{"bin", bin}, {"visits", row.visits}, {"values", row.values}});
  }
  write_file(file, json.dump(1) + "\n");
}

void PrimeQ::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  std::map<std::size_t, Row> table;
  for (const auto& item : node.at("rows").items()) {
    const std::size_t bin = load_index(item.at("bin"), options_.bins);
    Row row{.values = item.at("values").numbers(),
            .visits = static_cast<std::uint64_t>(item.at("visits").integer({.min = 0.0}))};
    if (row.values.size() != choices_.size()) {
      item.at("values").fail(fmt::format("{} numbers, one for each choice", choices_.size()));
    }
    item.reject_unknown();
    table[bin] = std::move(row);
  }
  const std::size_t held = load_index(node.at("held"), problem_.actions.size());
  const double highest_w = node.at("highest_w").number(Range::non_negative());
  std::map<std::size_t, double> predicted_ms;
  for (const auto& item : node.at("predicted").items()) {
    const auto stream = static_cast<std::size_t>(item.at("stream").integer({.min = 0}));
    predicted_ms[stream] = item.at("work_ms").number(Range::non_negative());
    item.reject_unknown();
  }
  Random loaded(0);
  load_random(node.at("random"), loaded);
  node.reject_unknown();
  random_ = loaded;
  held_.restore(held);
  table_ = std::move(table);
  highest_w_ = highest_w;
  predicted_ms_ = std::move(predicted_ms);
}

}  // namespace rein
