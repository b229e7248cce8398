#include "cli/evaluation/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/episode.hpp"
#include "cli/simulated_run.hpp"
#include "common/error.hpp"

namespace rein {

namespace fs = std::filesystem;

namespace {

/// The agent as the run file describes it, or with its default parameters where the file describes
/// another one. Makes it once, so that a mistake is found before anything is played.
EvaluatedAgent read_agent(const std::string& kind, const EvaluatedWorld& world) {
  const bool is_own = world.config.agent.at("kind").text() == kind;
  const ConfigNode node =
      is_own ? world.config.agent : ConfigNode::parse("{kind: " + kind + "}", "--agents");
  SimulatedWorld trial(world.task);
  Random random(1);
  make_agent(node, problem_of(trial.environment()), random,
             {.clairvoyant = &trial.clairvoyant(),
              .find_best_static = [] { return ActionId{0}; },
              .measure_profile = [&] { return world.profile->get(); }});
  return {kind, node.dump()};
}

/// A name that can be that of a folder.
std::string as_file_name(std::string name) {
  for (char& c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
    c = plain ? c : '-';
  }
  return name;
}

}  // namespace

std::string EvaluationPlan::to_yaml() const {
  nlohmann::ordered_json json;
  const auto texts_of = [](const std::vector<fs::path>& paths) {
    std::vector<std::string> texts;
    std::ranges::transform(paths, std::back_inserter(texts),
                           [](const fs::path& file) { return file.string(); });
    return texts;
  };
  json["runs"] = texts_of(files);
  json["scenarios"] = texts_of(scenarios);
  json["agents"] = agents;
  json["seeds"] = seeds;
  json["practice"] = practice;
  json["settings"] = settings;
  if (duration_s) {
    json["duration_s"] = *duration_s;
  }
  return json.dump(2) + "\n";
}

std::list<EvaluatedWorld> read_worlds(const EvaluationPlan& plan) {
  std::list<EvaluatedWorld> worlds;
  std::set<std::pair<std::string, std::string>> names;
  const auto add = [&](const fs::path& file, const RunOverrides& overrides) {
    RunConfig config = RunConfig::load(file, overrides);
    if (config.platform != PlatformKind::kSimulated) {
      throw ConfigError(fmt::format(
          "{}: platform.kind: expected simulated, which is what can be evaluated, found linux",
          file.string()));
    }
    SimulatedTask task = task_of(config);
    const std::string scenario = as_file_name(config.scenario.name);
    if (!names.emplace(file.stem().string(), scenario).second) {
      throw UsageError(fmt::format(
          "expected run files and scenarios of different names, found '{}' with '{}' twice",
          file.stem().string(), scenario));
    }
    auto profile = std::make_shared<ModelProfile>(task, config.budgets);
    worlds.push_back(
        {file.stem().string(), scenario, std::move(config), std::move(task), std::move(profile)});
  };
  for (const auto& file : plan.files) {
    RunOverrides overrides{.settings = plan.settings, .duration_s = plan.duration_s};
    if (plan.scenarios.empty()) {
      add(file, overrides);
    }
    for (const auto& scenario : plan.scenarios) {
      overrides.scenario = scenario;
      add(file, overrides);
    }
  }
  return worlds;
}

std::vector<EpisodeTask> make_tasks(const EvaluationPlan& plan,
                                    const std::list<EvaluatedWorld>& worlds) {
  std::vector<EpisodeTask> tasks;
  for (const auto& world : worlds) {
    std::vector<EvaluatedAgent> agents;
    for (const auto& kind : plan.agents) {
      agents.push_back(read_agent(kind, world));
    }
    for (std::uint64_t seed = 1; seed <= plan.seeds; ++seed) {
      for (const auto& agent : agents) {
        const fs::path folder = plan.output / "runs" / world.run / world.scenario / agent.kind /
                                fmt::format("seed-{}", seed);
        tasks.push_back({&world, agent, seed, plan.practice, plan.traces ? folder : fs::path()});
      }
    }
  }
  return tasks;
}

}  // namespace rein
