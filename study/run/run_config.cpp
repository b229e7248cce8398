#include "study/run/run_config.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/yaml_text.hpp"
#include "platform/board/clock_files.hpp"
#include "platform/board/domain_path.hpp"
#include "platform/co_runners/co_runner_process.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/kernel/usable_cpus.hpp"
#include "platform/simulated/simulated_board.hpp"
#include "study/run/settings.hpp"

namespace rein {

namespace {

/// The file's agent, or another kind with its default parameters: those in the file are of its own.
void choose_agent(ConfigNode& node, const std::string& kind) {
  if (!node.has("agent") || node.at("agent").text_or("kind", "") != kind) {
    node.set("agent", fmt::format("{{kind: {}}}", yaml_quoted(kind)), "--agent " + kind);
  }
}

/// What is set is set in what an option chose, and not in what it sets.
void apply_overrides(ConfigNode& node, const RunOverrides& overrides) {
  const auto replace = [&](const char* key, const std::string& value, const std::string& option) {
    refuse_setting(overrides.settings, key, option + " sets it");
    node.set(key, value, option);
  };
  if (overrides.agent) {
    refuse_setting(overrides.settings, "agent.kind", "--agent " + *overrides.agent + " sets it");
    choose_agent(node, *overrides.agent);
  }
  if (overrides.seed) {
    replace("seed", std::to_string(*overrides.seed), fmt::format("--seed {}", *overrides.seed));
  }
  if (overrides.scenario) {
    const std::string file = std::filesystem::absolute(*overrides.scenario).string();
    replace("scenario", yaml_quoted(file),
            fmt::format("--scenarios {}", overrides.scenario->string()));
  }
  if (overrides.duration_s) {
    replace("duration_s", fmt::format("{}", *overrides.duration_s),
            fmt::format("--duration {}", *overrides.duration_s));
  }
  for (const auto& setting : read_settings(overrides.settings)) {
    node.set(setting.key, setting.value, setting.origin());
  }
}

/// The agent is also read from copies of this file that lie elsewhere.
void make_profile_absolute(ConfigNode& node, const RunOverrides& overrides) {
  // In a copy: whether the agent knows the key is not for this to say.
  const ConfigNode copy = ConfigNode::parse(node.dump(), node.file().string());
  const ConfigNode agent = copy.at("agent");
  if (!agent.is_mapping() || !agent.has("profile")) {
    return;
  }
  const std::string name = node.at("agent").at("profile").text();
  const auto file = std::filesystem::absolute(node.resolve(name));
  std::string origin = node.file().string();
  for (const auto& setting : read_settings(overrides.settings)) {
    if (setting.key == "agent.profile" || setting.key == "agent") {
      origin = setting.origin();
    }
  }
  node.set_text("agent.profile", file.string(), origin);
}

PlatformKind read_platform(const ConfigNode& node) {
  if (!node.has("platform")) {
    return PlatformKind::kLinux;
  }
  const ConfigNode platform = node.at("platform");
  const bool simulated = platform.at("kind").one_of({"linux", "simulated"}) == "simulated";
  platform.reject_unknown();
  return simulated ? PlatformKind::kSimulated : PlatformKind::kLinux;
}

/// A scenario may say how requests arrive, whichever run it is played by.
void take_arrival(const ConfigNode& node, RunConfig& config) {
  const Scenario& scenario = config.scenario;
  if (!scenario.arrival) {
    return;
  }
  for (ApplicationConfig& application : config.applications) {
    RequestSpec& requests = application.requests;
    if (requests.arrival == RequestSpec::Arrival::kClosedLoop &&
        scenario.arrival != requests.arrival) {
      node.at("arrival").reject(
          fmt::format("expected a run whose requests have a rate_hz, found those of {}, which come "
                      "in a closed loop",
                      application.name));
    }
    requests.arrival = *scenario.arrival;
    requests.recording = scenario.recording;
  }
}

void check_simulated_co_runners(const ConfigNode& node, const Scenario& scenario) {
  for (const auto& spec : scenario.co_runners) {
    if (!spec.contention) {
      node.at("co_runners")
          .at(spec.name)
          .reject("expected `contention`, what it takes of a simulated board, found none");
    }
  }
}

/// Refuses what can be known to fail before anything is started.
void check_commands(const ConfigNode& node, const Scenario& scenario, const Board& board) {
  if (!scenario.co_runners.empty()) {
    require_own_file(node);
  }
  for (const auto& spec : scenario.co_runners) {
    const ConfigNode co_runner = node.at("co_runners").at(spec.name);
    if (spec.command.empty()) {
      co_runner.reject("expected `command`, what is to be run on a real machine, found none");
    }
    if (!CoRunnerProcess::resolve_command(spec.command.front())) {
      co_runner.at("command").items().front().fail("a command that exists");
    }
    if (!spec.user.empty()) {
      const passwd* user = getpwnam(spec.user.c_str());
      if (user == nullptr) {
        co_runner.at("user").fail("a user of this machine");
      }
      if (geteuid() != 0 && user->pw_uid != geteuid()) {
        co_runner.at("user").fail("yourself, since only root can run it as another user");
      }
    }
    // As far as this process may use them: a co-runner is started by it.
    CpuList cpus;
    std::ranges::set_intersection(board.cpus, nameable_cpus(SysfsRoot()), std::back_inserter(cpus));
    if (!std::ranges::includes(cpus, spec.cpus)) {
      co_runner.at("cpus").fail(fmt::format("CPUs of this machine ({})", format_cpu_list(cpus)));
    }
  }
}

/// A board, and the file that describes it.
struct BoardFile {
  Board board;
  std::string text;
  std::filesystem::path file;  ///< Empty if it is none of its own.
  bool found = false;          ///< On this machine, and not in a file.
};

BoardFile read_board(const ConfigNode& node, PlatformKind platform) {
  const bool simulated = platform == PlatformKind::kSimulated;
  if (!node.is_mapping() && node.text() == "auto") {
    if (simulated) {
      node.fail("a board file with `simulation`");
    }
    const Board board = Board::detect(SysfsRoot());
    return {board, board.to_yaml(), {}, /*found=*/true};
  }
  const ConfigNode file = open_named(node);
  BoardFile read{Board::from_yaml(file), file.dump(), {}, /*found=*/false};
  if (!node.is_mapping()) {
    read.file = file.file();
  }
  if (simulated && !read.board.simulation) {
    file.reject(fmt::format("expected a board with `simulation`, found that of {} without",
                            read.board.name));
  }
  return read;
}

std::vector<double> read_ascending(const ConfigNode& node, const Range& range,
                                   const std::string& expected) {
  auto numbers = node.numbers(range);
  if (numbers.empty() ||
      std::ranges::adjacent_find(numbers, std::greater_equal{}) != numbers.end()) {
    node.fail(expected);
  }
  return numbers;
}

/// What a domain of a board file may have, or of a machine that was looked at what its kernel
/// lists.
std::vector<double> offered(const DomainSpec& domain, bool found) {
  const SysfsRoot root;
  return found ? kernel_opps_mhz(root, domain_paths(root, domain), ClockFiles::of(domain.interface))
               : domain.opps_mhz;
}

/// For each domain that is to be a knob, the operating points that it may have.
std::vector<DomainSpec> read_frequencies(const ConfigNode& node, const Board& board, bool found) {
  std::vector<DomainSpec> domains;
  for (const auto& [name, item] : node.entries()) {
    const auto named = std::ranges::find(board.domains, name, &DomainSpec::name);
    if (named == board.domains.end()) {
      item.reject(fmt::format("the board {} has no domain '{}'", board.name, name));
    }
    DomainSpec domain = *named;
    domain.control = true;
    const auto all = offered(domain, found);
    if (!item.is_sequence() && item.text() == "all") {
      domain.opps_mhz = all;
      domains.push_back(std::move(domain));
      continue;
    }
    const auto wanted =
        read_ascending(item, Range::megahertz(), "frequencies in MHz in ascending order, or all");
    for (const double mhz : wanted) {
      if (!all.empty() && std::ranges::find(all, mhz) == all.end()) {
        item.reject(fmt::format("expected operating points of the {} ({} MHz), found {}",
                                found ? "machine" : "board file", fmt::join(all, ", "), mhz));
      }
    }
    domain.opps_mhz = wanted;
    domain.opps_v.clear();
    domains.push_back(std::move(domain));
  }
  return domains;
}

/// `found`: the board is this machine as found, and keeps what was chosen.
void read_controls(const ConfigNode& node, bool found, RunConfig& config) {
  if (node.has("frequency") && node.at("frequency").is_mapping()) {
    config.frequencies = read_frequencies(node.at("frequency"), config.board, found);
    for (auto& domain : config.board.domains) {
      const auto chosen = std::ranges::find(config.frequencies, domain.name, &DomainSpec::name);
      if (found && chosen != config.frequencies.end()) {
        domain = *chosen;
      }
    }
  } else {
    config.use_frequency = node.boolean_or("frequency", true);
  }
  config.use_bandwidth = node.boolean_or("bandwidth", true);
  if (node.has("bandwidth_levels_cpus")) {
    if (!config.board.bandwidth) {
      config.board.bandwidth = BandwidthSpec{};
    }
    config.board.bandwidth->levels_cpus =
        read_ascending(node.at("bandwidth_levels_cpus"), {.min = 1e-3, .max = 1e4, .unit = "CPUs"},
                       "ascending numbers of CPUs");
  }
  node.reject_unknown();
}

/// A period, and a request, are over before so many requests have come.
constexpr double kMostRequests = 1e6;

/// Refuses rates at which a period could not be counted. @param own  the application's.
/// @param scenario  where it has a file.
void check_rates(const ConfigNode& own, const RequestSpec& requests, const RunConfig& config,
                 const std::optional<ConfigNode>& scenario) {
  if (requests.arrival == RequestSpec::Arrival::kClosedLoop) {
    return;
  }
  for (std::size_t i = 0; i < config.scenario.phases.size(); ++i) {
    const ScenarioPhase& phase = config.scenario.phases[i];
    const bool is_own = scenario && (phase.rate_hz || phase.rate_scale != 1.0);
    const ConfigNode where = is_own ? scenario->at("phases").items()[i] : own.at("requests");
    const double rate_hz = phase.rate_hz.value_or(requests.rate_hz * phase.rate_scale);
    if (!Range::hertz().contains(rate_hz)) {
      where.reject(fmt::format("expected {} as the rate of requests, found {} times {}",
                               Range::hertz().describe("a number"), requests.rate_hz,
                               phase.rate_scale));
    }
    const double period_s = to_seconds(config.period);
    if (rate_hz * period_s > kMostRequests) {
      where.reject(fmt::format(
          "expected at most {} requests in a control period, found {} Hz, which are {} in {} s",
          kMostRequests, rate_hz, rate_hz * period_s, period_s));
    }
  }
}

/// Refuses requests that take so long at the lowest clocks that a simulation would end nowhere.
void check_request(const ConfigNode& where, const ApplicationConfig& application,
                   const RunConfig& config) {
  constexpr double kLongestS = 3600.0;
  SimulatedBoard board(config.board);
  double settled_ms = 1.0;
  for (std::size_t d = 0; d < config.board.domains.size(); ++d) {
    settled_ms = std::max(settled_ms, config.board.simulation->devices[d].lower_ms);
    board.set_opp(d, 0);
  }
  board.idle_until(board.now() + from_milliseconds(settled_ms + 1.0));
  const auto& largest = application.simulated->levels.back();
  const Work work{.kind = board.find_kind(application.simulated->kind),
                  .mflops = largest.mflops,
                  .images = static_cast<double>(application.requests.batch),
                  .sensitivity = application.simulated->sensitivity};
  for (std::size_t i = 0; i < config.board.places.size(); ++i) {
    const Place& place = config.board.places[i];
    if (!application.places.empty() && std::ranges::count(application.places, place.name) == 0) {
      continue;
    }
    board.set_place(i);
    board.set_work(work);
    double longest_s = board.latency_s();
    if (config.use_bandwidth && config.board.bandwidth) {
      const double least_cpus = config.board.bandwidth->levels_cpus.front();
      longest_s *= std::max(1.0, static_cast<double>(place.cpus.size()) / least_cpus);
    }
    if (!(longest_s <= kLongestS)) {
      where.reject(fmt::format(
          "expected requests of at most {} s, found one of {:.3g} s at the level {} in the place "
          "{} at the lowest clocks",
          kLongestS, longest_s, largest.network.name, place.name));
    }
    const bool comes_alone = application.requests.arrival == RequestSpec::Arrival::kClosedLoop;
    const double meanwhile = comes_alone ? 1.0 : longest_s * application.requests.rate_hz;
    if (meanwhile > kMostRequests) {
      where.reject(fmt::format(
          "expected at most {} requests to come while one is served, found {:.3g} at {} Hz while "
          "one takes {:.3g} s at the level {} in the place {} at the lowest clocks",
          kMostRequests, meanwhile, application.requests.rate_hz, longest_s, largest.network.name,
          place.name));
    }
  }
}

}  // namespace

RunConfig RunConfig::load(const std::filesystem::path& file, const RunOverrides& overrides) {
  return read(ConfigNode::load(file), overrides);
}

RunConfig RunConfig::read(ConfigNode node, const RunOverrides& overrides) {
  apply_overrides(node, overrides);

  make_profile_absolute(node, overrides);
  RunConfig config{.agent = node.at("agent")};
  config.platform = read_platform(node);
  const BoardFile board = read_board(node.at("board"), config.platform);
  config.board = board.board;
  config.board_file = board.file;
  config.frequencies = config.board.domains;
  for (const auto& item : node.at("applications").items()) {
    config.applications.push_back(ApplicationConfig::read(item, config.platform, config.board));
  }
  if (config.applications.size() != 1) {
    node.at("applications")
        .reject(fmt::format("expected one application (a process serves one for now), found {}",
                            config.applications.size()));
  }
  if (node.has("budgets")) {
    config.budgets = Budgets::from_yaml(node.at("budgets"));
  }
  config.objective = Objective::from_yaml(node.at("objective"));
  if (node.has("prices")) {
    config.prices = Prices::from_yaml(node.at("prices"));
  }
  if (node.has("shield")) {
    config.shield = ShieldSetting::from_yaml(node.at("shield"));
  }
  if (node.has("controls")) {
    read_controls(node.at("controls"), board.found, config);
  }
  config.period =
      from_milliseconds(node.at("period_ms").number({.min = 1.0, .max = 3.6e6, .unit = "ms"}));
  config.seed = static_cast<std::uint64_t>(node.integer_or("seed", 1, Range::seed()));
  const double time_scale = node.number_or("time_scale", 1.0, Range::factor());
  config.duration_s = node.number_or("duration_s", 0.0, Range::seconds());
  node.at("agent").at("kind");

  const bool has_scenario = node.has("scenario");
  if (!has_scenario && node.has("time_scale")) {
    node.at("time_scale")
        .reject("has no effect: there is no scenario whose durations it multiplies");
  }
  std::optional<ConfigNode> scenario;
  if (has_scenario) {
    scenario = open_named(node.at("scenario"));
    config.scenario = Scenario::from_yaml(*scenario, config.budgets, time_scale);
    take_arrival(*scenario, config);
    if (config.platform == PlatformKind::kSimulated) {
      check_simulated_co_runners(*scenario, config.scenario);
    } else {
      check_commands(*scenario, config.scenario, config.board);
    }
  } else {
    config.scenario =
        Scenario::alone(config.budgets, node.at("duration_s").number(Range::seconds()));
  }
  for (std::size_t i = 0; i < config.applications.size(); ++i) {
    const ConfigNode own = node.at("applications").items()[i];
    const ApplicationConfig& application = config.applications[i];
    check_rates(own, application.requests, config, scenario);
    if (config.platform == PlatformKind::kSimulated) {
      check_request(own, application, config);
    }
  }
  if (config.duration_s == 0.0) {
    config.duration_s = config.scenario.duration_s();
  }
  node.reject_unknown();

  // Self-contained, so that a run's folder is enough to repeat it.
  const std::string origin = "effective configuration";
  node.set("board", board.found ? config.board.to_yaml() : board.text, origin);
  if (scenario && !node.at("scenario").is_mapping()) {
    node.set("scenario", scenario->dump(), origin);
  }
  if (config.scenario.recording.arrivals) {
    node.set_text("scenario.recording",
                  std::filesystem::absolute(config.scenario.recording.file).string(), origin);
  }
  for (std::size_t i = 0; i < config.applications.size(); ++i) {
    const std::string prefix = fmt::format("applications.{}.", i);
    const ApplicationConfig& application = config.applications[i];
    for (const auto& [key, path] : application.files) {
      node.set_text(prefix + key, std::filesystem::absolute(path).string(), origin);
    }
    if (application.simulated) {
      const ConfigNode levels = node.at("applications").items()[i].at("network").at("levels");
      node.set(prefix + "network.levels", open_named(levels).dump(), origin);
    }
  }
  config.effective = node.dump();
  return config;
}

}  // namespace rein
