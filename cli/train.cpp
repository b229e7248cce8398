#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/usage.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "common/parallel.hpp"
#include "common/printable.hpp"
#include "common/stop.hpp"
#include "study/report/training_page.hpp"
#include "study/run/machine_info.hpp"
#include "study/run/settings.hpp"
#include "study/training/lesson.hpp"
#include "study/training/recorded_trace.hpp"
#include "study/training/sweep_lesson.hpp"
#include "study/training/trainer.hpp"
#include "study/training/training_plan.hpp"

namespace rein {

namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  TrainingPlan plan;
  const CLI::Option* environments = nullptr;  ///< Whether it was given. Of the parser.
  std::size_t jobs = std::max(1U, std::thread::hardware_concurrency());
};

/// Of the run files, what training does not depend on, and why.
constexpr std::pair<const char*, const char*> kUnusedInTraining[] = {
    {"scenario", "training draws its own scenarios"},
    {"time_scale", "training draws its own scenarios"},
    {"duration_s", "--duration is the length of an episode"},
    {"shield", "nothing is shielded in training"}};

/// Mean error of a calibrated board from which on it is doubted, and said so.
constexpr double kDoubtfulError = 0.2;

/// @throws UsageError for options that contradict each other.
void check_sources(const TrainOptions& options) {
  const TrainingPlan& plan = options.plan;
  for (const auto& [key, why] : kUnusedInTraining) {
    refuse_setting(plan.overrides.settings, key, why);
  }
  if (plan.profile && !plan.traces.empty()) {
    throw UsageError(
        "--profile: expected no --trace beside it, since what a trace recorded is of no simulated "
        "board, found both");
  }
}

/// @throws UsageError if it cannot begin, or go on, there.
void check_output(const TrainingPlan& plan) {
  const bool is_begun = Trainer::is_begun(plan.output);
  if (is_begun && !plan.resume) {
    throw UsageError(fmt::format(
        "--output: expected a folder without a training, found {}: choose another, or go on with "
        "--resume",
        plan.output.string()));
  }
  if (!is_begun && plan.resume) {
    throw UsageError(
        fmt::format("--resume: expected the folder of a training that was begun, found none in {}",
                    plan.output.string()));
  }
}

/// Whether it learns from whole sweeps instead of from playing.
bool is_swept(const Learner& agent) { return agent.policy().kind() == "model_based"; }

std::unique_ptr<Lesson> make_lesson(const TrainOptions& options, const TrainedRuns& runs,
                                    const Learner& agent, Random& random) {
  const TrainingPlan& plan = options.plan;
  if (!plan.traces.empty() && !agent.learns_from_others()) {
    throw ConfigError(
        fmt::format("--trace: expected an agent that can learn from what others did "
                    "(q_learning, dqn), found {}: a trace holds too little for it",
                    agent.policy().kind()));
  }
  if (is_swept(agent)) {
    return std::make_unique<SweepLesson>(runs.tasks(), runs.spread(), runs.first().seed,
                                         options.jobs);
  }
  if (plan.traces.empty()) {
    return std::make_unique<PlayLesson>([worlds = runs.worlds(plan.duration_s)](
                                            std::uint64_t index) { return worlds.training(index); },
                                        plan.environments, random);
  }
  std::vector<std::vector<PeriodRecord>> recordings;
  recordings.reserve(plan.traces.size());
  for (const auto& trace : plan.traces) {
    recordings.push_back(read_transitions(trace, runs.problem()));
  }
  return std::make_unique<ReplayLesson>(std::move(recordings), random);
}

/// What must stay the same for a training to go on as if it had not stopped.
std::string setting_of(const TrainingPlan& plan, const TrainedRuns& runs) {
  std::string setting =
      fmt::format("environments: {}\nduration_s: {}\n", plan.environments, plan.duration_s);
  for (const auto& trace : plan.traces) {
    setting += fmt::format("trace: {}\n", trace.string());
  }
  if (plan.profile) {
    setting += fmt::format("---\n# profile\n{}\n", read_file(*plan.profile));
  }
  for (const auto& [name, configuration] : runs.configurations()) {
    setting += fmt::format("---\n# {}\n{}\n", name, configuration);
  }
  return setting;
}

/// All that is known before anything is trained.
void write_configuration(const TrainingPlan& plan, const TrainedRuns& runs) {
  write_file(plan.output / "config.yaml", plan.to_yaml());
  for (const auto& [name, configuration] : runs.configurations()) {
    write_file(plan.output / "config" / (name + ".yaml"), configuration);
  }
  if (runs.calibration()) {
    write_file(plan.output / "calibration.json", runs.calibration()->to_json());
  }
  write_file(plan.output / "machine.json", json_text(simulation_info(runs.boards()), 2) + "\n");
}

void train(const TrainOptions& options, Trainer& trainer, Learner& agent) {
  const auto total = static_cast<std::size_t>(options.plan.episodes);
  ProgressBar bar("train", 100 * total);
  trainer.run(
      agent,
      [&](std::size_t count, const std::function<void(std::size_t)>& work) {
        run_parallel(count, options.jobs, work);
      },
      stop_requested,
      [&](double episodes, const std::vector<LearningPoint>& curve) {
        bar.update(std::min(static_cast<std::size_t>(100.0 * episodes), 100 * total),
                   fmt::format("episode {:.0f}, reward {:.4f}", episodes, curve.back().reward));
      });
}

int run_train(const TrainOptions& options) {
  const TrainingPlan& plan = options.plan;
  check_sources(options);
  check_output(plan);
  const TrainedRuns runs(plan);
  const RunConfig& first = runs.first();
  Random random(first.seed);
  const auto agent = runs.make_agent(random);
  const auto lesson = make_lesson(options, runs, *agent, random);
  const TrainingWorlds worlds = runs.worlds(plan.duration_s);
  Trainer trainer(
      {.episodes = plan.episodes,
       .validate_every = plan.validate_every,
       .setting = as_utf8(setting_of(plan, runs))},
      *lesson, [&runs](Random& of_copy) { return runs.make_agent(of_copy); },
      [&worlds](std::uint64_t index) { return worlds.validation(index); }, first.objective,
      plan.output);
  if (plan.resume) {
    trainer.resume(*agent);
  }
  catch_interrupts();
  write_configuration(plan, runs);
  if (runs.calibration()) {
    put("calibrated to {}: {}\n", plan.profile->string(), runs.calibration()->describe());
    if (runs.calibration()->worst_error() > kDoubtfulError) {
      spdlog::warn(
          "the calibrated board is still {:.0f} % off: what is learned near it may not hold "
          "on the machine",
          100.0 * runs.calibration()->worst_error());
    }
  }
  if (!plan.traces.empty()) {
    spdlog::warn(
        "learning from traces can be worse than no training at all: look at the curve "
        "(docs/training.md)");
  }
  if (options.environments->count() > 0 && (!plan.traces.empty() || is_swept(*agent))) {
    spdlog::warn("--environments has no effect: none is played in");
  }
  train(options, trainer, *agent);

  if (!trainer.curve().empty()) {
    const report::Training training{.agent = agent->policy().kind(),
                                    .boards = runs.boards(),
                                    .objective = first.objective.kind,
                                    .objective_name = first.objective.name(),
                                    .curve = trainer.curve(),
                                    .episodes = trainer.episodes(),
                                    .planned = plan.episodes,
                                    .config = plan.to_yaml(),
                                    .version = REIN_VERSION};
    write_file(plan.output / "report.html", report::make_page(training));
    put("{}best {}", report::to_text(training), report::describe_best(training));
    const fs::path best = plan.output / "best" / "agent.json";
    put("{}\n", training.curve.size() > 1 ? ": " + best.string() : "");
  }
  put("after {} episodes: {}\n", trainer.episodes(), (plan.output / "agent.json").string());
  if (!trainer.is_done()) {
    tell("interrupted: {} of {} episodes are done; --resume goes on", trainer.episodes(),
         plan.episodes);
    return kInterrupted;
  }
  return kDone;
}

}  // namespace

void add_train(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<TrainOptions>();
  TrainingPlan& plan = options->plan;
  CLI::App* verb = app.add_subcommand(
      "train",
      "Train an agent offline: in many simulated boards near the run files', or on traces");
  verb->add_option("RUN.yaml", plan.files, "Run files with `platform: {kind: simulated}`")
      ->required();
  verb->add_option("--agent", plan.overrides.agent,
                   "The agent's kind, instead of the first file's: one that learns");
  verb->add_option("--trace", plan.traces,
                   "Learn from what these trace.csv recorded, instead of playing")
      ->type_name("FILE");
  auto* const profile =
      verb->add_option("--profile", plan.profile,
                       "Practise near the machine that `rein profile` measured: for one run file")
          ->type_name("FILE");
  verb->add_option("--max-error", plan.max_error_percent,
                   "Mean error in % that the calibrated board may have")
      ->needs(profile)
      ->check(above_zero())
      ->capture_default_str();
  verb->add_option("--episodes", plan.episodes,
                   "Episodes of training in all; with traces, one for each time one is shown")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  options->environments =
      verb->add_option("--environments", plan.environments, "That are played at once")
          ->check(CLI::Range(1, 1024))
          ->capture_default_str();
  verb->add_option("--duration", plan.duration_s, "Seconds of an episode")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  verb->add_option("--validate-every", plan.validate_every,
                   "Episodes from one point of the learning curve to the next")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  verb->add_option("--seed", plan.overrides.seed, "Of all that is random, but for validation")
      ->check(a_seed());
  verb->add_option("--jobs", options->jobs, "Validation episodes that are played at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--set", plan.overrides.settings,
                   "dotted.key=value: a value instead of the files'; repeatable")
      ->allow_extra_args(false);
  verb->add_option("--output", plan.output, "Folder for the agent, its best state and the curve")
      ->type_name("DIR")
      ->required();
  verb->add_flag("--resume", plan.resume, "Go on with the training in the output folder");
  verb->callback([options, &action] { action = [options] { return run_train(*options); }; });
}

}  // namespace rein
