#include "study/training/training_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "common/yaml_text.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {

namespace {

std::vector<std::string> power_names(const Environment& environment) {
  std::vector<std::string> names;
  for (const PowerSignal signal : environment.description().power_signals) {
    names.emplace_back(name_of(signal));
  }
  return names;
}

std::vector<std::string> feature_names(const Environment& environment) {
  std::vector<std::string> names;
  for (const auto& feature : environment.observation_spec().features()) {
    names.push_back(feature.name);
  }
  return names;
}

/// The first in which two lists differ, or "nothing".
std::string first_difference(const std::vector<std::string>& one,
                             const std::vector<std::string>& other) {
  const auto [here, there] = std::ranges::mismatch(one, other);
  return here == one.end() ? "nothing" : *here;
}

/// An agent for one file has no use for another's knobs, features or rewards.
void require_same(const SimulatedTask& task, const Environment& nominal,
                  const std::filesystem::path& file, const std::filesystem::path& first) {
  SimulatedWorld world(task);
  const Environment& environment = world.environment();
  const auto refuse = [&](const std::string& what, const std::string& expected,
                          const std::string& found) {
    throw ConfigError(fmt::format("{}: expected the {} of {} ({}), found {}", file.string(), what,
                                  first.string(), expected, found));
  };
  const auto require = [&](const std::string& what, const std::vector<std::string>& expected,
                           const std::vector<std::string>& found) {
    if (expected != found) {
      refuse(what, first_difference(expected, found), first_difference(found, expected));
    }
  };
  require("knobs", describe_knobs(nominal.action_space()),
          describe_knobs(environment.action_space()));
  require("features", feature_names(nominal), feature_names(environment));
  require("powers that are asked for", power_names(nominal), power_names(environment));
  const Objective expected = nominal.description().objective;
  const Objective found = environment.description().objective;
  if (expected.kind != found.kind) {
    refuse("objective", expected.name(), found.name());
  }
}

}  // namespace

std::string TrainingPlan::to_yaml() const {
  std::string text = fmt::format("runs: {}\ntraces: {}\n", yaml_list(files), yaml_list(traces));
  if (profile) {
    text += fmt::format("profile: {}\n", yaml_text(profile->string()));
  }
  text += fmt::format("environments: {}\nduration_s: {}\n", environments, duration_s);
  if (overrides.agent) {
    text += fmt::format("agent: {}\n", yaml_text(*overrides.agent));
  }
  if (overrides.seed) {
    text += fmt::format("seed: {}\n", *overrides.seed);
  }
  return text + fmt::format("settings: {}\n", yaml_list(overrides.settings));
}

std::vector<TrainedRuns::Run> TrainedRuns::read(const TrainingPlan& plan) {
  std::vector<Run> runs;
  std::set<std::string> names;
  for (const auto& file : plan.files) {
    RunConfig config = RunConfig::load(file, plan.overrides);
    if (config.platform != PlatformKind::kSimulated) {
      throw ConfigError(fmt::format(
          "{}: platform.kind: expected simulated, since training is in a simulated board, found "
          "linux",
          file.string()));
    }
    if (!names.insert(file.stem().string()).second) {
      throw UsageError(fmt::format("expected run files of different names, found '{}' twice",
                                   file.stem().string()));
    }
    SimulatedTask task = task_of(config);
    runs.push_back({file.stem().string(), std::move(config), std::move(task)});
  }
  return runs;
}

std::optional<Calibration> TrainedRuns::calibrate(std::vector<Run>& runs,
                                                  const TrainingPlan& plan) {
  if (!plan.profile) {
    return std::nullopt;
  }
  if (runs.size() > 1) {
    throw UsageError(
        fmt::format("--profile: expected one run file, since a profile is of one machine, found {}",
                    runs.size()));
  }
  Run& run = runs.front();
  SimulatedWorld world(run.task);
  const Profile measured = Profile::read(*plan.profile, world.environment().action_space());
  if (std::ranges::none_of(measured.entries, tells_service_time)) {
    throw ConfigError(fmt::format("{}: expected a configuration that served requests, found none",
                                  plan.profile->string()));
  }
  Calibration calibration = rein::calibrate(run.task, run.config.budgets, measured);
  if (const double error = 100.0 * calibration.worst_error(); error > plan.max_error_percent) {
    throw ConfigError(
        fmt::format("{}: expected the profile of a machine that {} can be made like to within "
                    "{:.10g} %, found {} "
                    "(is it of this board and network? --max-error {:.0f} goes on all the same)",
                    plan.profile->string(), run.config.board.name, plan.max_error_percent,
                    calibration.describe(), std::ceil(error)));
  }
  run.task.board = calibration.board;
  return calibration;
}

TrainedRuns::TrainedRuns(const TrainingPlan& plan)
    : runs_(read(plan)),
      calibration_(calibrate(runs_, plan)),
      nominal_(std::make_unique<SimulatedWorld>(runs_.front().task)),
      problem_(problem_of(nominal_->environment())),
      agent_(runs_.front().config.agent.dump()) {
  for (std::size_t i = 1; i < runs_.size(); ++i) {
    require_same(runs_[i].task, nominal_->environment(), plan.files[i], plan.files.front());
  }
  const ConfigNode& node = runs_.front().config.agent;
  Random random(0);
  const auto agent = rein::make_agent(
      node, problem_, random, {.clairvoyant = &nominal_->clairvoyant(), .find_best_static = [this] {
                                 return problem_.actions.decode(0);
                               }});
  if (!agent->learns()) {
    node.at("kind").fail("an agent that learns");
  }
}

std::unique_ptr<Learner> TrainedRuns::make_agent(Random& random) const {
  return rein::make_agent(ConfigNode::parse(agent_, first().agent.file().string()), problem_,
                          random);
}

TrainingWorlds TrainedRuns::worlds(double duration_s) const {
  std::vector<TrainingWorlds::Nominal> nominal;
  for (const auto& run : runs_) {
    nominal.push_back({run.task, run.config.budgets, spread()});
  }
  return {std::move(nominal), duration_s, first().seed};
}

std::vector<SimulatedTask> TrainedRuns::tasks() const {
  std::vector<SimulatedTask> tasks;
  std::ranges::transform(runs_, std::back_inserter(tasks), &Run::task);
  return tasks;
}

Randomisation TrainedRuns::spread() const {
  return calibration_ ? calibration_->spread : Randomisation{};
}

std::vector<std::string> TrainedRuns::boards() const {
  std::vector<std::string> boards;
  for (const auto& run : runs_) {
    if (std::ranges::count(boards, run.config.board.name) == 0) {
      boards.push_back(run.config.board.name);
    }
  }
  return boards;
}

std::vector<std::pair<std::string, std::string>> TrainedRuns::configurations() const {
  std::vector<std::pair<std::string, std::string>> configurations;
  for (const auto& run : runs_) {
    configurations.emplace_back(run.name, run.config.effective);
  }
  return configurations;
}

}  // namespace rein
