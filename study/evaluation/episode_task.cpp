#include "study/evaluation/episode_task.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "agent/core/examples.hpp"
#include "agent/loop/control_loop.hpp"
#include "agent/loop/shield.hpp"
#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "common/stop.hpp"
#include "env/trace_writer.hpp"
#include "study/evaluation/course_recorder.hpp"
#include "study/run/run_description.hpp"

namespace rein {

namespace {

/// Practice has seeds that no other episode has.
constexpr std::uint64_t kPracticeSeeds = 1'000'000;

/// What the variant says; else what the run file says, for agents that learn: the others are what
/// they are compared with.
std::optional<Shield::Options> shield_of(const EpisodeTask& task, const Learner& agent) {
  if (!task.agent.shield.empty()) {
    const auto node = ConfigNode::parse(task.agent.shield, task.agent.origin.string());
    return ShieldSetting::from_yaml(node).options_or(false);
  }
  return agent.learns() ? task.world->config.shield.options_or(false) : std::nullopt;
}

void play_into(const EpisodeTask& task, EpisodeOutcome& outcome) {
  const EvaluatedWorld& of = *task.world;
  SimulatedWorld world(of.task);
  Environment& environment = world.environment();
  const Foresight foresight{
      .clairvoyant = &world.clairvoyant(),
      .find_best_static = [&] { return find_best_static(of.task, task.seed); },
      .measure_profile = [&] { return of.profile->get(); }};
  Random random(task.seed);
  const auto agent =
      make_agent(ConfigNode::parse(task.agent.parameters, task.agent.origin.string()),
                 problem_of(environment), random, foresight);
  if (!task.agent.load.empty()) {
    agent->load(task.agent.load);
  }
  const auto shield = make_shield(shield_of(task, *agent), environment);
  for (std::uint64_t i = 0; agent->learns() && i < task.agent.practice; ++i) {
    ControlLoop(environment, *agent, random, world.clock(), {.shield = shield.get()})
        .run(kPracticeSeeds * (i + 1) + task.seed, stop_requested);
  }

  std::optional<OutputFile> file;
  std::optional<TraceWriter> trace;
  RunSummary summary(environment, of.config.duration_s);
  std::vector<PeriodSink> sinks = {[&](const PeriodRecord& record) { summary.add(record); }};
  if (!task.folder.empty()) {
    TraceDescription description = TraceDescription::of(environment);
    description.program = REIN_VERSION;
    description.seed = task.seed;
    description.write_beside(task.folder / "trace.csv");
    file.emplace(task.folder / "trace.csv", OutputFile::IfThere::kReplace);
    trace.emplace(std::move(description), *file);
    sinks.emplace_back([&](const PeriodRecord& record) { trace->write(record); });
  }
  CourseRecorder course(environment, of.config.duration_s);
  if (task.wants_course) {
    sinks.emplace_back([&](const PeriodRecord& record) { course.add(record); });
  }
  Action last;
  std::string phase;
  sinks.emplace_back([&](const PeriodRecord& record) {
    last = record.action;
    const StepInfo& info = record.result.info;
    outcome.rewards.add(record.result.reward, record.index > 0 && info.phase != phase,
                        info.skipped_periods);
    phase = info.phase;
  });
  ControlLoop(environment, *agent, random, world.clock(),
              {.sinks = sinks,
               .shield = shield.get(),
               .policy = trace ? hash_of(agent->policy()) : std::string(),
               .with_probability = trace.has_value()})
      .run(task.seed, stop_requested);
  if (stop_requested()) {
    return;
  }
  if (!task.folder.empty()) {
    file->close();
    if (!*file) {
      throw Error(
          fmt::format("{}: cannot be written to its end", (task.folder / "trace.csv").string()));
    }
    const auto json = describe_run(of.config, task.agent.name, task.seed, "completed", summary);
    write_file(task.folder / "summary.json", json_text(json, 2) + "\n");
  }
  outcome.course = course.course();
  outcome.figures = figures_of(summary, of.config.objective);
  if (agent->policy().kind() == "static" || agent->policy().kind() == "best_static") {
    outcome.configuration = environment.action_space().describe(last);
  }
  outcome.completed = true;
}

}  // namespace

std::string EpisodeTask::name() const {
  return fmt::format("{}, {}, {}, seed {}", world->run, world->scenario, agent.name, seed);
}

EpisodeOutcome play(const EpisodeTask& task) {
  EpisodeOutcome outcome;
  try {
    play_into(task, outcome);
  } catch (const Interrupted&) {
    // Not played, which is no error.
  } catch (const std::exception& error) {
    outcome.error = fmt::format("{}: {}", task.name(), error.what());
  }
  return outcome;
}

}  // namespace rein
