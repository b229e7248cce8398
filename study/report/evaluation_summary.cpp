#include "study/report/evaluation_summary.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

#include "common/statistics.hpp"
#include "study/evaluation/adaptation.hpp"
#include "study/evaluation/episode_figures.hpp"
#include "study/evaluation/measure.hpp"
#include "study/evaluation/paired_comparison.hpp"

namespace rein {

namespace {

/// One agent in one world: an outcome for each seed.
using Outcomes = std::vector<EpisodeOutcome>;
/// And its figures beside the oracle's and the measure's; empty where it was not played.
using Episodes = std::vector<Figures>;

Episodes compare_episodes(const EvaluatedWorld& world, const Outcomes& own, const Outcomes& oracle,
                          const Outcomes& measure) {
  Episodes episodes(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i].completed) {
      episodes[i] = compare(own[i].figures, oracle[i].figures, measure[i].figures,
                            world.config.objective.kind);
    }
  }
  return episodes;
}

/// @param agents  [agents], of one world.
Measure measure_of(const std::vector<Outcomes>& agents, std::size_t oracle) {
  std::vector<std::vector<std::optional<double>>> rewards;
  for (const auto& outcomes : agents) {
    auto& of_agent = rewards.emplace_back();
    for (const auto& outcome : outcomes) {
      of_agent.push_back(outcome.completed ? find(outcome.figures, "reward") : std::nullopt);
    }
  }
  return find_measure(rewards, oracle);
}

/// What is pooled over episodes: adaptation after each change, and the curve around them.
struct Pool {
  std::vector<double> periods;
  std::size_t unadapted = 0;
  std::vector<double> good_from;
  ChangeCurve curve;

  void add(const Outcomes& own, const Outcomes& oracle) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (!own[i].completed) {
        continue;
      }
      curve.add(own[i].rewards);
      if (oracle[i].completed) {
        const Adaptation adaptation = adapt(own[i].rewards, oracle[i].rewards);
        periods.insert(periods.end(), adaptation.periods.begin(), adaptation.periods.end());
        unadapted += adaptation.unadapted;
        good_from.push_back(
            static_cast<double>(good_from_period(own[i].rewards, oracle[i].rewards)));
      }
    }
  }
  report::AdaptationFigures figures() const {
    const double share = periods.empty()
                             ? 0.0
                             : static_cast<double>(unadapted) / static_cast<double>(periods.size());
    return {.periods = quartiles_of(periods),
            .unadapted_share = share,
            .good_from_period = quartiles_of(good_from)};
  }
};

report::Evaluation::Result describe(const EvaluatedWorld& world, const std::string& agent,
                                    const Outcomes& outcomes, Episodes episodes, const Pool& pool) {
  std::erase(episodes, Figures{});
  report::Evaluation::Result result{.run = world.run,
                                    .board = world.config.board.name,
                                    .scenario = world.scenario,
                                    .objective = world.config.objective.name(),
                                    .agent = agent,
                                    .episodes = episodes.size(),
                                    .figures = average(episodes),
                                    .adaptation = pool.figures(),
                                    .configurations = {}};
  for (const auto& outcome : outcomes) {
    if (!outcome.configuration.empty()) {
      result.configurations.push_back(outcome.configuration);
    }
  }
  return result;
}

/// Those figures that mean the same on every board.
constexpr const char* kTotals[] = {
    "objective_share",  "violation", "violation_above_oracle", "miss_share",
    "longest_miss_run", "p99_share", "energy_share",           "regret"};

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

/// Of the variant of that name. @pre there is one.
std::size_t index_of(const EvaluationPlan& plan, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(plan.variants, name, &Variant::name) -
                                  plan.variants.begin());
}

/// Names, each once, in the order of the worlds.
std::vector<std::string> runs_of(const std::list<EvaluatedWorld>& worlds) {
  std::vector<std::string> runs;
  for (const auto& world : worlds) {
    if (std::ranges::count(runs, world.run) == 0) {
      runs.push_back(world.run);
    }
  }
  return runs;
}

/// Of `compared` beside each other agent: over all worlds, then over those of each run.
/// @param by_agent  [agents x worlds]
std::vector<report::Evaluation::Comparison> compare_all(
    const EvaluationPlan& plan, const std::list<EvaluatedWorld>& worlds,
    const std::vector<std::vector<Episodes>>& by_agent) {
  std::vector<report::Evaluation::Comparison> comparisons;
  const std::size_t compared = index_of(plan, plan.compared);
  std::vector<std::string> scopes = runs_of(worlds);
  scopes.insert(scopes.begin(), "");
  for (const auto& scope : scopes) {
    for (std::size_t other = 0; other < by_agent.size(); ++other) {
      std::vector<PairedEpisodes> pairs;
      std::size_t index = 0;
      for (const auto& world : worlds) {
        if (other != compared && (scope.empty() || world.run == scope)) {
          pairs.push_back({by_agent[compared][index], by_agent[other][index]});
        }
        ++index;
      }
      if (other != compared) {
        Random random(1);
        comparisons.push_back({.agent = plan.compared,
                               .against = plan.variants[other].name,
                               .run = scope,
                               .pairs = compare_pairs(pairs, random)});
      }
    }
  }
  return comparisons;
}

}  // namespace

report::Evaluation summarise(const EvaluationPlan& plan, const std::list<EvaluatedWorld>& worlds,
                             const std::vector<EpisodeOutcome>& outcomes) {
  report::Evaluation evaluation{.version = REIN_VERSION, .practice = plan.practice};
  for (std::uint64_t seed = 1; seed <= plan.seeds; ++seed) {
    evaluation.seeds.push_back(seed);
  }
  const std::size_t agents = plan.variants.size();
  const std::size_t reference = index_of(plan, kReferenceAgent);
  std::vector<std::vector<Episodes>> by_agent(agents);  // [agents x worlds]
  std::vector<Pool> pools(agents);
  std::map<std::string, std::vector<Pool>> pools_by_run;
  std::size_t first = 0;  // Of the world's outcomes.
  for (const auto& world : worlds) {
    const auto of = [&](std::size_t agent) {
      Outcomes chosen;
      chosen.reserve(plan.seeds);
      for (std::size_t seed = 0; seed < plan.seeds; ++seed) {
        chosen.push_back(outcomes[first + seed * agents + agent]);
      }
      return chosen;
    };
    std::vector<Outcomes> of_agents;
    for (std::size_t agent = 0; agent < agents; ++agent) {
      of_agents.push_back(of(agent));
    }
    const Outcomes& oracle = of_agents[reference];
    const Measure measure = measure_of(of_agents, reference);
    evaluation.measures.push_back({.run = world.run,
                                   .scenario = world.scenario,
                                   .agent = plan.variants[measure.agent].name,
                                   .above_oracle = measure.above_oracle,
                                   .noise = measure.noise});
    auto& pools_of_run = pools_by_run[world.run];
    pools_of_run.resize(agents);
    for (std::size_t agent = 0; agent < agents; ++agent) {
      const std::string& name = plan.variants[agent].name;
      const Outcomes& own = of_agents[agent];
      const auto episodes = compare_episodes(world, own, oracle, of_agents[measure.agent]);
      Pool pool;
      pool.add(own, oracle);
      pools[agent].add(own, oracle);
      pools_of_run[agent].add(own, oracle);
      evaluation.results.push_back(describe(world, name, own, episodes, pool));
      by_agent[agent].push_back(episodes);
      if (!own.front().course.empty()) {
        evaluation.courses.push_back({world.run, world.scenario, name, own.front().course});
      }
    }
    first += agents * plan.seeds;
  }
  for (std::size_t agent = 0; agent < agents; ++agent) {
    evaluation.totals.push_back({.agent = plan.variants[agent].name,
                                 .figures = average_worlds(by_agent[agent], plan.seeds),
                                 .adaptation = pools[agent].figures()});
  }
  for (const auto& run : runs_of(worlds)) {
    for (std::size_t agent = 0; agent < agents; ++agent) {
      evaluation.curves.push_back(
          {run, plan.variants[agent].name, pools_by_run[run][agent].curve.means()});
    }
  }
  if (!plan.compared.empty()) {
    evaluation.comparisons = compare_all(plan, worlds, by_agent);
  }
  for (const auto& outcome : outcomes) {
    if (!outcome.error.empty()) {
      evaluation.errors.push_back(outcome.error);
    }
  }
  return evaluation;
}

}  // namespace rein
