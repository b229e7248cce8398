#include "env/scenario.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <numeric>
#include <utility>

#include "common/error.hpp"
#include "platform/kernel/cpu_set.hpp"

namespace rein {

namespace {

CpuList read_cpus(const ConfigNode& node) {
  CpuList cpus;
  try {
    cpus = parse_cpu_list(node.text());
  } catch (const ConfigError&) {
    throw;
  } catch (const Error&) {
    cpus.clear();
  }
  if (cpus.empty()) {
    node.fail("CPU numbers such as \"0\" or \"0-1,3\"");
  }
  return cpus;
}

CoRunnerSpec read_co_runner(const std::string& name, const ConfigNode& node) {
  CoRunnerSpec spec;
  spec.name = name;
  if (!node.has("command") && !node.has("contention")) {
    node.reject("expected a command, a contention, or both, found neither");
  }
  if (node.has("command")) {
    for (const auto& word : node.at("command").items()) {
      spec.command.push_back(word.text());
    }
    if (spec.command.empty()) {
      node.at("command").fail("a list of an executable and its arguments");
    }
    if (node.has("cpus")) {
      spec.cpus = read_cpus(node.at("cpus"));
    }
    spec.user = node.text_or("user", "");
  }
  if (node.has("contention")) {
    spec.contention = ContentionProfile::from_yaml(node.at("contention"));
  }
  node.reject_unknown();
  return spec;
}

std::vector<std::size_t> read_co_runners(const ConfigNode& node,
                                         const std::vector<CoRunnerSpec>& all) {
  std::vector<std::size_t> co_runners;
  for (const auto& item : node.items()) {
    const auto found = std::ranges::find(all, item.text(), &CoRunnerSpec::name);
    if (found == all.end()) {
      std::vector<std::string> names;
      std::ranges::transform(all, std::back_inserter(names), &CoRunnerSpec::name);
      item.fail(names.empty() ? "a name from co_runners, which is empty"
                              : fmt::format("a name from co_runners ({})", fmt::join(names, ", ")));
    }
    co_runners.push_back(static_cast<std::size_t>(found - all.begin()));
  }
  return co_runners;
}

/// What the factor at `node` makes of `base`, which must be in the range of such a value too.
double multiplied(const ConfigNode& node, double base, const Range& range) {
  const double product = base * node.number(Range::factor());
  if (!range.contains(product)) {
    node.reject(fmt::format("expected {} as the product with {}, found {}",
                            range.describe("a number"), base, product));
  }
  return product;
}

/// `relative:` of a phase: multiples of what the run has, so that a scenario can be played on any
/// board.
void read_relative(const ConfigNode& node, const ConfigNode& phase_node, const Budgets& base,
                   double scenario_s, ScenarioPhase& phase) {
  // Where the phase gives the same as an absolute value, by its dotted key.
  const auto refuse_both = [&](const ConfigNode& relative, bool is_given,
                               const std::string& absolute) {
    if (is_given) {
      relative.reject("expected either this or " + absolute + ", found both");
    }
  };
  const auto is_budget_given = [&](const std::string& budget, const std::string& key) {
    return phase_node.has("budgets") && phase_node.at("budgets").has(budget) &&
           phase_node.at("budgets").at(budget).has(key);
  };
  if (node.has("rate")) {
    const ConfigNode rate = node.at("rate");
    refuse_both(rate, phase_node.has("rate_hz"), "rate_hz");
    phase.rate_scale = rate.number(Range::factor());
  }
  if (node.has("deadline")) {
    const ConfigNode deadline = node.at("deadline");
    refuse_both(deadline, is_budget_given("latency", "deadline_ms"), "budgets.latency.deadline_ms");
    if (!base.latency) {
      deadline.reject("expected a latency budget of the run, found none");
    }
    phase.budgets.latency->deadline_ms =
        multiplied(deadline, base.latency->deadline_ms, Range::milliseconds());
  }
  if (node.has("power")) {
    const ConfigNode power = node.at("power");
    refuse_both(power, is_budget_given("power", "limit_w"), "budgets.power.limit_w");
    if (!base.power) {
      power.reject("expected a power budget of the run, found none");
    }
    phase.budgets.power->limit_w = multiplied(power, base.power->limit_w, Range::watts());
  }
  if (node.has("battery")) {
    const ConfigNode battery = node.at("battery");
    refuse_both(battery, phase_node.has("budgets") && phase_node.at("budgets").has("energy"),
                "budgets.energy");
    if (!base.power) {
      battery.reject("expected a power budget of the run, found none");
    }
    phase.budgets.energy = EnergyBudget{
        .limit_mj = std::nullopt,
        .total_j = multiplied(battery, base.power->limit_w * scenario_s, Range::joules()),
        .horizon_s = scenario_s};
  }
  if (!node.has("rate") && !node.has("deadline") && !node.has("power") && !node.has("battery")) {
    node.reject_unknown();
    node.reject("expected one of rate, deadline, power, battery, found none");
  }
  node.reject_unknown();
}

/// Reads all but the duration.
ScenarioPhase read_phase(const ConfigNode& node, const std::vector<CoRunnerSpec>& co_runners,
                         const Budgets& base, double scenario_s) {
  ScenarioPhase phase;
  phase.name = node.at("name").name();
  if (node.has("co_runners")) {
    phase.co_runners = read_co_runners(node.at("co_runners"), co_runners);
  }
  phase.budgets = node.has("budgets") ? Budgets::from_yaml(node.at("budgets"), base) : base;
  if (node.has("rate_hz")) {
    phase.rate_hz = node.at("rate_hz").number(Range::hertz());
  }
  if (node.has("ambient_c")) {
    phase.ambient_c = node.at("ambient_c").number({.min = -40.0, .max = 85.0, .unit = "degC"});
  }
  if (node.has("relative")) {
    read_relative(node.at("relative"), node, base, scenario_s, phase);
  }
  return phase;
}

/// The index of the phase that `name` names. @throws ConfigError at `node`, listing the names.
std::size_t find_phase(const ConfigNode& node, const std::string& name,
                       const std::vector<ScenarioPhase>& phases) {
  const auto found = std::ranges::find(phases, name, &ScenarioPhase::name);
  if (found == phases.end()) {
    std::vector<std::string> names;
    std::ranges::transform(phases, std::back_inserter(names), &ScenarioPhase::name);
    node.reject(
        fmt::format("expected one of the phases {}, found '{}'", fmt::join(names, ", "), name));
  }
  return static_cast<std::size_t>(found - phases.begin());
}

/// Reads all but the weights.
ScenarioChain read_chain(const ConfigNode& node, double time_scale) {
  ScenarioChain chain;
  chain.duration_s = node.at("duration_s").number(Range::seconds());
  chain.start_s = node.number_or("start_s", 0.0, Range::seconds().or_zero());
  chain.end_s = node.number_or("end_s", chain.duration_s, Range::seconds().or_zero());
  if (chain.end_s <= chain.start_s) {
    (node.has("end_s") ? node.at("end_s") : node.at("start_s"))
        .reject(fmt::format("expected an end after the start at {} s, found one at {} s",
                            chain.start_s, chain.end_s));
  }
  if (chain.end_s > chain.duration_s) {
    node.at("end_s").reject(fmt::format("expected at most the chain's duration of {} s, found {}",
                                        chain.duration_s, chain.end_s));
  }
  for (double* time_s : {&chain.duration_s, &chain.start_s, &chain.end_s}) {
    *time_s *= time_scale;
  }
  return chain;
}

/// Uniform among the others where `next` says nothing.
std::vector<std::vector<double>> read_weights(const ConfigNode& node,
                                              const std::vector<ScenarioPhase>& phases) {
  std::vector<std::vector<double>> weights(phases.size(), std::vector<double>(phases.size(), 1.0));
  for (std::size_t i = 0; i < phases.size(); ++i) {
    weights[i][i] = 0.0;
  }
  if (node.has("next")) {
    for (const auto& [from, row] : node.at("next").entries()) {
      auto& row_weights = weights[find_phase(row, from, phases)];
      std::ranges::fill(row_weights, 0.0);
      for (const auto& [to, weight] : row.entries()) {
        row_weights[find_phase(weight, to, phases)] = weight.number(Range::factor().or_zero());
      }
      if (std::ranges::all_of(row_weights, [](double weight) { return weight == 0.0; })) {
        row.reject("expected a weight above 0, found none");
      }
    }
  }
  return weights;
}

/// Refuses what no clock can count, and a chain that changes more often than can be drawn at once.
void require_playable(const ConfigNode& node, const Scenario& scenario) {
  constexpr double kMostChanges = 1e6;
  const double whole_s = scenario.duration_s();
  const bool is_chain = scenario.chain.has_value();
  const ConfigNode where = is_chain ? node.at("chain").at("duration_s") : node.at("phases");
  if (!Range::seconds().contains(whole_s)) {
    where.reject(fmt::format("expected {} in all, times the run's time_scale, found {}",
                             Range::seconds().describe("a duration"), whole_s));
  }
  if (!is_chain) {
    return;
  }
  double shortest_s = whole_s;
  for (const auto& phase : scenario.phases) {
    shortest_s = std::min(shortest_s, std::max(phase.duration_s, ScenarioChain::kShortestS));
  }
  const double changes = (scenario.chain->end_s - scenario.chain->start_s) / shortest_s;
  if (changes > kMostChanges) {
    where.reject(fmt::format(
        "expected at most {} changes of phase, found {:.0f} of {} s: give longer phases or a "
        "shorter chain",
        kMostChanges, changes, shortest_s));
  }
}

std::size_t draw_next(const std::vector<double>& weights, Random& random) {
  double rest = random.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < weights.size() && rest >= 0.0; ++i) {
    if (weights[i] > 0.0) {
      chosen = i;
      rest -= weights[i];
    }
  }
  return chosen;
}

}  // namespace

double Scenario::duration_s() const {
  if (chain) {
    return chain->duration_s;
  }
  double sum = 0.0;
  for (const auto& phase : phases) {
    sum += phase.duration_s;
  }
  return sum;
}

ScenarioStretch Scenario::stretch(std::size_t phase, double begin_s, Random& random) const {
  if (!chain) {
    return {phase, begin_s + phases[phase].duration_s};
  }
  const double length_s =
      std::max(ScenarioChain::kShortestS, random.exponential(phases[phase].duration_s));
  return {phase, std::min(begin_s + length_s, chain->end_s)};
}

ScenarioStretch Scenario::first_stretch(Random& random) const {
  return stretch(0, chain ? chain->start_s : 0.0, random);
}

std::optional<ScenarioStretch> Scenario::next_stretch(const ScenarioStretch& last,
                                                      Random& random) const {
  if (!chain) {
    const std::size_t next = last.phase + 1;
    return next < phases.size() ? std::optional(stretch(next, last.end_s, random)) : std::nullopt;
  }
  if (last.end_s < chain->end_s) {
    return stretch(draw_next(chain->weights[last.phase], random), last.end_s, random);
  }
  return last.end_s < chain->duration_s
             ? std::optional(ScenarioStretch{.phase = 0, .end_s = chain->duration_s})
             : std::nullopt;
}

Scenario Scenario::from_yaml(const ConfigNode& node, const Budgets& base, double time_scale) {
  Scenario scenario;
  scenario.name = node.at("name").name();
  if (node.has("co_runners")) {
    for (const auto& [name, child] : node.at("co_runners").entries()) {
      scenario.co_runners.push_back(read_co_runner(name, child));
    }
  }
  if (node.has("chain")) {
    scenario.chain = read_chain(node.at("chain"), time_scale);
  }
  if (node.has("arrival")) {
    RequestSpec requests;
    requests.read_arrival(node);
    scenario.arrival = requests.arrival;
    scenario.recording = requests.recording;
  }
  const auto items = node.at("phases").items();
  std::vector<double> durations_s;
  durations_s.reserve(items.size());
  for (const auto& item : items) {
    durations_s.push_back(item.at("duration_s").number(Range::seconds()) * time_scale);
  }
  const double scenario_s = scenario.chain
                                ? scenario.chain->duration_s
                                : std::accumulate(durations_s.begin(), durations_s.end(), 0.0);
  for (std::size_t i = 0; i < items.size(); ++i) {
    ScenarioPhase phase = read_phase(items[i], scenario.co_runners, base, scenario_s);
    phase.duration_s = durations_s[i];
    if (scenario.chain && std::ranges::find(scenario.phases, phase.name, &ScenarioPhase::name) !=
                              scenario.phases.end()) {
      items[i].at("name").fail("a name that no other phase of the chain has");
    }
    items[i].reject_unknown();
    scenario.phases.push_back(std::move(phase));
  }
  const std::size_t least = scenario.chain ? 2 : 1;
  if (scenario.phases.size() < least) {
    node.at("phases").fail(scenario.chain ? "at least two phases for a chain"
                                          : "at least one phase");
  }
  require_playable(node, scenario);
  if (scenario.chain) {
    scenario.chain->weights = read_weights(node.at("chain"), scenario.phases);
    node.at("chain").reject_unknown();
  }
  node.reject_unknown();
  return scenario;
}

Scenario Scenario::alone(const Budgets& base, double duration_s) {
  Scenario scenario;
  scenario.name = "alone";
  scenario.phases.push_back(
      {.name = "alone", .duration_s = duration_s, .co_runners = {}, .budgets = base});
  return scenario;
}

void require_own_file(const ConfigNode& scenario) {
  const std::string file = scenario.file().string();
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    throw ConfigError(fmt::format("{}: cannot be examined: {}", file, std::strerror(errno)));
  }
  const char* sudo_uid = std::getenv("SUDO_UID");
  const bool own =
      status.st_uid == geteuid() || status.st_uid == 0 ||
      (geteuid() == 0 && sudo_uid != nullptr && std::to_string(status.st_uid) == sudo_uid);
  if (!own) {
    throw ConfigError(fmt::format(
        "{}: its co-runner commands are not run: expected a file of your own, found one of user {}",
        file, status.st_uid));
  }
  if ((status.st_mode & S_IWOTH) != 0) {
    throw ConfigError(fmt::format(
        "{}: its co-runner commands are not run: expected a file that others cannot write, found "
        "mode {:o}",
        file, status.st_mode & 07777U));
  }
}

}  // namespace rein
