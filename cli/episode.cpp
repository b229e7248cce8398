#include "cli/episode.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>

#include "agent/control_loop.hpp"
#include "agent/trace_writer.hpp"
#include "cli/interrupt.hpp"
#include "cli/now_as_name.hpp"
#include "cli/status_line.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

std::filesystem::path default_output(const RunOptions& options, const Agent& agent) {
  return std::filesystem::path("results") / options.file.stem() /
         fmt::format("{}_{}", now_as_name(), agent.kind());
}

/// Of a real machine the command, of a simulated one the name.
std::string describe(const CoRunnerSpec& co_runner, PlatformKind platform) {
  return platform == PlatformKind::kLinux ? fmt::format("{}", fmt::join(co_runner.command, " "))
                                          : co_runner.name;
}

void describe(const RunConfig& config, const Environment& environment) {
  fmt::print("board       {}{}\n", config.board.name,
             config.platform == PlatformKind::kSimulated ? " (simulated)" : "");
  fmt::print("objective   {}\n", config.objective.name());
  fmt::print("period      {} ms\n", to_milliseconds(config.period));
  fmt::print("duration    {} s\n", config.duration_s);
  fmt::print("scenario    {}{}\n", config.scenario.name,
             config.scenario.chain ? " (drawn; durations are means)" : "");
  for (const auto& phase : config.scenario.phases) {
    std::vector<std::string> names;
    for (const std::size_t i : phase.co_runners) {
      names.push_back(describe(config.scenario.co_runners[i], config.platform));
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
  const auto json = describe_run(config, agent.kind(), config.seed, ended, summary);
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

}  // namespace

nlohmann::ordered_json describe_run(const RunConfig& config, const std::string& agent,
                                    std::uint64_t seed, const std::string& ended,
                                    const RunSummary& summary) {
  nlohmann::ordered_json json;
  json["version"] = REIN_VERSION;
  json["agent"] = agent;
  json["board"] = config.board.name;
  json["scenario"] = config.scenario.name;
  json["seed"] = seed;
  json["objective"] = config.objective.name();
  json["period_ms"] = to_milliseconds(config.period);
  json["duration_s"] = config.duration_s;
  json["ended"] = ended;
  json.update(summary.to_json());
  return json;
}

void require_free(const std::filesystem::path& output) {
  if (is_there(output / "trace.csv")) {
    throw UsageError(fmt::format(
        "--output: expected a folder without a run, found {}: choose another or remove it",
        (output / "trace.csv").string()));
  }
}

void play_episode(const RunConfig& config, const RunOptions& options, const Stage& stage) {
  Environment& environment = stage.environment;
  Random random(config.seed);
  const auto agent = make_agent(config.agent, problem_of(environment), random, stage.foresight);
  if (!options.load.empty()) {
    agent->load(is_folder(options.load) ? options.load / "agent.json" : options.load);
  }
  if (options.dry_run) {
    describe(config, environment);
    return;
  }

  const auto output = options.output.empty() ? default_output(options, *agent) : options.output;
  require_free(output);
  make_folder(output);
  write_file(output / "config.yaml", config.effective);
  write_file(output / "machine.json", stage.machine.dump(2) + "\n");
  std::ofstream trace_file(output / "trace.csv");
  if (!trace_file) {
    throw Error(fmt::format("{}: cannot be written", (output / "trace.csv").string()));
  }
  TraceWriter trace(environment, trace_file);
  RunSummary summary(environment, config.duration_s);
  {
    StatusLine status(environment, config.duration_s);
    // A simulated board comes to no harm.
    const auto shield = make_shield(
        config.shield.options_or(config.platform == PlatformKind::kLinux && agent->learns()),
        environment);
    ControlLoop loop(environment, *agent, stage.clock,
                     {[&](const PeriodRecord& record) { trace.write(record); },
                      [&](const PeriodRecord& record) { summary.add(record); },
                      [&](const PeriodRecord& record) { status.update(record); },
                      [](const PeriodRecord& record) {
                        for (const auto& message : record.result.info.messages) {
                          spdlog::warn("{}", message);
                        }
                      }},
                     shield.get());
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
}

}  // namespace rein
