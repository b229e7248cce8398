#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "agent/agent.hpp"
#include "common/clock.hpp"
#include "env/environment.hpp"

namespace rein {

/// What one control period was.
struct PeriodRecord {
  std::uint64_t index = 0;
  const Observation& observation;  ///< On which the action was chosen.
  ActionId action = 0;
  const StepResult& result;
  ExplorationStatus exploration;  ///< How the action was chosen.
  Duration decision{};            ///< What choosing it took ...
  Duration learning{};            ///< ... and learning from what it led to.
};

/// Is told about every period: a trace, a summary, a status line.
using PeriodSink = std::function<void(const PeriodRecord&)>;

/// One agent in one environment, one period at a time.
class ControlLoop {
 public:
  /// All must outlive the loop.
  ControlLoop(Environment& environment, Agent& agent, const Clock& clock,
              std::vector<PeriodSink> sinks);

  /// Runs an episode until it ends or `stop` says so after a period. Returns the periods.
  std::uint64_t run(std::uint64_t seed, const std::function<bool()>& stop);

 private:
  struct Choice {
    ActionId action = 0;
    ExplorationStatus exploration;
    Duration time{};
  };
  Choice choose(const Observation& observation);

  Environment& environment_;
  Agent& agent_;
  const Clock& clock_;
  std::vector<PeriodSink> sinks_;
};

}  // namespace rein
