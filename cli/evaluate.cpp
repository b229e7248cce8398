#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent/make_agent.hpp"
#include "cli/evaluation/episode_task.hpp"
#include "cli/evaluation/parallel.hpp"
#include "cli/evaluation/plan.hpp"
#include "cli/evaluation/summary.hpp"
#include "cli/interrupt.hpp"
#include "cli/machine_info.hpp"
#include "cli/now_as_name.hpp"
#include "cli/progress.hpp"
#include "cli/report/evaluation.hpp"
#include "cli/report/evaluation_page.hpp"
#include "cli/report/evaluation_table.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

namespace fs = std::filesystem;

struct Options {
  EvaluationPlan plan{.agents = {"static", "best_static", kReferenceAgent, "random", "q_learning"}};
  std::size_t jobs = std::max(1U, std::thread::hardware_concurrency());
};

/// @throws UsageError if the folder holds results.
void require_unused(const fs::path& output) {
  if (fs::exists(output / "summary.json")) {
    throw UsageError(fmt::format(
        "--output: expected a folder without results, found {}: choose another or remove it",
        (output / "summary.json").string()));
  }
}

std::vector<std::string> check_agents(std::vector<std::string> agents) {
  for (auto agent = agents.begin(); agent != agents.end(); ++agent) {
    if (std::ranges::count(agent_kinds(), *agent) == 0) {
      throw UsageError(fmt::format("--agents: expected kinds of agents ({}), found '{}'",
                                   fmt::join(agent_kinds(), ", "), *agent));
    }
    if (std::find(agents.begin(), agent, *agent) != agent) {
      throw UsageError(fmt::format("--agents: expected each once, found '{}' twice", *agent));
    }
  }
  if (std::ranges::count(agents, kReferenceAgent) == 0) {
    agents.push_back(kReferenceAgent);
  }
  return agents;
}

std::vector<EpisodeOutcome> play_all(const std::vector<EpisodeTask>& tasks, std::size_t jobs) {
  std::vector<EpisodeOutcome> outcomes(tasks.size());
  ProgressBar bar("evaluate", tasks.size());
  std::mutex mutex;
  std::size_t done = 0;
  run_parallel(tasks.size(), jobs, [&](std::size_t i) {
    if (!stop_requested()) {
      outcomes[i] = play(tasks[i]);
    }
    const std::lock_guard lock(mutex);
    bar.update(++done, tasks[i].name());
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
  write_file(plan.output / "machine.json", simulation_info(boards).dump(2) + "\n");
}

int evaluate(const Options& options) {
  EvaluationPlan plan = options.plan;
  plan.agents = check_agents(plan.agents);
  plan.output =
      plan.output.empty() ? fs::path("results") / "evaluate" / now_as_name() : plan.output;
  require_unused(plan.output);
  const auto worlds = read_worlds(plan);
  const auto tasks = make_tasks(plan, worlds);
  catch_interrupts();
  write_configuration(plan, worlds);

  const auto outcomes = play_all(tasks, options.jobs);
  const auto evaluation = summarise(plan, worlds, outcomes);
  const fs::path page = plan.output / "report.html";
  write_file(plan.output / "summary.json", evaluation.to_json().dump(1) + "\n");
  write_file(page, report::make_page(evaluation, plan.to_yaml()));
  fmt::print("{}{}\n", report::to_text(evaluation), page.string());
  for (const auto& error : evaluation.errors) {
    fmt::print(stderr, "rein: {}\n", error);
  }
  if (stop_requested()) {
    fmt::print(stderr, "rein: interrupted: {} of {} episodes were played to the end\n",
               std::ranges::count_if(outcomes, &EpisodeOutcome::completed), outcomes.size());
  }
  return evaluation.errors.empty() ? 0 : 1;
}

}  // namespace

void add_evaluate(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "evaluate", "Compare agents in simulation: the same boards, scenarios and seeds for each");
  verb->add_option("RUN.yaml", options->plan.files, "Run files with `platform: {kind: simulated}`")
      ->required();
  verb->add_option("--agents", options->plan.agents,
                   "Kinds of agents, with commas between; the oracle is always played")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  verb->add_option("--scenarios", options->plan.scenarios,
                   "Scenario files, each of which is played instead of the runs' own")
      ->type_name("FILE");
  verb->add_option("--seeds", options->plan.seeds, "Episodes of each agent: with the seeds 1 to N")
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
      ->check(CLI::PositiveNumber);
  verb->add_option("--set", options->plan.settings,
                   "dotted.key=value: a value instead of the files'; repeatable")
      ->allow_extra_args(false);
  verb->add_flag("--traces", options->plan.traces,
                 "Write trace.csv and summary.json of every episode");
  verb->callback([options, &action] { action = [options] { return evaluate(*options); }; });
}

}  // namespace rein
