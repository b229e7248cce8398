#include "env/scenario.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/error.hpp"
#include "platform/cpu_set.hpp"

namespace rein {

namespace {

CoRunnerSpec read_co_runner(const std::string& name, const ConfigNode& node) {
  CoRunnerSpec spec;
  spec.name = name;
  for (const auto& word : node.at("command").items()) {
    spec.command.push_back(word.text());
  }
  if (spec.command.empty()) {
    node.at("command").fail("a list of an executable and its arguments");
  }
  if (node.has("cpus")) {
    try {
      spec.cpus = parse_cpu_list(node.at("cpus").text());
    } catch (const ConfigError&) {
      throw;
    } catch (const Error&) {
      node.at("cpus").fail("CPU numbers such as \"0\" or \"0-1,3\"");
    }
    if (spec.cpus.empty()) {
      node.at("cpus").fail("CPU numbers such as \"0\" or \"0-1,3\"");
    }
  }
  spec.user = node.text_or("user", "");
  node.reject_unknown();
  return spec;
}

ScenarioPhase read_phase(const ConfigNode& node, const Scenario& scenario, const Budgets& base,
                         double time_scale) {
  ScenarioPhase phase;
  phase.name = node.at("name").text();
  phase.duration_s = node.at("duration_s").number(Range::positive()) * time_scale;
  if (node.has("co_runners")) {
    for (const auto& item : node.at("co_runners").items()) {
      const std::string name = item.text();
      const auto& all = scenario.co_runners;
      const auto found = std::ranges::find(all, name, &CoRunnerSpec::name);
      if (found == all.end()) {
        std::vector<std::string> names;
        std::ranges::transform(all, std::back_inserter(names), &CoRunnerSpec::name);
        item.fail(names.empty()
                      ? "a name from co_runners, which is empty"
                      : fmt::format("a name from co_runners ({})", fmt::join(names, ", ")));
      }
      phase.co_runners.push_back(static_cast<std::size_t>(found - all.begin()));
    }
  }
  phase.budgets = node.has("budgets") ? Budgets::from_yaml(node.at("budgets"), base) : base;
  if (node.has("rate_hz")) {
    phase.rate_hz = node.at("rate_hz").number({.min = 0.0, .max = 1e5, .min_excluded = true});
  }
  node.reject_unknown();
  return phase;
}

}  // namespace

double Scenario::duration_s() const {
  double sum = 0.0;
  for (const auto& phase : phases) {
    sum += phase.duration_s;
  }
  return sum;
}

std::size_t Scenario::phase_at(double time_s) const {
  double end_s = 0.0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    end_s += phases[i].duration_s;
    if (time_s < end_s) {
      return i;
    }
  }
  return phases.size() - 1;
}

Scenario Scenario::from_yaml(const ConfigNode& node, const Budgets& base, double time_scale) {
  Scenario scenario;
  scenario.name = node.at("name").text();
  if (node.has("co_runners")) {
    for (const auto& [name, child] : node.at("co_runners").entries()) {
      scenario.co_runners.push_back(read_co_runner(name, child));
    }
  }
  for (const auto& item : node.at("phases").items()) {
    scenario.phases.push_back(read_phase(item, scenario, base, time_scale));
  }
  if (scenario.phases.empty()) {
    node.at("phases").fail("at least one phase");
  }
  node.reject_unknown();
  return scenario;
}

Scenario Scenario::alone(const Budgets& base, double duration_s) {
  Scenario scenario;
  scenario.name = "alone";
  scenario.phases.push_back({.name = "alone",
                             .duration_s = duration_s,
                             .co_runners = {},
                             .budgets = base,
                             .rate_hz = std::nullopt});
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
