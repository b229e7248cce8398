#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/control_loop.hpp"
#include "agent/make_agent.hpp"
#include "agent/run_summary.hpp"
#include "agent/trace_writer.hpp"
#include "cli/interrupt.hpp"
#include "cli/machine_info.hpp"
#include "cli/run_config.hpp"
#include "cli/status_line.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "env/live_environment.hpp"
#include "env/scenario_player.hpp"
#include "models/slimmable_network.hpp"
#include "platform/co_runner_process.hpp"
#include "platform/control_guard.hpp"
#include "platform/linux_platform.hpp"

namespace rein {

namespace {

struct Options {
  std::filesystem::path file;
  RunOverrides overrides;
  std::filesystem::path load;
  std::filesystem::path output;
  bool dry_run = false;
};

std::vector<std::unique_ptr<CoRunner>> make_co_runners(const Scenario& scenario) {
  std::vector<std::unique_ptr<CoRunner>> co_runners;
  for (const auto& spec : scenario.co_runners) {
    co_runners.push_back(std::make_unique<CoRunnerProcess>(
        CoRunnerCommand{.name = spec.name,
                        .argv = spec.command,
                        .cpus = spec.cpus,
                        .user = spec.user.empty() ? std::nullopt : std::optional(spec.user)}));
  }
  return co_runners;
}

LinuxPlatformOptions platform_options(const RunConfig& config) {
  const ApplicationConfig& application = config.applications.front();
  LinuxPlatformOptions options;
  options.applications = {application.name};
  if (!application.places.empty()) {
    options.places[application.name] = application.places;
  }
  options.frequency = config.use_frequency;
  options.bandwidth = config.use_bandwidth;
  return options;
}

std::filesystem::path default_output(const Options& options, const Agent& agent) {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  localtime_r(&now, &date);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &date);
  return std::filesystem::path("results") / options.file.stem() /
         fmt::format("{}_{}", text, agent.kind());
}

void require_free(const std::filesystem::path& output) {
  if (std::filesystem::exists(output / "trace.csv")) {
    throw UsageError(fmt::format(
        "--output: expected a folder without a run, found {}: choose another or remove it",
        (output / "trace.csv").string()));
  }
}

void describe(const RunConfig& config, const Environment& environment) {
  fmt::print("board       {}\n", config.board.name);
  fmt::print("objective   {}\n", config.objective.name());
  fmt::print("period      {} ms\n", to_milliseconds(config.period));
  fmt::print("duration    {} s\n", config.duration_s);
  fmt::print("scenario    {}\n", config.scenario.name);
  for (const auto& phase : config.scenario.phases) {
    std::vector<std::string> names;
    for (const std::size_t i : phase.co_runners) {
      names.push_back(fmt::format("{}", fmt::join(config.scenario.co_runners[i].command, " ")));
    }
    fmt::print("  {:>6.1f} s  {:<24} {}\n", phase.duration_s, phase.name, fmt::join(names, "; "));
  }
  fmt::print("knobs       {} actions\n", environment.action_space().size());
  for (const auto& knob : environment.action_space().knobs()) {
    std::vector<std::string> labels;
    std::ranges::transform(knob.levels, std::back_inserter(labels), &Knob::Level::label);
    fmt::print("  {:<24} {}\n", knob.name, fmt::join(labels, ", "));
  }
  fmt::print("features    {}\n", environment.observation_spec().size());
  for (const auto& feature : environment.observation_spec().features()) {
    fmt::print("  {:<24} {}\n", feature.name, feature.source);
  }
}

/// Writes what a run leaves behind beside its trace.
void write_results(const std::filesystem::path& output, const RunConfig& config,
                   const RunSummary& summary, const Agent& agent, const std::string& ended) {
  nlohmann::ordered_json json;
  json["version"] = REIN_VERSION;
  json["agent"] = agent.kind();
  json["board"] = config.board.name;
  json["scenario"] = config.scenario.name;
  json["seed"] = config.seed;
  json["objective"] = config.objective.name();
  json["period_ms"] = to_milliseconds(config.period);
  json["duration_s"] = config.duration_s;
  json["ended"] = ended;
  json.update(summary.to_json());
  write_file(output / "summary.json", json.dump(2) + "\n");
  agent.save(output / "checkpoint" / "agent.json");
}

void print_result(const RunSummary& summary) {
  fmt::print("{:<12} {:>8} {:>9} {:>10}\n", "", "requests", "missed", "top-1");
  for (const auto& [name, statistics] :
       {std::pair{"whole run", &summary.whole()}, {"second half", &summary.second_half()}}) {
    fmt::print("{:<12} {:>8} {:>7.2f} % {:>8.2f} %\n", name, statistics->requests(),
               100.0 * statistics->miss_share(), 100.0 * statistics->accuracy_top1());
  }
}

int run(const Options& options) {
  const RunConfig config = RunConfig::load(options.file, options.overrides);
  if (!options.output.empty()) {
    require_free(options.output);
  }
  catch_interrupts();

  // First of all: it refuses a second run, and forks while this process is small.
  const SysfsRoot root;
  ControlGuard guard(
      root, [](const std::string& line) { spdlog::error("{}", line); },
      options.dry_run ? ControlGuard::Reach::kProcess : ControlGuard::Reach::kMachine);

  // The co-runners' supervisors are forked first: before LibTorch makes threads, and before the
  // platform moves this process into its control group, where they don't belong.
  ScenarioPlayer player(config.scenario, make_co_runners(config.scenario));

  const ApplicationConfig& application = config.applications.front();
  const auto network = load_slimmable_network(application.checkpoint);
  const ImageSet images = application.data_set->read(application.images_folder, ImageSplit::kTest);

  SteadyClock clock;
  LinuxPlatform platform(config.board, root, clock, guard, platform_options(config));
  for (const auto& note : platform.notes()) {
    spdlog::debug("{}", note);
  }
  if (!platform.notes().empty()) {
    spdlog::info("{} kinds of signal or control are not to be had here: `rein probe` says why",
                 platform.notes().size());
  }
  LiveEnvironment environment(platform, {application.name, *network, images, application.requests},
                              player, Reward(config.objective, config.prices), clock,
                              {.period = config.period, .duration_s = config.duration_s});

  Problem problem{environment.action_space(), environment.observation_spec(), {}};
  for (ActionId action = 0; action < problem.actions.size(); ++action) {
    problem.reward_bounds.push_back(environment.reward_bound(action));
  }
  Random random(config.seed);
  const auto agent = make_agent(config.agent, problem, random);
  if (!options.load.empty()) {
    agent->load(std::filesystem::is_directory(options.load) ? options.load / "agent.json"
                                                            : options.load);
  }
  if (options.dry_run) {
    describe(config, environment);
    return 0;
  }

  const auto output = options.output.empty() ? default_output(options, *agent) : options.output;
  require_free(output);
  make_folder(output);
  write_file(output / "config.yaml", config.effective);
  write_file(output / "machine.json", machine_info(config.board).dump(2) + "\n");
  std::ofstream trace_file(output / "trace.csv");
  if (!trace_file) {
    throw Error(fmt::format("{}: cannot be written", (output / "trace.csv").string()));
  }
  TraceWriter trace(environment, trace_file);
  RunSummary summary(environment, config.duration_s);
  {
    StatusLine status(environment, config.duration_s);
    ControlLoop loop(environment, *agent, clock,
                     {[&](const PeriodRecord& record) { trace.write(record); },
                      [&](const PeriodRecord& record) { summary.add(record); },
                      [&](const PeriodRecord& record) { status.update(record); },
                      [](const PeriodRecord& record) {
                        for (const auto& message : record.result.info.messages) {
                          spdlog::warn("{}", message);
                        }
                      }});
    try {
      loop.run(config.seed, stop_requested);
    } catch (const std::exception& error) {
      write_results(output, config, summary, *agent, error.what());
      throw;
    }
  }
  write_results(output, config, summary, *agent, stop_requested() ? "interrupted" : "completed");
  print_result(summary);
  fmt::print("{}\n", output.string());
  return 0;
}

}  // namespace

void add_run(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "run", "Serve and manage: an agent sets the knobs every period, and learns.");
  verb->add_option("RUN.yaml", options->file, "The run file")->required();
  verb->add_option(
      "--agent", options->overrides.agent,
      fmt::format("The agent's kind, instead of the file's ({})", fmt::join(agent_kinds(), ", ")));
  verb->add_option("--load", options->load, "Go on from this checkpoint (a file or its folder)");
  verb->add_option("--seed", options->overrides.seed, "Of all that is random")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--duration", options->overrides.duration_s,
                   "Seconds after which the run ends, instead of the scenario's")
      ->check(CLI::PositiveNumber);
  verb->add_option("--output", options->output, "Folder for trace, summary and checkpoint");
  verb->add_option("--set", options->overrides.settings,
                   "dotted.key=value: a value instead of the file's; repeatable")
      ->allow_extra_args(false);
  verb->add_flag("--dry-run", options->dry_run,
                 "Check everything and show what would be run, without setting anything");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace rein
