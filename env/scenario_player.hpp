#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "env/scenario.hpp"
#include "platform/co_runner.hpp"

namespace rein {

/// Plays a scenario: starts and ends its co-runners as time goes on. When it is destroyed, however
/// that comes, none of them is left.
class ScenarioPlayer {
 public:
  /// @pre one co-runner for each of scenario.co_runners, in that order.
  ScenarioPlayer(Scenario scenario, std::vector<std::unique_ptr<CoRunner>> co_runners);

  const Scenario& scenario() const { return scenario_; }

  /// Back to before the start: nothing runs.
  void reset();

  /// Makes the phase at `time_s` hold, and returns it. A co-runner that should run and has ended
  /// with trouble is not started again before its next phase.
  const ScenarioPhase& advance(double time_s);

  /// Those that run now.
  std::vector<std::string> running();

  /// A line for each co-runner that could not be started or failed, each reported once.
  std::vector<std::string> new_troubles();

 private:
  Scenario scenario_;
  std::vector<std::unique_ptr<CoRunner>> co_runners_;
  std::size_t phase_;
  std::set<std::string> reported_;
};

}  // namespace rein
