#include "agent/oracle/oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

/// Periods in which a change may be felt: a clock that rises, requests that waited.
constexpr std::size_t kChange = 5;
/// Periods over which the cost of a change is spread.
constexpr double kSpread = 100;
/// Periods of the short look at each action.
constexpr std::size_t kScreen = 2 * kChange;

/// Periods that count while requests wait, and what another action has to be better by in them.
constexpr std::size_t kSoon = 2;
constexpr double kWorthIt = 0.05;

constexpr Range kHorizon{.min = kScreen, .max = 1000};
constexpr Range kCandidates{.min = 1, .max = 1e6};

/// Violations below it come from rounding, and rewards that are closer are equal.
constexpr double kRounding = 1e-9;
/// By so much power, energy and heat are to stay below their limits, as shares of them: what is
/// expected is not what comes. Less for the action in force, lest one at its limit comes and goes.
constexpr double kMargin = 0.006;
constexpr double kMarginInForce = 0.004;
/// Where nothing is feasible, violations that are closer are as good as equal.
constexpr double kAsGood = 0.005;

std::size_t read_count(const ConfigNode& node, const std::string& key, std::size_t fallback,
                       const Range& range) {
  return static_cast<std::size_t>(node.integer_or(key, static_cast<std::int64_t>(fallback), range));
}

}  // namespace

Oracle::Options Oracle::Options::from_yaml(const ConfigNode& node) {
  const Options standard;
  return {.horizon = read_count(node, "horizon", standard.horizon, kHorizon),
          .candidates = read_count(node, "candidates", standard.candidates, kCandidates)};
}

Oracle::Oracle(Options options, Problem problem, Clairvoyant& clairvoyant)
    : options_(options), problem_(std::move(problem)), clairvoyant_(clairvoyant) {}

ActionId Oracle::act(const View&) {
  std::vector<Prospect> prospects;
  if (in_force_) {
    prospects.push_back(look(*in_force_, options_.horizon));
  }
  for (const auto& candidate : screen(prospects)) {
    // What seemed feasible may turn out not to be. The search then goes on.
    if (prospects.size() >= options_.candidates &&
        std::ranges::any_of(prospects, &Prospect::is_feasible)) {
      break;
    }
    prospects.push_back(look(candidate.action, options_.horizon));
  }
  sort(prospects);
  in_force_ = is_behind_ ? best_soon(prospects.front().action) : prospects.front().action;
  return *in_force_;
}

ActionId Oracle::best_soon(ActionId settled) {
  ActionId best = settled;
  double most = clairvoyant_.foresee(settled, kSoon).reward + kWorthIt;
  for (ActionId action = 0; action < problem_.actions.size(); ++action) {
    if (problem_.reward_bounds[action] <= most) {
      continue;
    }
    const double reward = clairvoyant_.foresee(action, kSoon).reward;
    if (reward > most + kRounding) {
      most = reward;
      best = action;
    }
  }
  return best;
}

void Oracle::observe(const Transition& transition) {
  const StepInfo* info = transition.info;
  is_behind_ = info != nullptr &&
               std::ranges::any_of(info->applications, [](const ApplicationInfo& application) {
                 return application.service.waited_ms > 0.0;
               });
}

bool Oracle::Prospect::is_feasible() const { return violation <= kRounding; }

std::vector<Oracle::Prospect> Oracle::screen(const std::vector<Prospect>& known) {
  double reward = -std::numeric_limits<double>::infinity();
  for (const auto& prospect : known) {
    reward = prospect.is_feasible() ? std::max(reward, prospect.reward) : reward;
  }
  std::vector<Prospect> screened;
  for (ActionId action = 0; action < problem_.actions.size(); ++action) {
    if (action != in_force_ && problem_.reward_bounds[action] > reward + kRounding) {
      screened.push_back(look(action, kScreen));
    }
  }
  sort(screened);
  return screened;
}

Oracle::Prospect Oracle::look(ActionId action, std::size_t periods) {
  const Outlook change = clairvoyant_.foresee(action, kChange);
  const Outlook all = clairvoyant_.foresee(action, periods);
  constexpr auto kChanging = static_cast<double>(kChange);
  const auto count = static_cast<double>(periods);
  const auto later = [&](double Outlook::*figure) {
    return (all.*figure * count - change.*figure * kChanging) / (count - kChanging);
  };
  const double share = kChanging / std::max(kSpread, count);
  const double margin = action == in_force_ ? kMarginInForce : kMargin;
  return {.action = action,
          .reward = share * change.reward + (1.0 - share) * later(&Outlook::reward),
          .violation = std::max(0.0, later(&Outlook::violation)) +
                       std::max(0.0, later(&Outlook::overuse) + margin)};
}

void Oracle::sort(std::vector<Prospect>& prospects) const {
  if (prospects.empty()) {
    return;
  }
  const double least = std::ranges::min(prospects, {}, &Prospect::violation).violation;
  const double accepted = least <= kRounding ? kRounding : least + kAsGood;
  const auto rank = [&](const Prospect& prospect) {
    return std::tuple(prospect.violation <= accepted ? 0.0 : prospect.violation,
                      -std::round(prospect.reward / kRounding), prospect.action != in_force_,
                      prospect.action);
  };
  std::ranges::sort(prospects, {}, rank);
}

void Oracle::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["horizon"] = options_.horizon;
  json["candidates"] = options_.candidates;
  json["is_behind"] = is_behind_;
  json["in_force"] = in_force_ ? nlohmann::ordered_json(*in_force_) : nullptr;
  write_file(file, json.dump(1) + "\n");
}

void Oracle::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const Options options = Options::from_yaml(node);
  std::optional<ActionId> in_force;
  if (!node.at("in_force").is_null()) {
    const double last = static_cast<double>(problem_.actions.size() - 1);
    in_force = static_cast<ActionId>(node.at("in_force").integer({.min = 0.0, .max = last}));
  }
  is_behind_ = node.at("is_behind").boolean();
  options_ = options;
  in_force_ = in_force;
}

}  // namespace rein
