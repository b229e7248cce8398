#include "study/evaluation/paired_comparison.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace rein {

namespace {

/// Violations that are closer than this leave it to the objective.
constexpr double kAsGood = 0.005;

/// The one's less the other's in each episode that both know.
std::vector<double> differences(const PairedEpisodes& world, const char* figure) {
  std::vector<double> values;
  values.reserve(world.own.size());
  for (std::size_t i = 0; i < world.own.size(); ++i) {
    const auto own = find(world.own[i], figure);
    const auto other = find(world.other[i], figure);
    if (own && other) {
      values.push_back(*own - *other);
    }
  }
  return values;
}

MeanInterval compare_figure(const std::vector<PairedEpisodes>& worlds, const char* figure,
                            Random& random) {
  std::vector<std::vector<double>> groups;
  groups.reserve(worlds.size());
  for (const auto& world : worlds) {
    groups.push_back(differences(world, figure));
  }
  std::erase_if(groups, [](const auto& group) { return group.empty(); });
  return groups.empty() ? MeanInterval{} : bootstrap_mean(groups, random);
}

std::optional<double> mean_difference(const PairedEpisodes& world, const char* figure) {
  const auto values = differences(world, figure);
  if (values.empty()) {
    return std::nullopt;
  }
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// @param better  Above 0 where the one is better.
void count(std::optional<double> better, Standing& standing) {
  standing.ahead += better.value_or(0.0) > 0.0 ? 1 : 0;
  standing.behind += better.value_or(0.0) < 0.0 ? 1 : 0;
}

}  // namespace

PairedComparison compare_pairs(const std::vector<PairedEpisodes>& worlds, Random& random) {
  PairedComparison comparison{.objective_share = compare_figure(worlds, "objective_share", random),
                              .violation = compare_figure(worlds, "violation", random),
                              .regret = compare_figure(worlds, "regret", random)};
  for (const auto& world : worlds) {
    const auto regret = mean_difference(world, "regret");
    if (!regret) {
      continue;
    }
    ++comparison.worlds;
    comparison.episodes += differences(world, "regret").size();
    count(-*regret, comparison.by_regret);
    const double violation = mean_difference(world, "violation").value_or(0.0);
    count(std::abs(violation) > kAsGood ? -violation : mean_difference(world, "objective_share"),
          comparison.by_budgets_and_objective);
  }
  return comparison;
}

}  // namespace rein
