#include "study/evaluation/evaluation_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>

#include "agent/make_agent.hpp"
#include "agent/oracle/oracle.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/yaml_text.hpp"
#include "study/run/settings.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {

namespace fs = std::filesystem;

namespace {

/// The checkpoint that the variant begins with in this world.
fs::path find_checkpoint(const Variant& variant, const EvaluatedWorld& world) {
  constexpr std::string_view kRun = "{run}";
  std::string path = variant.load->text();
  for (auto at = path.find(kRun); at != std::string::npos; at = path.find(kRun, at)) {
    path.replace(at, kRun.size(), world.run);
    at += world.run.size();
  }
  fs::path file = variant.load->resolve(path);
  file = is_folder(file) ? file / "agent.json" : file;
  if (!is_there(file)) {
    variant.load->reject(
        fmt::format("expected a checkpoint for {}, found no file {}", world.run, file.string()));
  }
  return file;
}

/// The variant in this world. Makes it once, so that a mistake is found before anything is played.
EvaluatedAgent read_agent(const Variant& variant, const EvaluatedWorld& world,
                          std::uint64_t practice) {
  const bool is_own = !variant.agent && world.config.agent.at("kind").text() == variant.kind;
  const ConfigNode node =
      variant.agent ? *variant.agent
      : is_own      ? world.config.agent
                    : ConfigNode::parse("{kind: " + yaml_quoted(variant.kind) + "}", "--agents");
  SimulatedWorld trial(world.task);
  Random random(1);
  const auto agent =
      make_agent(node, problem_of(trial.environment()), random,
                 {.clairvoyant = &trial.clairvoyant(),
                  .find_best_static = [&] { return trial.environment().action_space().decode(0); },
                  .measure_profile = [&] { return world.profile->get(); }});
  EvaluatedAgent evaluated{.name = variant.name,
                           .kind = variant.kind,
                           .parameters = node.dump(),
                           .origin = node.file(),
                           .load = {},
                           .practice = variant.practice.value_or(practice),
                           .learns = agent->learns(),
                           .shield = variant.shield ? variant.shield->dump() : ""};
  if (variant.load) {
    evaluated.load = find_checkpoint(variant, world);
    agent->load(evaluated.load);
  }
  if (variant.practice && !evaluated.learns) {
    variant.agent->at("kind").reject(
        fmt::format("`practice` has no effect: expected an agent that learns beside it, found {}",
                    variant.kind));
  }
  return evaluated;
}

/// What is set for this world has to count for one of its agents.
/// @throws UsageError
void require_effect(const EvaluationPlan& plan, const EvaluatedWorld& world,
                    const std::vector<EvaluatedAgent>& agents) {
  refuse_setting(plan.settings, "seed", "episodes have the seeds 1 to --seeds");
  const std::string kind = world.config.agent.at("kind").text();
  const bool plays_own = std::ranges::any_of(plan.variants, [&](const Variant& variant) {
    return !variant.agent && variant.kind == kind;
  });
  if (!plays_own) {
    refuse_setting(
        plan.settings, "agent",
        fmt::format("the agent of {} is {}, which is not played with its parameters (--set "
                    "\"agent={{kind: KIND, ...}}\" makes it another)",
                    world.run, kind));
  }
  if (std::ranges::none_of(agents, [](const EvaluatedAgent& agent) {
        return agent.learns && agent.shield.empty();
      })) {
    refuse_setting(plan.settings, "shield", "only agents that learn have the run file's shield");
  }
  const bool practises = std::ranges::any_of(plan.variants, [&](const Variant& variant) {
    const auto index = static_cast<std::size_t>(&variant - plan.variants.data());
    return agents[index].learns && !variant.practice;
  });
  if (plan.practice > 0 && !practises) {
    throw UsageError("--practice: has no effect: no agent learns whose practice it is");
  }
}

/// FNV-1a (Fowler, Noll and Vo 1991) with 64 bits.
std::string digest(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

/// All that an episode depends on but its seed.
std::string key_of(const EvaluatedWorld& world, const EvaluatedAgent& agent) {
  const std::string checkpoint = agent.load.empty() ? "" : digest(read_file(agent.load));
  return digest(fmt::format("{}\n{}\n{}\n{}\n{}{}", REIN_VERSION, world.config.effective,
                            agent.parameters, checkpoint, agent.practice, agent.shield));
}

/// Kinds that need far longer than all others, and depend on nothing but the world.
constexpr std::array<std::string_view, 2> kCachedKinds = {"oracle", "best_static"};

/// What the run says that counts for such an agent. A recording counts by what is in it.
std::string world_text(const EvaluatedWorld& world) {
  ConfigNode node = ConfigNode::parse(world.config.effective, "effective configuration");
  for (const char* const key : {"agent", "shield", "seed"}) {
    node.set(key, "none", "cache");
  }
  std::string text = node.dump();
  for (const Recording& recording :
       {world.config.scenario.recording, world.config.application().requests.recording}) {
    if (!recording.arrivals) {
      continue;
    }
    const std::string file = std::filesystem::absolute(recording.file).string();
    if (const std::size_t at = text.find(file); at != std::string::npos) {
      text.replace(at, file.size(), digest(read_file(recording.file)));
    }
  }
  return text;
}

/// Of two digests, since nobody looks whether a key is the right one. @param world  world_text().
std::string cache_key_of(const std::string& world, const EvaluatedAgent& agent, std::uint64_t seed,
                         bool wants_course) {
  if (std::ranges::count(kCachedKinds, agent.kind) == 0) {
    return "";
  }
  const std::string text =
      fmt::format("{} {} {}\n{}\n{}\n{} {}\n{}", kSimulationVersion, kOracleVersion,
                  kOutcomeVersion, agent.parameters, agent.shield, seed, wants_course, world);
  return digest(text) + digest({text.rbegin(), text.rend()});
}

/// Whether the variant's course in the first episode is drawn.
bool shows(const EvaluationPlan& plan, const std::string& name) {
  return !plan.shown.empty() &&
         (name == kReferenceAgent || std::ranges::count(plan.shown, name) > 0);
}

/// An entry of a list, as YAML.
std::string describe(const Variant& variant) {
  std::string text =
      fmt::format("  - name: {}\n    kind: {}\n", yaml_text(variant.name), yaml_text(variant.kind));
  if (variant.agent) {
    text += fmt::format("    agent: {}\n", yaml_text(variant.agent->dump()));
  }
  if (variant.load) {
    text += fmt::format("    load: {}\n",
                        yaml_text(variant.load->resolve(variant.load->text()).string()));
  }
  if (variant.practice) {
    text += fmt::format("    practice: {}\n", *variant.practice);
  }
  if (variant.shield) {
    text += fmt::format("    shield: {}\n", yaml_text(variant.shield->dump()));
  }
  return text;
}

}  // namespace

std::string EvaluationPlan::to_yaml() const {
  std::string text;
  if (!suite.empty()) {
    text += fmt::format("suite: {}\nsuite_seed: {}\nworlds: {}\n", suite, suite_seed, worlds);
  }
  text += fmt::format("runs: {}\nscenarios: {}\nagents:\n", yaml_list(files), yaml_list(scenarios));
  for (const auto& variant : variants) {
    text += describe(variant);
  }
  text += fmt::format("seeds: {}\npractice: {}\nsettings: {}\ncompare: {}\nshow: {}\n", seeds,
                      practice, yaml_list(settings), yaml_text(compared), yaml_list(shown));
  if (duration_s) {
    text += fmt::format("duration_s: {}\n", *duration_s);
  }
  return text;
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
    std::vector<std::string> keys;
    for (const auto& variant : plan.variants) {
      agents.push_back(read_agent(variant, world, plan.practice));
      keys.push_back(key_of(world, agents.back()));
    }
    require_effect(plan, world, agents);
    const std::string text = world_text(world);
    for (std::uint64_t seed = 1; seed <= plan.seeds; ++seed) {
      for (std::size_t i = 0; i < agents.size(); ++i) {
        const EvaluatedAgent& agent = agents[i];
        const fs::path folder = fs::path("runs") / world.run / world.scenario /
                                as_file_name(agent.name) / fmt::format("seed-{}", seed);
        const bool wants_course = seed == 1 && shows(plan, agent.name);
        tasks.push_back({.world = &world,
                         .agent = agent,
                         .seed = seed,
                         .wants_course = wants_course,
                         .folder = plan.traces ? folder : fs::path(),
                         .key = keys[i] + (wants_course ? "+course" : ""),
                         .cache_key = cache_key_of(text, agent, seed, wants_course)});
      }
    }
  }
  return tasks;
}

}  // namespace rein
