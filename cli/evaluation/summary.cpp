#include "cli/evaluation/summary.hpp"

#include <algorithm>
#include <iterator>

#include "agent/evaluation.hpp"

namespace rein {

namespace {

/// One agent in one world: an outcome for each seed.
using Outcomes = std::vector<EpisodeOutcome>;
/// And its figures beside the oracle's; empty where it was not played.
using Episodes = std::vector<Figures>;

Episodes compare_episodes(const EvaluatedWorld& world, const Outcomes& own,
                          const Outcomes& oracle) {
  Episodes episodes(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i].completed) {
      episodes[i] = compare(own[i].figures, oracle[i].figures, world.config.objective.kind);
    }
  }
  return episodes;
}

report::Evaluation::Result describe(const EvaluatedWorld& world, const std::string& agent,
                                    const Outcomes& outcomes, Episodes episodes) {
  std::erase(episodes, Figures{});
  report::Evaluation::Result result{.run = world.run,
                                    .board = world.config.board.name,
                                    .scenario = world.scenario,
                                    .objective = world.config.objective.name(),
                                    .agent = agent,
                                    .episodes = episodes.size(),
                                    .figures = average(episodes),
                                    .configurations = {}};
  for (const auto& outcome : outcomes) {
    if (!outcome.configuration.empty()) {
      result.configurations.push_back(outcome.configuration);
    }
  }
  return result;
}

/// Those figures that mean the same on every board.
constexpr const char* kTotals[] = {"objective_share", "violation",        "violation_above_oracle",
                                   "miss_share",      "longest_miss_run", "regret"};

/// For each seed the mean over the worlds, and of these the mean and the spread.
report::Averages average_worlds(const std::vector<Episodes>& worlds, std::size_t seeds) {
  std::vector<Figures> totals;
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    Figures total;
    for (const char* const name : kTotals) {
      std::vector<Figures> values;
      std::ranges::transform(worlds, std::back_inserter(values), [&](const auto& episodes) {
        return Figures{{name, find(episodes[seed], name)}};
      });
      total.emplace_back(name, average(values).front().second.mean);
    }
    totals.push_back(std::move(total));
  }
  return average(totals);
}

}  // namespace

report::Evaluation summarise(const EvaluationPlan& plan, const std::list<EvaluatedWorld>& worlds,
                             const std::vector<EpisodeOutcome>& outcomes) {
  report::Evaluation evaluation{.version = REIN_VERSION, .practice = plan.practice};
  for (std::uint64_t seed = 1; seed <= plan.seeds; ++seed) {
    evaluation.seeds.push_back(seed);
  }
  const std::size_t agents = plan.agents.size();
  const auto reference = static_cast<std::size_t>(std::ranges::find(plan.agents, kReferenceAgent) -
                                                  plan.agents.begin());
  std::vector<std::vector<Episodes>> by_agent(agents);  // [agents x worlds]
  std::size_t first = 0;                                // Of the world's outcomes.
  for (const auto& world : worlds) {
    const auto of = [&](std::size_t agent) {
      Outcomes chosen;
      for (std::size_t seed = 0; seed < plan.seeds; ++seed) {
        chosen.push_back(outcomes[first + seed * agents + agent]);
      }
      return chosen;
    };
    for (std::size_t agent = 0; agent < agents; ++agent) {
      const auto episodes = compare_episodes(world, of(agent), of(reference));
      evaluation.results.push_back(describe(world, plan.agents[agent], of(agent), episodes));
      by_agent[agent].push_back(episodes);
    }
    first += agents * plan.seeds;
  }
  for (std::size_t agent = 0; agent < agents; ++agent) {
    evaluation.totals.push_back({plan.agents[agent], average_worlds(by_agent[agent], plan.seeds)});
  }
  for (const auto& outcome : outcomes) {
    if (!outcome.error.empty()) {
      evaluation.errors.push_back(outcome.error);
    }
  }
  return evaluation;
}

}  // namespace rein
