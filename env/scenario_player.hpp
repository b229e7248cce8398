#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "env/scenario.hpp"
#include "platform/co_runners/co_runner.hpp"

namespace rein {

/// Plays a scenario: starts and ends its co-runners as time goes on. When it is destroyed, however
/// that comes, none of them is left.
class ScenarioPlayer {
 public:
  /// Is told the ambient temperature in degC when a phase begins; nothing: the board's own.
  using SetAmbient = std::function<void(std::optional<double>)>;

  /// @pre one co-runner for each of scenario.co_runners, in that order.
  /// @param set_ambient  may be empty.
  ScenarioPlayer(Scenario scenario, std::vector<std::unique_ptr<CoRunner>> co_runners,
                 SetAmbient set_ambient = {});

  const Scenario& scenario() const { return scenario_; }

  /// Back to before the start: nothing runs. What is random in the scenario is drawn from `seed`.
  void reset(std::uint64_t seed);

  /// Makes the phase at `time_s` hold, and returns it: the last one after the end. A co-runner that
  /// should run and has ended with trouble is not started again before its next phase.
  /// @pre reset() was called.
  const ScenarioPhase& advance(double time_s);

  /// The names of those that run now; valid until the next call.
  const std::vector<std::string>& running();

  /// A line for each co-runner that could not be started or failed, each reported once.
  std::vector<std::string> new_troubles();

 private:
  void draw_first();
  Scenario scenario_;
  std::vector<std::unique_ptr<CoRunner>> co_runners_;
  SetAmbient set_ambient_;
  std::uint64_t seed_ = 0;
  Random random_{0};
  double begin_s_ = 0.0;              ///< Of the ...
  ScenarioStretch stretch_;           ///< ... stretch that holds, the last that was drawn.
  bool has_entered_ = false;          ///< Its phase was made to hold.
  std::vector<bool> is_running_;      ///< [co-runners], when running() was last asked ...
  std::vector<std::string> running_;  ///< ... and the names of those.
  std::set<std::string> reported_;
};

}  // namespace rein
