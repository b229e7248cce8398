#include "agent/rivals/fulcrum.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "agent/core/managed_application.hpp"

namespace rein {

namespace {

/// Holds the slopes of knobs that nothing was seen of at nothing.
constexpr double kRidge = 1e-3;
/// A limit that moves by less asks for nothing else: a battery's allowance, a rate that is served.
constexpr double kMoved = 0.03;

/// Solves a x = b for a symmetric, positive definite `a` (by rows), which is overwritten. In `b`.
void solve(std::vector<double>& a, std::vector<double>& b) {
  const std::size_t size = b.size();
  for (std::size_t pivot = 0; pivot < size; ++pivot) {
    for (std::size_t row = pivot + 1; row < size; ++row) {
      const double factor = a[row * size + pivot] / a[pivot * size + pivot];
      for (std::size_t column = pivot; column < size; ++column) {
        a[row * size + column] -= factor * a[pivot * size + column];
      }
      b[row] -= factor * b[pivot];
    }
  }
  for (std::size_t row = size; row-- > 0;) {
    for (std::size_t column = row + 1; column < size; ++column) {
      b[row] -= a[row * size + column] * b[column];
    }
    b[row] /= a[row * size + row];
  }
}

bool has_moved(std::optional<double> before, std::optional<double> now) {
  return before.has_value() != now.has_value() ||
         (now && std::abs(*now - *before) > kMoved * std::abs(*before));
}

bool asks_for_the_same(const Situation& before, const Situation& now) {
  return !has_moved(before.deadline_ms, now.deadline_ms) &&
         !has_moved(before.power_limit_w, now.power_limit_w) &&
         !has_moved(before.energy_limit_mj, now.energy_limit_mj) &&
         !has_moved(before.allowance_w, now.allowance_w) && before.min_top1 == now.min_top1 &&
         !has_moved(before.rate_hz, now.rate_hz);
}

using Quantity = std::optional<double> ProfileEntry::*;
constexpr std::array<Quantity, 3> kQuantities = {&ProfileEntry::service_ms, &ProfileEntry::power_w,
                                                 &ProfileEntry::energy_mj};

}  // namespace

Fulcrum::Options Fulcrum::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.profiled = static_cast<std::size_t>(node.integer_or(
      "profiled", static_cast<std::int64_t>(options.profiled), {.min = 1.0, .max = 10'000.0}));
  options.margin = node.number_or("margin", options.margin, {.min = 1.0, .max = 10.0});
  options.power_share = node.number_or("power_share", options.power_share,
                                       {.min = 0.0, .max = 1.0, .min_excluded = true});
  return options;
}

/// By quantity: how its logarithm changes along each part of a position.
struct Fulcrum::Slopes {
  std::array<std::vector<double>, kQuantities.size()> along;
};

Fulcrum::Fulcrum(const Options& options, Profile profile, Problem problem)
    : options_(options),
      profile_(std::move(profile)),
      problem_(std::move(problem)),
      use_(problem_.task) {
  positions_.reserve(problem_.actions.size());
  Action levels;
  for (ActionId action = 0; action < problem_.actions.size(); ++action) {
    problem_.actions.decode(action, levels);
    positions_.push_back(position(levels));
  }
}

Fulcrum::Position Fulcrum::position(const Action& levels) const {
  Position position;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const Knob& knob = problem_.actions.knobs()[i];
    if (knob.effect() == Knob::Effect::kUnordered) {
      for (std::size_t level = 1; level < knob.levels.size(); ++level) {
        position.push_back(levels[i] == level ? 1.0 : 0.0);
      }
    } else if (const double lowest = knob.levels.front().value, highest = knob.levels.back().value;
               lowest > 0.0 && highest > lowest) {
      position.push_back(std::log(knob.levels[levels[i]].value / lowest) /
                         std::log(highest / lowest));
    } else {
      position.push_back(static_cast<double>(levels[i]) /
                         static_cast<double>(std::max<std::size_t>(1, knob.levels.size() - 1)));
    }
  }
  return position;
}

std::vector<ActionId> Fulcrum::first_looks() const {
  const auto& knobs = problem_.actions.knobs();
  Action middle;
  std::ranges::transform(knobs, std::back_inserter(middle),
                         [](const Knob& knob) { return knob.levels.size() / 2; });
  std::vector<ActionId> looks = {problem_.actions.encode(middle)};
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    Action neighbour = middle;
    // Of knobs without an order every level is a direction; of the others half of the way down.
    const bool is_ordered = knobs[i].effect() != Knob::Effect::kUnordered;
    for (std::size_t level = 0; level < knobs[i].levels.size(); ++level) {
      if (level != middle[i] && (!is_ordered || level == middle[i] / 2)) {
        neighbour[i] = level;
        looks.push_back(problem_.actions.encode(neighbour));
      }
    }
  }
  return looks;
}

Fulcrum::Slopes Fulcrum::fit(const std::vector<ActionId>& known) const {
  Slopes slopes;
  const std::size_t size = positions_.front().size();
  for (std::size_t quantity = 0; quantity < kQuantities.size(); ++quantity) {
    // Least squares of the differences from the mean, with a ridge.
    std::vector<std::pair<const Position*, double>> seen;
    Position centre(size, 0.0);
    double mean = 0.0;
    for (const ActionId action : known) {
      const auto& value = profile_.entries[action].*kQuantities[quantity];
      if (value && *value > 0.0) {
        seen.emplace_back(&positions_[action], std::log(*value));
        mean += seen.back().second;
        for (std::size_t i = 0; i < size; ++i) {
          centre[i] += positions_[action][i];
        }
      }
    }
    const double count = std::max(1.0, static_cast<double>(seen.size()));
    std::vector<double> squares(size * size, 0.0);
    std::vector<double>& products = slopes.along[quantity];
    products.assign(size, 0.0);
    for (std::size_t i = 0; i < size; ++i) {
      squares[i * size + i] = kRidge;
    }
    for (const auto& [position, value] : seen) {
      for (std::size_t i = 0; i < size; ++i) {
        const double offset = (*position)[i] - centre[i] / count;
        products[i] += offset * (value - mean / count);
        for (std::size_t j = 0; j < size; ++j) {
          squares[i * size + j] += offset * ((*position)[j] - centre[j] / count);
        }
      }
    }
    solve(squares, products);
  }
  return slopes;
}

ProfileEntry Fulcrum::expect(ActionId action, const Slopes& slopes, const Now& now) const {
  const Position& there = positions_[action];
  const auto distance = [&](ActionId from) {
    double sum = 0.0;
    for (std::size_t i = 0; i < there.size(); ++i) {
      sum += std::abs(there[i] - positions_[from][i]);
    }
    return sum;
  };
  const ActionId from = *std::ranges::min_element(now.known, {}, distance);
  ProfileEntry entry = profile_.entries[from];
  const auto width = problem_.actions.find(Knob::Kind::kWidth, kManagedApplication);
  entry.action = action;
  entry.top1 = problem_.task.top1.empty() || !width
                   ? profile_.entries[action].top1
                   : problem_.task.top1[problem_.actions.decode(action)[*width]];
  for (std::size_t quantity = 0; quantity < kQuantities.size(); ++quantity) {
    if (auto& value = entry.*kQuantities[quantity]) {
      double change = 0.0;
      for (std::size_t i = 0; i < there.size(); ++i) {
        change += slopes.along[quantity][i] * (there[i] - positions_[from][i]);
      }
      *value *= std::exp(change);
    }
  }
  return entry;
}

ActionId Fulcrum::best_known(const Situation& asked, const Now& now) const {
  return *std::ranges::min_element(now.known, {}, [&](ActionId action) {
    return use_.rank(profile_.entries[action], asked, options_.margin, options_.power_share);
  });
}

void Fulcrum::search(const Situation& asked, Now& now) const {
  std::size_t left = options_.profiled;
  const auto profile = [&](ActionId action) {
    if (left > 0 && std::ranges::find(now.known, action) == now.known.end()) {
      now.known.push_back(action);
      --left;
    }
  };
  if (now.known.empty()) {
    std::ranges::for_each(first_looks(), profile);
  }
  while (left > 0) {
    const Slopes slopes = fit(now.known);
    std::optional<ProfiledUse::Rank> best;
    ActionId next = 0;
    for (ActionId action = 0; action < problem_.actions.size(); ++action) {
      const bool is_known = std::ranges::find(now.known, action) != now.known.end();
      const auto rank = use_.rank(is_known ? profile_.entries[action] : expect(action, slopes, now),
                                  asked, options_.margin, options_.power_share);
      if (!best || rank < *best) {
        best = rank;
        next = action;
      }
    }
    const std::size_t before = left;
    profile(next);
    if (left == before) {
      break;  // Nothing is expected to be better than what was found.
    }
  }
  now.chosen = best_known(asked, now);
  now.searched = asked;
}

Decision Fulcrum::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  const Situation asked = Situation::of(view.task);
  if (!now.searched || !asks_for_the_same(*now.searched, asked)) {
    search(asked, now);
  }
  return {.action = problem_.actions.decode(now.chosen)};
}

}  // namespace rein
