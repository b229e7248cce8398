#include "agent/oracle/oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

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

/// Periods for which a decision is kept where nothing has changed but time.
constexpr std::size_t kKept = 10;

/// Futures of the short look at each action, and of the long one.
constexpr std::size_t kFuturesAtFirst = 4;
constexpr std::size_t kFutures = 8;
/// Of a detour: periods after it that count, futures of the first look and of that at the best of
/// it, how many those are, and by what a period one has to be better.
constexpr std::size_t kAfter = 3;
constexpr std::size_t kDetours = 4;
constexpr std::size_t kDetoursAtLast = 24;
constexpr std::size_t kBestDetours = 6;
constexpr double kWorthADetour = 0.01;

/// What all requests together earn counts for so much of a value, what periods do for the rest.
constexpr double kTogether = 0.75;

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

/// Where requests come by chance some periods have many and others none: what the periods earn, one
/// like the other, says little of what most requests meet.
double value_by_chance(const Outlook& outlook) {
  return (1.0 - kTogether) * outlook.reward + kTogether * outlook.together;
}

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
    : options_(options),
      problem_(std::move(problem)),
      clairvoyant_(clairvoyant),
      is_by_chance_(clairvoyant.is_by_chance()) {}

Decision Oracle::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  // Requests may wait that came before this period.
  const bool is_behind =
      view.last != nullptr &&
      std::ranges::any_of(view.last->result.info.applications,
                          [](const ApplicationInfo& each) { return each.service.waited_ms > 0.0; });
  const auto conditions = clairvoyant_.conditions();
  const bool is_settled = now.in_force == now.settled && !is_behind;
  const bool is_the_same = conditions && conditions == now.conditions && ++now.kept < kKept;
  if (!is_the_same || !(is_settled || is_by_chance_)) {
    settle(now);
    now.conditions = conditions;
    now.kept = 0;
  }
  if (is_by_chance_) {
    now.in_force = best_by_chance(is_behind, now);
  } else {
    now.in_force = is_behind ? best_soon(now.settled, now) : now.settled;
  }
  return {.action = problem_.actions.decode(*now.in_force)};
}

void Oracle::settle(Now& now) const {
  std::vector<Prospect> prospects;
  if (now.in_force) {
    prospects.push_back(look(*now.in_force, options_.horizon, now));
  }
  const std::vector<Prospect> screened = screen(prospects, now);
  for (const auto& candidate : screened) {
    // What seemed feasible may turn out not to be. The search then goes on.
    if (prospects.size() >= options_.candidates &&
        (is_by_chance_ || std::ranges::any_of(prospects, &Prospect::is_feasible))) {
      break;
    }
    prospects.push_back(look(candidate.action, options_.horizon, now));
  }
  sort(prospects, now);
  now.settled = prospects.front().action;
  now.is_feasible = prospects.front().is_feasible();
  if (is_by_chance_) {
    // The best of each bound, which is of a width each, and those that are the best in the long
    // run.
    now.shortlist.clear();
    std::vector<double> bounds;
    for (const auto& prospect : screened) {
      const double bound = problem_.reward_bounds[prospect.action];
      if (std::ranges::count(bounds, bound) < 2) {
        bounds.push_back(bound);
        now.shortlist.push_back(prospect.action);
      }
    }
    for (std::size_t i = 0; i < std::min(prospects.size(), kBestDetours); ++i) {
      if (std::ranges::find(now.shortlist, prospects[i].action) == now.shortlist.end()) {
        now.shortlist.push_back(prospects[i].action);
      }
    }
  }
}

Oracle::Prospect Oracle::detour(ActionId action, std::size_t futures, Now& now) const {
  problem_.actions.decode(action, now.levels);
  problem_.actions.decode(now.settled, now.levels_then);
  const Outlook outlook = clairvoyant_
                              .foresee({.action = now.levels,
                                        .periods = 1,
                                        .then = &now.levels_then,
                                        .periods_then = kAfter,
                                        .futures = futures,
                                        .draw = now.draw})
                              .all;
  return {.action = action,
          .reward = value_by_chance(outlook),
          .violation = outlook.violation,
          .overuse = std::max(0.0, outlook.overuse)};
}

ActionId Oracle::best_by_chance(bool is_behind, Now& now) const {
  now.draw += 1000;
  std::vector<Prospect> detours;
  if (is_behind) {
    for (ActionId action = 0; action < problem_.actions.size(); ++action) {
      detours.push_back(detour(action, kDetours, now));
    }
  } else {
    for (const ActionId action : now.shortlist) {
      detours.push_back(detour(action, kDetours, now));
    }
  }
  const auto size = static_cast<std::ptrdiff_t>(std::min(detours.size(), kBestDetours));
  std::ranges::partial_sort(detours, detours.begin() + size, std::ranges::greater{},
                            &Prospect::reward);
  Prospect best = detour(now.settled, kDetoursAtLast, now);
  best.reward += kWorthADetour;
  const double allowed = best.violation;
  const double most = best.overuse;
  for (auto each = detours.begin(); each != detours.begin() + size; ++each) {
    const Prospect closer = detour(each->action, kDetoursAtLast, now);
    if (closer.reward > best.reward && closer.overuse <= most + kRounding &&
        (!now.is_feasible || closer.violation <= allowed + kRounding)) {
      best = closer;
    }
  }
  return best.action;
}

Outlook Oracle::foresee(ActionId action, std::size_t periods, Now& now) const {
  problem_.actions.decode(action, now.levels);
  return clairvoyant_.foresee(now.levels, periods);
}

ActionId Oracle::best_soon(ActionId settled, Now& now) const {
  ActionId best = settled;
  double most = foresee(settled, kSoon, now).reward + kWorthIt;
  for (ActionId action = 0; action < problem_.actions.size(); ++action) {
    if (problem_.reward_bounds[action] <= most) {
      continue;
    }
    const double reward = foresee(action, kSoon, now).reward;
    if (reward > most + kRounding) {
      most = reward;
      best = action;
    }
  }
  return best;
}

bool Oracle::Prospect::is_feasible() const { return violation <= kRounding; }

std::vector<Oracle::Prospect> Oracle::screen(const std::vector<Prospect>& known, Now& now) const {
  double reward = -std::numeric_limits<double>::infinity();
  for (const auto& prospect : known) {
    reward = prospect.is_feasible() ? std::max(reward, prospect.reward) : reward;
  }
  std::vector<Prospect> screened;
  for (ActionId action = 0; action < problem_.actions.size(); ++action) {
    if (action != now.in_force && problem_.reward_bounds[action] > reward + kRounding) {
      screened.push_back(look(action, kScreen, now));
    }
  }
  sort(screened, now);
  return screened;
}

Oracle::Prospect Oracle::look(ActionId action, std::size_t periods, Now& now) const {
  problem_.actions.decode(action, now.levels);
  const std::size_t futures = !is_by_chance_ ? 1 : periods == kScreen ? kFuturesAtFirst : kFutures;
  const auto [change, all] = clairvoyant_.foresee(
      {.action = now.levels, .periods = periods, .change = kChange, .futures = futures});
  constexpr auto kChanging = static_cast<double>(kChange);
  const auto count = static_cast<double>(periods);
  const auto later = [&, &change = change, &all = all](double Outlook::*figure) {
    return (all.*figure * count - change.*figure * kChanging) / (count - kChanging);
  };
  const double share = kChanging / std::max(kSpread, count);
  const double margin = action == now.in_force ? kMarginInForce : kMargin;
  const double overuse = std::max(0.0, later(&Outlook::overuse) + margin);
  const double reward = is_by_chance_
                            ? value_by_chance(all)
                            : share * change.reward + (1.0 - share) * later(&Outlook::reward);
  return {.action = action,
          .reward = reward,
          .violation = std::max(0.0, later(&Outlook::violation)) + overuse};
}

void Oracle::sort(std::vector<Prospect>& prospects, const Now& now) const {
  if (prospects.empty()) {
    return;
  }
  const double least = std::ranges::min(prospects, {}, &Prospect::violation).violation;
  // Where chance breaks latency's budget whatever is done, prices say which of all, and how far.
  const double accepted = least <= kRounding ? kRounding
                          : is_by_chance_    ? std::numeric_limits<double>::infinity()
                                             : least + kAsGood;
  const auto rank = [&](const Prospect& prospect) {
    return std::tuple(prospect.violation <= accepted ? 0.0 : prospect.violation,
                      -std::round(prospect.reward / kRounding), prospect.action != now.in_force,
                      prospect.action);
  };
  std::ranges::sort(prospects, {}, rank);
}

void Oracle::archive(Archive& archive) {
  archive.keep(options_);
  archive.count("horizon", options_.horizon, kHorizon);
  archive.count("candidates", options_.candidates, kCandidates);
}

}  // namespace rein
