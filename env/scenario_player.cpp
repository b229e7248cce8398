#include "env/scenario_player.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rein {

namespace {
/// Sets what is drawn here apart from what others draw from the same seed.
constexpr std::uint64_t kStream = 0x5ce7a210'00000001;
}  // namespace

ScenarioPlayer::ScenarioPlayer(Scenario scenario, std::vector<std::unique_ptr<CoRunner>> co_runners,
                               SetAmbient set_ambient)
    : scenario_(std::move(scenario)),
      co_runners_(std::move(co_runners)),
      set_ambient_(std::move(set_ambient)),
      is_running_(co_runners_.size(), false) {}

void ScenarioPlayer::reset(std::uint64_t seed) {
  for (auto& co_runner : co_runners_) {
    co_runner->stop();
  }
  seed_ = seed;
  draw_first();
}

void ScenarioPlayer::draw_first() {
  random_ = Random(seed_ ^ kStream);
  begin_s_ = 0.0;
  stretch_ = scenario_.first_stretch(random_);
  has_entered_ = false;
}

const ScenarioPhase& ScenarioPlayer::advance(double time_s) {
  const double until_s = time_s + ScenarioStretch::kRoundingS;
  if (until_s < begin_s_) {
    draw_first();
  }
  while (stretch_.end_s <= until_s) {
    const auto next = scenario_.next_stretch(stretch_, random_);
    if (!next) {
      break;
    }
    begin_s_ = stretch_.end_s;
    stretch_ = *next;
    has_entered_ = false;
  }
  const ScenarioPhase& phase = scenario_.phases[stretch_.phase];
  if (!std::exchange(has_entered_, true)) {
    for (std::size_t i = 0; i < co_runners_.size(); ++i) {
      if (std::ranges::find(phase.co_runners, i) != phase.co_runners.end()) {
        co_runners_[i]->start();
      } else {
        co_runners_[i]->stop();
      }
    }
    if (set_ambient_) {
      set_ambient_(phase.ambient_c);
    }
  }
  return phase;
}

const std::vector<std::string>& ScenarioPlayer::running() {
  bool changed = false;
  for (std::size_t i = 0; i < co_runners_.size(); ++i) {
    const bool runs = co_runners_[i]->running();
    changed = changed || runs != is_running_[i];
    is_running_[i] = runs;
  }
  if (changed) {
    running_.clear();
    for (std::size_t i = 0; i < co_runners_.size(); ++i) {
      if (is_running_[i]) {
        running_.push_back(scenario_.co_runners[i].name);
      }
    }
  }
  return running_;
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
