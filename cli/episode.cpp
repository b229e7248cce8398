#include "cli/episode.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "agent/core/examples.hpp"
#include "agent/loop/control_loop.hpp"
#include "agent/loop/run_summary.hpp"
#include "agent/make_agent.hpp"
#include "cli/dated_folder.hpp"
#include "cli/output.hpp"
#include "cli/status_line.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "common/stop.hpp"
#include "common/time_text.hpp"
#include "env/trace_writer.hpp"
#include "study/run/run_description.hpp"

namespace rein {

namespace {

std::filesystem::path make_output(const RunOptions& options, const Learner& agent) {
  if (options.output.empty()) {
    return make_dated_folder(std::filesystem::path("results") / options.file.stem(),
                             fmt::format("_{}", agent.policy().kind()));
  }
  require_free(options.output);
  make_folder(options.output);
  return options.output;
}

/// Of a real machine the command, of a simulated one the name.
std::string describe(const CoRunnerSpec& co_runner, PlatformKind platform) {
  return platform == PlatformKind::kLinux ? fmt::format("{}", fmt::join(co_runner.command, " "))
                                          : co_runner.name;
}

void describe(const RunConfig& config, const Environment& environment) {
  put("board       {}{}\n", config.board.name,
      config.platform == PlatformKind::kSimulated ? " (simulated)" : "");
  put("objective   {}\n", config.objective.name());
  put("period      {} ms\n", to_milliseconds(config.period));
  put("duration    {} s\n", config.duration_s);
  put("scenario    {}{}\n", config.scenario.name,
      config.scenario.chain ? " (drawn; durations are means)" : "");
  for (const auto& phase : config.scenario.phases) {
    std::vector<std::string> names;
    for (const std::size_t i : phase.co_runners) {
      names.push_back(describe(config.scenario.co_runners[i], config.platform));
    }
    put("  {:>6.1f} s  {:<24} {}\n", phase.duration_s, phase.name, fmt::join(names, "; "));
  }
  put("knobs       {} actions\n", environment.action_space().size());
  for (const auto& knob : environment.action_space().knobs()) {
    std::vector<std::string> labels;
    std::ranges::transform(knob.levels, std::back_inserter(labels), &Knob::Level::label);
    put("  {:<24} {}\n", knob.name, fmt::join(labels, ", "));
  }
  put("features    {}\n", environment.observation_spec().size());
  for (const auto& line : describe(environment.observation_spec())) {
    put("  {}\n", line);
  }
}

/// What a run leaves behind. Each part is written whatever became of the others.
class Results {
 public:
  /// All must outlive the results.
  Results(std::filesystem::path output, const RunConfig& config, const RunSummary& summary,
          const Learner& agent)
      : output_(std::move(output)), config_(config), summary_(summary), agent_(agent) {}

  /// @param trace  to be closed.  @param ended  how: "completed", "interrupted", or what went
  /// wrong.  @param error  that went wrong before, if it did.
  /// @throws whatever went wrong first, which decides the exit status; the rest is told after it.
  void write(OutputFile& trace, const std::string& ended, std::exception_ptr error = nullptr) {
    first_ = std::move(error);
    const bool has_failed = !trace;  // Which was told.
    attempt([&] {
      trace.close();
      if (!trace && !has_failed) {
        throw Error(
            fmt::format("{}: cannot be written to its end", (output_ / "trace.csv").string()));
      }
    });
    attempt([&] {
      const auto json =
          describe_run(config_, agent_.policy().kind(), config_.seed, ended, summary_);
      write_file(output_ / "summary.json", json_text(json, 2) + "\n");
    });
    attempt([&] { agent_.save(output_ / "checkpoint" / "agent.json"); });
    if (first_) {
      std::rethrow_exception(first_);
    }
  }

 private:
  template <typename Write>
  void attempt(const Write& write) {
    try {
      write();
    } catch (const std::exception& error) {
      if (first_) {
        tell_line_at_end(error.what());
      }
      first_ = first_ ? first_ : std::current_exception();
    }
  }

  std::filesystem::path output_;
  const RunConfig& config_;
  const RunSummary& summary_;
  const Learner& agent_;
  std::exception_ptr first_;
};

/// A share in per cent; "-" of nothing.
std::string percent(double share, std::uint64_t of) {
  return of > 0 ? fmt::format("{:.2f} %", 100.0 * share) : "-";
}

void print_result(const RunSummary& summary) {
  put("{:<12} {:>8} {:>9} {:>10}\n", "", "requests", "missed", "top-1");
  const Statistics second_half = summary.second_half();
  for (const auto& [name, statistics] :
       {std::pair{"whole run", &summary.whole()}, {"second half", &second_half}}) {
    put("{:<12} {:>8} {:>9} {:>10}\n", name, statistics->requests(),
        percent(statistics->miss_share(), statistics->requests()),
        percent(statistics->accuracy_top1(), statistics->served()));
  }
  // A simulated board's clock does not run meanwhile.
  if (summary.decisions().quantile_ms(1.0) > 0.0) {
    const auto text = [](const LatencyHistogram& times) {
      return fmt::format("{} (p99 {})", time_text(times.quantile_ms(0.5) * 1e-3),
                         time_text(times.quantile_ms(0.99) * 1e-3));
    };
    put("decisions    {}, learning {}\n", text(summary.decisions()), text(summary.learnings()));
  }
}

}  // namespace

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

  const auto output = make_output(options, *agent);
  write_file(output / "config.yaml", config.effective);
  write_file(output / "machine.json", json_text(stage.machine, 2) + "\n");
  TraceDescription description = TraceDescription::of(environment);
  description.program = REIN_VERSION;
  description.seed = config.seed;
  description.write_beside(output / "trace.csv");
  OutputFile trace_file(output / "trace.csv", OutputFile::IfThere::kFail);
  TraceWriter trace(std::move(description), trace_file);
  RunSummary summary(environment, config.duration_s, RunSummary::Ends::kAnyTime);
  Results results(output, config, summary, *agent);
  {
    StatusLine status(environment, config.duration_s);
    // A simulated board comes to no harm.
    const auto shield = make_shield(
        config.shield.options_or(config.platform == PlatformKind::kLinux && agent->learns()),
        environment);
    ControlLoop loop(environment, *agent, random, stage.clock,
                     {.sinks = {[&](const PeriodRecord& record) { trace.write(record); },
                                [&](const PeriodRecord& record) { summary.add(record); },
                                [&](const PeriodRecord& record) { status.update(record); },
                                [](const PeriodRecord& record) {
                                  for (const auto& message : record.result.info.messages) {
                                    spdlog::warn("{}", message);
                                  }
                                }},
                      .shield = shield.get(),
                      .policy = hash_of(agent->policy()),
                      .with_probability = true});
    try {
      loop.run(config.seed, stop_requested);
    } catch (const std::exception& error) {
      results.write(trace_file, error.what(), std::current_exception());
    }
  }
  results.write(trace_file, summary.is_complete() ? "completed" : "interrupted");
  print_result(summary);
  if (!summary.is_complete()) {
    put("interrupted after {:.1f} of {:.1f} s\n", summary.duration_s(), config.duration_s);
  }
  put("{}\n", output.string());
}

}  // namespace rein
