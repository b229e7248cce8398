#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/loop/shield.hpp"
#include "common/clock.hpp"
#include "env/environment.hpp"

namespace rein {

/// What one control period was.
struct PeriodRecord {
  std::uint64_t index = 0;
  const Observation& observation;  ///< On which the action was chosen.
  ActionId action = 0;             ///< That was taken, which the shield may have chosen.
  const StepResult& result;
  ExplorationStatus exploration;                  ///< How the agent chose.
  Duration decision{};                            ///< What choosing it took ...
  Duration learning{};                            ///< ... and learning from what it led to.
  Shield::Reason shield = Shield::Reason::kNone;  ///< Why the shield decided, if it did.
};

/// Is told about every period: a trace, a summary, a status line.
using PeriodSink = std::function<void(const PeriodRecord&)>;

/// One agent in one environment, one period at a time.
class ControlLoop {
 public:
  /// All must outlive the loop. @param shield  through which every action goes; none if null.
  ControlLoop(Environment& environment, Agent& agent, const Clock& clock,
              std::vector<PeriodSink> sinks, Shield* shield = nullptr);

  /// Runs an episode until it ends or `stop` says so after a period. Returns the periods.
  std::uint64_t run(std::uint64_t seed, const std::function<bool()>& stop);

 private:
  struct Choice {
    ActionId action = 0;
    Shield::Reason shield = Shield::Reason::kNone;
    ExplorationStatus exploration;
    Duration time{};
  };
  Choice choose(const Observation& observation);

  Environment& environment_;
  Agent& agent_;
  const Clock& clock_;
  std::vector<PeriodSink> sinks_;
  Shield* shield_;
};

}  // namespace rein
