#include "env/scenario_player.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace rein {

namespace {
constexpr std::size_t kNotStarted = std::numeric_limits<std::size_t>::max();
}

ScenarioPlayer::ScenarioPlayer(Scenario scenario, std::vector<std::unique_ptr<CoRunner>> co_runners)
    : scenario_(std::move(scenario)), co_runners_(std::move(co_runners)), phase_(kNotStarted) {}

void ScenarioPlayer::reset() {
  for (auto& co_runner : co_runners_) {
    co_runner->stop();
  }
  phase_ = kNotStarted;
}

const ScenarioPhase& ScenarioPlayer::advance(double time_s) {
  const std::size_t phase = scenario_.phase_at(time_s);
  if (phase != phase_) {
    phase_ = phase;
    const auto& wanted = scenario_.phases[phase].co_runners;
    for (std::size_t i = 0; i < co_runners_.size(); ++i) {
      if (std::ranges::find(wanted, i) != wanted.end()) {
        co_runners_[i]->start();
      } else {
        co_runners_[i]->stop();
      }
    }
  }
  return scenario_.phases[phase];
}

std::vector<std::string> ScenarioPlayer::running() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < co_runners_.size(); ++i) {
    if (co_runners_[i]->running()) {
      names.push_back(scenario_.co_runners[i].name);
    }
  }
  return names;
}

std::vector<std::string> ScenarioPlayer::new_troubles() {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < co_runners_.size(); ++i) {
    const std::string trouble = co_runners_[i]->trouble();
    if (!trouble.empty()) {
      auto line = fmt::format("co-runner {}: {}", scenario_.co_runners[i].name, trouble);
      if (reported_.insert(line).second) {
        lines.push_back(std::move(line));
      }
    }
  }
  return lines;
}

}  // namespace rein
