#include "fuzz/readers.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "agent/core/profile.hpp"
#include "agent/loop/control_loop.hpp"
#include "agent/loop/run_summary.hpp"
#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "env/recorded_arrivals.hpp"
#include "env/trace_reader.hpp"
#include "env/trace_writer.hpp"
#include "models/image_set.hpp"
#include "models/slimmable_checkpoint.hpp"
#include "platform/giving_back/state_file.hpp"
#include "study/calibration/board_fit.hpp"
#include "study/calibration/measurement_table.hpp"
#include "study/evaluation/episode_log.hpp"
#include "study/evaluation/variants.hpp"
#include "study/report/evaluation_page.hpp"
#include "study/report/evaluation_table.hpp"
#include "study/report/page.hpp"
#include "study/report/run_results.hpp"
#include "study/report/table.hpp"
#include "study/run/run_config.hpp"
#include "study/run/run_description.hpp"
#include "study/run/simulated_run.hpp"
#include "study/training/recorded_trace.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein::fuzz {

namespace {

/// Several files in one input have a line of these between them.
constexpr std::string_view kBetween = "\n=====\n";

/// Of this process, for the readers that take a path.
const std::filesystem::path& folder() {
  static const TemporaryFolder folder;
  return folder.path();
}

std::filesystem::path store(const std::string& name, std::string_view bytes) {
  write_file(folder() / name, bytes);
  return folder() / name;
}

std::string text(std::string_view bytes) { return std::string(bytes); }

/// The parts of an input, empty where there are fewer.
template <std::size_t kParts>
std::array<std::string, kParts> parts(std::string_view bytes) {
  std::array<std::string, kParts> result;
  for (std::size_t i = 0; i < kParts; ++i) {
    const std::size_t end = i + 1 < kParts ? bytes.find(kBetween) : bytes.npos;
    result[i] = bytes.substr(0, end);
    bytes = end == bytes.npos ? std::string_view{} : bytes.substr(end + kBetween.size());
  }
  return result;
}

void require(bool holds, const std::string& what) {
  if (!holds) {
    throw std::logic_error("not kept: " + what);
  }
}

/// No cell of a trace and no number of a summary is anything but finite.
void require_finite(const std::string& trace, const nlohmann::ordered_json& summary) {
  for (const char* const word : {",nan", ",-nan", ",inf", ",-inf"}) {
    require(trace.find(word) == trace.npos, "finite numbers in a trace");
  }
  const auto flat = summary.flatten();
  for (const auto& [key, value] : flat.items()) {
    require(!value.is_number_float() || std::isfinite(value.get<double>()),
            "a finite " + key + " in a summary");
  }
}

/// Plays a few periods, unless they would take longer than a reader may.
void play(const RunConfig& config) {
  constexpr double kMostRequests = 2000.0;
  const double period_s = to_seconds(config.period);
  const RequestSpec& requests = config.applications.front().requests;
  constexpr std::size_t kMostActions = 2000;
  if (period_s > 10.0 || requests.rate_hz * period_s > kMostRequests ||
      requests.batch * config.applications.front().simulated->levels.size() > 100'000) {
    return;
  }
  SimulatedTask task = task_of(config);
  task.duration_s = std::min(task.duration_s, 3.0 * period_s);
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const std::string kind = config.agent.at("kind").text();
  if (environment.action_space().size() > kMostActions || kind == "best_static" ||
      kind == "oracle" || kind == "alert" || kind == "poet" || kind == "slackfit" ||
      kind == "fulcrum") {
    return;
  }
  Random random(config.seed);
  const auto agent =
      make_agent(config.agent, problem_of(environment), random,
                 {.clairvoyant = &world.clairvoyant(),
                  .find_best_static = [&] { return environment.action_space().decode(0); },
                  .measure_profile = []() -> Profile { throw Error("no profile here"); }});
  std::ostringstream rows;
  TraceWriter trace(environment, rows);
  RunSummary summary(environment, task.duration_s);
  const auto shield = make_shield(config.shield.options_or(false), environment);
  ControlLoop loop(environment, *agent, random, world.clock(),
                   {.sinks = {[&](const PeriodRecord& record) { trace.write(record); },
                              [&](const PeriodRecord& record) { summary.add(record); }},
                    .shield = shield.get()});
  loop.run(config.seed, [] { return false; });
  require_finite(rows.str(), describe_run(config, kind, config.seed, "completed", summary));
}

void read_run_file(std::string_view bytes) {
  const auto [file, settings] = parts<2>(bytes);
  RunOverrides overrides;
  std::istringstream lines(settings);
  for (std::string line; std::getline(lines, line);) {
    overrides.settings.push_back(line);
  }
  const RunConfig config = RunConfig::load(store("run.yaml", file), overrides);
  if (config.platform == PlatformKind::kSimulated) {
    play(config);
  }
  // What is in force can be run again.
  const RunConfig again = RunConfig::load(store("effective.yaml", config.effective), {});
  require(again.duration_s == config.duration_s && again.period == config.period &&
              again.seed == config.seed && again.board.to_yaml() == config.board.to_yaml(),
          "a run from its effective configuration");
}

void read_board_file(std::string_view bytes) {
  const Board board = Board::from_yaml(ConfigNode::parse(text(bytes), "board.yaml"));
  const std::string written = board.to_yaml();
  Board again = Board::from_yaml(ConfigNode::parse(written, "written.yaml"));
  require(again.to_yaml() == written, "a board as it was written");
  if (!board.simulation || board.cpus.size() > 256) {
    return;
  }
  SimulatedBoard simulated(board);
  const auto& device = board.simulation->devices.front();
  if (!device.kinds.empty() &&
      simulated.can_do(simulated.find_kind(device.kinds.front().name), 0)) {
    simulated.set_work({.kind = simulated.find_kind(device.kinds.front().name),
                        .mflops = 10.0,
                        .images = 1.0,
                        .sensitivity = {}});
    require(std::isfinite(simulated.latency_s()), "a finite latency");
  }
  simulated.idle_until(simulated.now() + std::chrono::seconds(1));
  simulated.update();
  require(std::isfinite(simulated.energy_j()) && std::isfinite(simulated.hottest_c()),
          "finite energy and heat");
}

void read_scenario_file(std::string_view bytes) {
  const Scenario scenario =
      Scenario::from_yaml(ConfigNode::parse(text(bytes), "scenario.yaml"), SmallTask::budgets());
  Random random(1);
  auto last = scenario.first_stretch(random);
  while (const auto next = scenario.next_stretch(last, random)) {
    last = *next;
  }
  require(std::isfinite(last.end_s) && last.phase < scenario.phases.size(),
          "stretches of the scenario");
}

void read_application_file(std::string_view bytes) {
  const auto network =
      SimulatedNetwork::from_yaml(ConfigNode::parse(text(bytes), "application.yaml"));
  require(!network.levels.empty(), "a level");
}

/// What the files are read for that depend on knobs and features: see SmallBoards.
struct Small {
  SimulatedWorld world{SmallTask::make()};
  Problem problem = problem_of(world.environment());
};
Small& small() {
  static Small small;
  return small;
}

void read_profile_file(std::string_view bytes) {
  const ActionSpace& actions = small().problem.actions;
  const Profile profile = Profile::read(store("profile.csv", bytes), actions);
  profile.write(folder() / "again.csv", actions);
  const std::string written = read_file(folder() / "again.csv");
  Profile::read(folder() / "again.csv", actions).write(folder() / "third.csv", actions);
  require(read_file(folder() / "third.csv") == written, "a profile as it was written");
}

void read_measured_table(std::string_view bytes) {
  constexpr std::size_t kMostRows = 40;
  const MeasurementTable table = MeasurementTable::parse(text(bytes), "table.csv");
  if (table.rows.size() > kMostRows || table.domains.size() > 4) {
    return;
  }
  const BoardFit fit = fit_board(table, {});
  for (const auto& figure : fit.figures) {
    require(std::isfinite(figure.fitted.worst) && std::isfinite(figure.held_back.worst),
            "a finite error of " + figure.name);
  }
  const Board again = Board::from_yaml(ConfigNode::parse(fit.to_yaml("table.csv"), "fitted.yaml"));
  require(again.simulation->to_yaml() == fit.board.simulation->to_yaml(),
          "a board as it was fitted");
}

void read_arrivals_file(std::string_view bytes) {
  const auto arrivals = RecordedArrivals::read(store("arrivals.csv", bytes));
  double sum = 0.0;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    require(arrivals.gap(i) >= 0.0 && std::isfinite(arrivals.gap(i)),
            "gaps that can be waited for");
    sum += arrivals.gap(i) / static_cast<double>(arrivals.size());
  }
  require(std::abs(sum - 1.0) < 1e-6, "a mean gap of 1");
  require(arrivals.find(1e9) < arrivals.size(), "a place in the recording");
}

/// What is written of what was read is read again to the same.
void write_trace_again(const RecordedTrace& trace) {
  const auto write = [](const RecordedTrace& of) {
    std::ostringstream rows;
    TraceWriter writer(of.description, rows);
    for (const auto& record : of.records) {
      writer.write(record);
    }
    require_finite(rows.str(), {});
    return rows.str();
  };
  if (trace.records.empty()) {
    return;  // Not even a header.
  }
  const std::string written = write(trace);
  trace.description.write_beside(folder() / "again/trace.csv");
  store("again/trace.csv", written);
  require(write(read_trace(folder() / "again/trace.csv")) == written, "a trace as it was written");
}

void read_trace_file(std::string_view bytes) {
  const auto [rows, description] = parts<2>(bytes);
  try {
    report::parse_trace(rows, "trace.csv");
  } catch (const Error&) {
  }
  const std::string of_folder = description.empty() ? "old" : "described";
  const auto file = store(of_folder + "/trace.csv", rows);
  if (!description.empty()) {
    store("described/trace.yaml", description);
    try {
      write_trace_again(read_trace(file));
    } catch (const ConfigError&) {
    }
  }
  for (const auto& transition : read_transitions(file, small().problem)) {
    small().problem.actions.check(transition.action);
    require(std::isfinite(transition.result.reward), "a transition of this run");
  }
}

/// One of the kinds whose checkpoints hold more than a header.
void read_agent_checkpoint(std::string_view bytes) {
  static const std::vector<std::string> kinds = {
      "model_based", "q_learning", "dqn", "actor_critic", "prime_q", "ztt", "static"};
  const std::string file = text(bytes.substr(0, std::min<std::size_t>(bytes.size(), 200)));
  const auto kind = std::ranges::find_if(
      kinds, [&file](const std::string& each) { return file.find('"' + each + '"') != file.npos; });
  Environment& environment = small().world.environment();
  Random random(1);
  const std::string chosen = kind == kinds.end() ? kinds.front() : *kind;
  const bool has_network = chosen == "dqn" || chosen == "actor_critic";
  const auto node = ConfigNode::parse(
      has_network ? "{kind: " + chosen + ", hidden: [4]}" : "{kind: " + chosen + "}", "agent.yaml");
  const auto agent = make_agent(node, small().problem, random);
  agent->load(store("agent.json", bytes));
  agent->save(folder() / "again.json");
  const std::string written = read_file(folder() / "again.json");
  agent->load(folder() / "again.json");
  agent->save(folder() / "third.json");
  require(read_file(folder() / "third.json") == written, "a checkpoint as it was written");
  ControlLoop loop(environment, *agent, random, small().world.clock(), {});
  int periods = 0;
  loop.run(1, [&] { return ++periods >= 4; });
}

void read_network_checkpoint(std::string_view bytes) {
  std::string fixed = text(bytes);
  if (fixed.size() > sizeof(std::uint32_t)) {
    // Nothing is found behind a checksum that never fits.
    const std::size_t body = fixed.size() - sizeof(std::uint32_t);
    const auto sum =
        static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(fixed.data()), body));
    std::memcpy(fixed.data() + body, &sum, sizeof sum);
  }
  const auto network = read_checkpoint(store("net.rein", fixed));
  write_checkpoint(folder() / "again.rein", network);
  const std::string written = read_file(folder() / "again.rein");
  write_checkpoint(folder() / "third.rein", read_checkpoint(folder() / "again.rein"));
  require(read_file(folder() / "third.rein") == written, "a network as it was written");
  constexpr std::size_t kVersionAt = 8;  // A file of an older version is written as the newest.
  require(written == fixed || written[kVersionAt] != fixed[kVersionAt], "nothing lost or added");
}

void read_image_files(std::string_view bytes) {
  const auto [images, labels] = parts<2>(bytes);
  store("t10k-images-idx3-ubyte", images);
  store("t10k-labels-idx1-ubyte", labels);
  store("test_batch.bin", images);
  try {
    read_cifar10_images(folder(), ImageSplit::kTest);
  } catch (const Error&) {
  }
  const ImageSet set = read_idx_images(folder(), ImageSplit::kTest);
  require(set.pixels.size() == set.labels.size() * set.image_size(), "a label for each image");
}

void read_state_file(std::string_view bytes) {
  StateFile::read(store("state", bytes), SysfsRoot());  // Writes nothing.
}

void read_run_folder(std::string_view bytes) {
  const auto [summary, trace, machine] = parts<3>(bytes);
  store("run/summary.json", summary);
  store("run/trace.csv", trace);
  store("run/machine.json", machine.empty() ? "{}" : machine);
  const std::vector<report::Run> runs{report::read_run(folder() / "run")};
  report::make_page(runs);
  report::to_text(report::compare_runs(runs, report::labels_of(runs)));
}

void read_evaluation_folder(std::string_view bytes) {
  const auto [summary, courses] = parts<2>(bytes);
  store("evaluation/summary.json", summary);
  store("evaluation/courses.json", courses.empty() ? "[]" : courses);
  report::is_evaluation(folder() / "evaluation");
  const auto evaluation = report::read_evaluation(folder() / "evaluation");
  report::make_page(evaluation, "");
  report::to_text(evaluation);
  require_finite("", evaluation.to_json());
}

void read_episode_log(std::string_view bytes) {
  const EpisodeLog log(store("episodes.jsonl", bytes));
}

void read_variants_file(std::string_view bytes) {
  Random random(1);
  for (const auto& variant : read_variants(store("variants.yaml", bytes))) {
    if (variant.kind != "best_static" && variant.kind != "oracle") {
      make_agent(*variant.agent, small().problem, random);
    }
  }
}

}  // namespace

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> all = {
      {"agent", read_agent_checkpoint},     {"application", read_application_file},
      {"arrivals", read_arrivals_file},     {"board", read_board_file},
      {"episodes", read_episode_log},       {"evaluation", read_evaluation_folder},
      {"images", read_image_files},         {"measured", read_measured_table},
      {"network", read_network_checkpoint}, {"profile", read_profile_file},
      {"report", read_run_folder},          {"run", read_run_file},
      {"scenario", read_scenario_file},     {"state", read_state_file},
      {"trace", read_trace_file},           {"variants", read_variants_file}};
  return all;
}

std::string read(Reader reader, std::string_view bytes) {
  try {
    reader(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace rein::fuzz
