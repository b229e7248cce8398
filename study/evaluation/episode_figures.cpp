#include "study/evaluation/episode_figures.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

std::optional<double> divide(const std::optional<double>& part,
                             const std::optional<double>& whole) {
  return part && whole && *whole != 0.0 ? std::optional(*part / *whole) : std::nullopt;
}

std::optional<double> subtract(const std::optional<double>& one,
                               const std::optional<double>& other) {
  return one && other ? std::optional(*one - *other) : std::nullopt;
}

}  // namespace

Figures figures_of(const RunSummary& summary, const Objective& objective) {
  const Statistics& whole = summary.whole();
  Figures figures = {
      {"objective", whole.objective(objective)},
      {"violation", summary.budgets().worst_rate()},
      {"miss_share", whole.requests() > 0 ? std::optional(whole.miss_share()) : std::nullopt},
      {"longest_miss_run", static_cast<double>(whole.longest_miss_run())},
      {"accuracy_top1", whole.objective({Objective::Kind::kMaxAccuracy})},
      {"latency_mean_ms", whole.objective({Objective::Kind::kMinLatency})},
      {"latency_p99_ms", whole.latency_quantile_ms(0.99)},
      {"power_w", whole.power_w()},
      {"energy_j", whole.energy_j()},
      {"energy_per_request_mj", whole.objective({Objective::Kind::kMinEnergy})},
      {"reward", whole.reward()}};
  for (const auto& [name, budget] : summary.budgets().entries()) {
    figures.emplace_back("violation." + name, budget.violation_rate);
  }
  return figures;
}

Figures compare(const Figures& figures, const Figures& oracle, const Figures& measure,
                Objective::Kind objective) {
  const bool maximised = objective == Objective::Kind::kMaxAccuracy;
  const auto own = find(figures, "objective");
  const auto best = find(measure, "objective");
  const auto share = [&](const char* name) {
    return divide(find(figures, name), find(measure, name));
  };
  const auto above = [&](const char* name) {
    return subtract(find(figures, name), find(oracle, name));
  };
  Figures compared = {{"objective_share", maximised ? divide(own, best) : divide(best, own)},
                      {"violation_above_oracle", above("violation")},
                      {"longest_miss_run_above_oracle", above("longest_miss_run")},
                      {"p99_share", share("latency_p99_ms")},
                      {"energy_share", share("energy_per_request_mj")},
                      {"regret", subtract(find(measure, "reward"), find(figures, "reward"))}};
  compared.insert(compared.end(), figures.begin(), figures.end());
  return compared;
}

std::vector<std::pair<std::string, MeanAndSpread>> average(const std::vector<Figures>& episodes) {
  std::vector<std::pair<std::string, MeanAndSpread>> averages;
  if (episodes.empty()) {
    return averages;
  }
  for (const auto& [name, unused] : episodes.front()) {
    std::vector<double> values;
    for (const auto& figures : episodes) {
      if (const auto value = find(figures, name)) {
        values.push_back(*value);
      }
    }
    averages.emplace_back(name, mean_and_spread(values));
  }
  return averages;
}

std::optional<double> find(const Figures& figures, const std::string& name) {
  const auto found = std::ranges::find(figures, name, &Figures::value_type::first);
  return found == figures.end() ? std::nullopt : found->second;
}

}  // namespace rein
