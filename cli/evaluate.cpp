#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "agent/make_agent.hpp"
#include "cli/dated_folder.hpp"
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
#include "common/stop.hpp"
#include "study/evaluation/episode_cache.hpp"
#include "study/evaluation/episode_log.hpp"
#include "study/evaluation/episode_task.hpp"
#include "study/evaluation/evaluation_plan.hpp"
#include "study/evaluation/variants.hpp"
#include "study/report/evaluation_page.hpp"
#include "study/report/evaluation_results.hpp"
#include "study/report/evaluation_summary.hpp"
#include "study/report/evaluation_table.hpp"
#include "study/run/machine_info.hpp"
#include "study/suite/held_out.hpp"

namespace rein {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kUsualAgents = {"static", "best_static", kReferenceAgent, "random",
                                               "q_learning"};

struct EvaluateOptions {
  EvaluationPlan plan;
  std::vector<std::string> agents;  ///< Kinds.
  fs::path variants;                ///< A file; none if empty.
  bool resume = false;
  bool dry_run = false;
  bool no_cache = false;
  std::size_t jobs = std::max(1U, std::thread::hardware_concurrency());
};

constexpr const char* kLog = "episodes.jsonl";
constexpr const char* kHeldOut = "held-out";

/// @throws UsageError if the folder holds results.
void require_unused(const fs::path& output) {
  for (const char* const name : {"summary.json", kLog}) {
    if (is_there(output / name)) {
      throw UsageError(fmt::format(
          "--output: expected a folder without results, found {}: choose another, remove it, or go "
          "on with --resume",
          (output / name).string()));
    }
  }
}

/// @throws UsageError unless all that stand in tables and folders differ.
void require_different_names(const std::vector<Variant>& variants) {
  std::set<std::string> folders;
  for (const auto& variant : variants) {
    if (!folders.insert(as_file_name(variant.name)).second) {
      throw UsageError(
          fmt::format("--agents, --variants: expected each once, found '{}' twice", variant.name));
    }
    if (variant.name == kReferenceAgent && variant.kind != kReferenceAgent) {
      throw UsageError(
          fmt::format("--variants: expected the oracle under the name of '{}', found a {}",
                      kReferenceAgent, variant.kind));
    }
  }
}

/// What is compared, the oracle among it.
std::vector<Variant> choose_variants(const EvaluateOptions& options) {
  std::vector<Variant> variants;
  const bool usual = options.agents.empty() && options.variants.empty();
  for (const auto& kind : usual ? kUsualAgents : options.agents) {
    if (std::ranges::count(agent_kinds(), kind) == 0) {
      throw UsageError(fmt::format("--agents: expected kinds of agents ({}), found '{}'",
                                   fmt::join(agent_kinds(), ", "), kind));
    }
    variants.push_back(Variant::of_kind(kind));
  }
  if (!options.variants.empty()) {
    std::ranges::move(read_variants(options.variants), std::back_inserter(variants));
  }
  if (std::ranges::count(variants, kReferenceAgent, &Variant::name) == 0) {
    variants.push_back(Variant::of_kind(kReferenceAgent));
  }
  require_different_names(variants);
  return variants;
}

/// @throws UsageError
void require_variant(const std::vector<Variant>& variants, const std::string& name,
                     const char* option) {
  if (std::ranges::count(variants, name, &Variant::name) == 0) {
    std::vector<std::string> names;
    std::ranges::transform(variants, std::back_inserter(names), &Variant::name);
    throw UsageError(
        fmt::format("{}: expected one of {}, found '{}'", option, fmt::join(names, ", "), name));
  }
}

/// What was played before is taken from the log or the cache, the rest is played.
std::vector<EpisodeOutcome> play_all(const std::vector<EpisodeTask>& tasks, std::size_t jobs,
                                     EpisodeLog& log, EpisodeCache& cache) {
  std::vector<EpisodeOutcome> outcomes(tasks.size());
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (auto outcome = log.take(tasks[i])) {
      outcomes[i] = *std::move(outcome);
    } else if (auto kept = cache.take(tasks[i])) {
      log.add(tasks[i], *kept);
      outcomes[i] = *std::move(kept);
    } else {
      left.push_back(i);
    }
  }
  ProgressBar bar("evaluate", left.size());
  std::mutex mutex;
  std::size_t done = 0;
  run_parallel(left.size(), jobs, [&](std::size_t i) {
    const EpisodeTask& task = tasks[left[i]];
    EpisodeOutcome& outcome = outcomes[left[i]];
    if (!stop_requested()) {
      outcome = play(task);
    }
    const std::lock_guard lock(mutex);
    if (outcome.completed) {
      try {
        log.add(task, outcome);
      } catch (const std::exception& error) {
        outcome.error = error.what();
      }
    }
    if (outcome.completed) {
      if (const std::string problem = cache.add(task, outcome); !problem.empty()) {
        tell("{}", problem);
      }
    }
    bar.update(++done, task.name());
  });
  return outcomes;
}

/// All that is known before anything is played.
void write_configuration(const EvaluationPlan& plan, const std::list<EvaluatedWorld>& worlds) {
  write_file(plan.output / "config.yaml", plan.to_yaml());
  std::vector<std::string> boards;
  for (const auto& world : worlds) {
    write_file(plan.output / "config" / world.run / (world.scenario + ".yaml"),
               world.config.effective);
    if (std::ranges::count(boards, world.config.board.name) == 0) {
      boards.push_back(world.config.board.name);
    }
  }
  write_file(plan.output / "machine.json", json_text(simulation_info(boards), 2) + "\n");
}

void write_results(const EvaluationPlan& plan, const report::Evaluation& evaluation) {
  const fs::path page = plan.output / "report.html";
  write_file(plan.output / "summary.json", json_text(evaluation.to_json(), 1) + "\n");
  if (!evaluation.courses.empty()) {
    write_file(plan.output / "courses.json", json_text(evaluation.courses_to_json()) + "\n");
  }
  write_file(page, report::make_page(evaluation, plan.to_yaml()));
  put("{}{}\n", report::to_text(evaluation), page.string());
}

/// Draws the worlds of the suite and writes them into the output's folder.
/// @return their run files
std::vector<fs::path> write_suite(const EvaluationPlan& plan, std::size_t jobs) {
  const fs::path folder = plan.output / "worlds";
  std::vector<suite::DrawnWorld> worlds(plan.worlds);
  ProgressBar bar("draw worlds", worlds.size());
  std::mutex mutex;
  std::size_t done = 0;
  run_parallel(worlds.size(), jobs, [&](std::size_t i) {
    if (!stop_requested()) {
      worlds[i] = suite::draw_held_out(plan.suite_seed, i);
    }
    const std::lock_guard lock(mutex);
    bar.update(++done, worlds[i].kind);
  });
  if (stop_requested()) {
    throw Interrupted("interrupted before the worlds were drawn");
  }
  std::vector<fs::path> files;
  for (const auto& world : worlds) {
    files.push_back(folder / (world.name + ".yaml"));
    write_file(files.back(), world.run);
    if (!world.recording.empty()) {
      write_file(folder / world.recording_file(), world.recording);
    }
  }
  return files;
}

/// What is to be played, a line a world.
void list_worlds(const std::list<EvaluatedWorld>& worlds) {
  for (const auto& world : worlds) {
    put("{:<12} {:<16} {:<44} {:>4} actions, {} ms, {:.4g} s, {}\n", world.run, world.scenario,
        world.config.board.name, SimulatedWorld(world.task).environment().action_space().size(),
        to_milliseconds(world.config.period), world.config.duration_s,
        world.config.objective.name());
  }
}

void make_output(EvaluationPlan& plan) {
  if (plan.output.empty()) {
    plan.output = make_dated_folder(fs::path("results") / "evaluate", "");
  }
}

/// @throws UsageError for what does not go together.
void check_suite(const EvaluationPlan& plan) {
  if (plan.suite.empty() && plan.files.empty()) {
    throw UsageError("expected RUN.yaml or --suite held-out, found neither");
  }
  if (!plan.suite.empty() && !(plan.files.empty() && plan.scenarios.empty())) {
    throw UsageError(fmt::format(
        "--suite {}: draws its own runs and scenarios: expected no others, found {}", plan.suite,
        (plan.files.empty() ? plan.scenarios : plan.files).front().string()));
  }
}

int evaluate(const EvaluateOptions& options) {
  EvaluationPlan plan = options.plan;
  check_suite(plan);
  plan.variants = choose_variants(options);
  if (!plan.compared.empty()) {
    require_variant(plan.variants, plan.compared, "--compare");
  }
  for (const auto& name : plan.shown) {
    require_variant(plan.variants, name, "--show");
  }
  if (options.resume && plan.output.empty()) {
    throw UsageError("--resume: expected --output with the folder to go on with, found none");
  }
  if (!plan.output.empty() && !options.resume) {
    require_unused(plan.output);
  }
  catch_interrupts();
  if (!plan.suite.empty()) {
    make_output(plan);
    plan.files = write_suite(plan, options.jobs);
  }
  const auto worlds = read_worlds(plan);
  auto tasks = make_tasks(plan, worlds);
  if (options.dry_run) {
    list_worlds(worlds);
    return kDone;
  }
  make_output(plan);
  for (auto& task : tasks) {
    task.folder = task.folder.empty() ? fs::path() : plan.output / task.folder;
  }
  write_configuration(plan, worlds);

  EpisodeLog log(plan.output / kLog);
  EpisodeCache cache(options.no_cache ? fs::path() : EpisodeCache::default_folder());
  const auto outcomes = play_all(tasks, options.jobs, log, cache);
  auto evaluation = summarise(plan, worlds, outcomes);
  const auto played = std::ranges::count_if(outcomes, &EpisodeOutcome::completed);
  const bool is_interrupted = played + std::ssize(evaluation.errors) < std::ssize(outcomes);
  if (is_interrupted) {
    evaluation.ended = fmt::format("interrupted: {} of {} episodes were played to the end", played,
                                   outcomes.size());
  }
  try {
    write_results(plan, evaluation);
  } catch (const std::exception& consequence) {
    if (evaluation.errors.empty()) {
      throw;
    }
    tell_line_at_end(consequence.what());
  }
  for (const auto& error : evaluation.errors) {
    tell("{}", error);
  }
  if (is_interrupted) {
    tell("{}; --output {} --resume goes on", evaluation.ended, plan.output.string());
  }
  return !evaluation.errors.empty() ? kFailed : is_interrupted ? kInterrupted : kDone;
}

}  // namespace

void add_evaluate(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* verb = app.add_subcommand(
      "evaluate", "Compare agents in simulation: the same boards, scenarios and seeds for each");
  verb->add_option("RUN.yaml", options->plan.files, "Run files with `platform: {kind: simulated}`");
  CLI::Option* const suite =
      verb->add_option("--suite", options->plan.suite,
                       "Instead of run files: worlds that are drawn, each once for every agent")
          ->check(CLI::IsMember({kHeldOut}));
  verb->add_option("--seed", options->plan.suite_seed, "Of the suite: another one, other worlds")
      ->needs(suite)
      ->check(CLI::Range(std::uint64_t{0}, static_cast<std::uint64_t>(Range::seed().max)))
      ->capture_default_str();
  verb->add_option("--worlds", options->plan.worlds, "Of the suite: how many are drawn")
      ->needs(suite)
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_flag("--dry-run", options->dry_run,
                 "Check everything and list the worlds; plays nothing");
  verb->add_option("--agents", options->agents,
                   "Kinds of agents, with commas between; the oracle is always played")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->default_str(fmt::format("{}", fmt::join(kUsualAgents, ",")));
  verb->add_option("--variants", options->variants,
                   "A file with agents under names of their own: parameters, checkpoints")
      ->type_name("FILE");
  verb->add_option("--compare", options->plan.compared,
                   "An agent to be put beside each other one, episode by episode")
      ->type_name("NAME");
  verb->add_option("--show", options->plan.shown,
                   "Agents whose first episodes are drawn beside the oracle's")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--scenarios", options->plan.scenarios,
                   "Scenario files, each of which is played instead of the runs' own")
      ->type_name("FILE");
  const CLI::Option* const seeds =
      verb->add_option("--seeds", options->plan.seeds,
                       "Episodes of each agent: with the seeds 1 to N; with --suite 1 if not given")
          ->check(CLI::Range(1, 10'000))
          ->capture_default_str();
  verb->add_option("--practice", options->plan.practice,
                   "Episodes with other seeds that a learner plays before the one that counts")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  verb->add_option("--jobs", options->jobs, "Episodes that are played at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--output", options->plan.output, "Folder for summary, report and traces")
      ->type_name("DIR");
  verb->add_option("--duration", options->plan.duration_s,
                   "Seconds after which an episode ends, instead of the scenario's")
      ->check(CLI::Range(Range::seconds().min, Range::seconds().max));
  verb->add_option("--set", options->plan.settings,
                   "dotted.key=value: a value instead of the files'; repeatable")
      ->allow_extra_args(false);
  verb->add_flag("--resume", options->resume,
                 "Go on in the folder of --output: what was played there is not played again");
  verb->add_flag("--no-cache", options->no_cache,
                 "Play the oracle and best_static too where they were played before");
  verb->add_flag("--traces", options->plan.traces,
                 "Write trace.csv and summary.json of every episode");
  verb->callback([options, seeds, &action] {
    if (!options->plan.suite.empty() && seeds->count() == 0) {
      options->plan.seeds = 1;
    }
    action = [options] { return evaluate(*options); };
  });
}

}  // namespace rein
