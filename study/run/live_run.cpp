#include "study/run/live_run.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "env/scenario_player.hpp"
#include "env/serving_environment.hpp"
#include "platform/co_runners/co_runner_process.hpp"
#include "platform/controls/placement.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/linux_platform.hpp"
#include "study/run/machine_info.hpp"

namespace rein {

namespace {

std::vector<std::unique_ptr<CoRunner>> make_co_runners(const Scenario& scenario,
                                                       const SysfsRoot& root) {
  const auto group_parents = CoRunnerGroup::parents(root);
  std::vector<std::unique_ptr<CoRunner>> co_runners;
  for (const auto& spec : scenario.co_runners) {
    co_runners.push_back(std::make_unique<CoRunnerProcess>(
        CoRunnerCommand{.name = spec.name,
                        .argv = spec.command,
                        .cpus = spec.cpus,
                        .user = spec.user.empty() ? std::nullopt : std::optional(spec.user)},
        group_parents));
  }
  return co_runners;
}

/// The board with those domains alone that are to be knobs.
Board with_chosen_domains(const RunConfig& config) {
  Board board = config.board;
  board.domains = config.frequencies;
  return board;
}

/// Those that the run file names, or all of the board.
std::vector<Place> used_places(const RunConfig& config) {
  const auto& names = config.application().places;
  std::vector<Place> places = config.board.places;
  std::erase_if(places, [&](const Place& place) {
    return !names.empty() && std::ranges::count(names, place.name) == 0;
  });
  return places;
}

/// Somebody wrote them down, and may count on them.
void warn_of_lost_places(const RunConfig& config, const SysfsRoot& root,
                         const DeviceObstacle& obstacle) {
  std::vector<Place> places = used_places(config);
  for (const auto& each : Placement::leave_out_unusable(root, places, obstacle)) {
    spdlog::warn("{}", each.line());
  }
}

LinuxPlatformOptions platform_options(const RunConfig& config) {
  const ApplicationConfig& application = config.application();
  LinuxPlatformOptions options;
  options.applications = {application.name};
  if (!application.places.empty()) {
    options.places[application.name] = application.places;
  }
  options.frequency = config.use_frequency;
  options.bandwidth = config.use_bandwidth;
  return options;
}

}  // namespace

void on_this_machine(const RunConfig& config, bool only_look,
                     const std::function<void(const Stage&)>& play) {
  // First of all: it refuses a second run, and forks while this process is small.
  const SysfsRoot root;
  ControlGuard guard(
      root, [](const std::string& line) { spdlog::error("{}", line); },
      only_look ? ControlGuard::Reach::kProcess : ControlGuard::Reach::kMachine);

  // The co-runners' supervisors are forked first: before LibTorch makes threads, and before the
  // platform moves this process into its control group, where they don't belong.
  ScenarioPlayer player(config.scenario, make_co_runners(config.scenario, root));

  const ApplicationConfig& application = config.application();
  const std::shared_ptr<RequestWorker> worker = application.start();

  LinuxPlatformOptions options = platform_options(config);
  options.device_obstacle = [&worker](const std::string& device) {
    return worker->obstacle(device);
  };
  warn_of_lost_places(config, root, options.device_obstacle);
  SteadyClock clock;
  LinuxPlatform platform(with_chosen_domains(config), root, clock, guard, options);
  for (const auto& note : platform.notes()) {
    spdlog::debug("{}", note);
  }
  if (!platform.notes().empty()) {
    spdlog::info("{} kinds of signal or control are not to be had here: `rein probe{}` says why",
                 platform.notes().size(),
                 config.board_file.empty() ? "" : " --board " + config.board_file.string());
  }
  ServingEnvironment environment(platform, *worker, application.name, application.requests, player,
                                 clock,
                                 {.period = config.period,
                                  .duration_s = config.duration_s,
                                  .objective = config.objective,
                                  .prices = config.prices});
  const Foresight none;
  spdlog::info("serves with {}", worker->description());
  auto machine = machine_info(config.board);
  machine["engine"] = worker->description();
  play({environment, clock, none, std::move(machine)});
}

}  // namespace rein
