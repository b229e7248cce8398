#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/learner.hpp"
#include "agent/loop/shield.hpp"
#include "common/clock.hpp"
#include "common/random.hpp"
#include "env/environment.hpp"
#include "env/period_record.hpp"

namespace rein {

/// Is told about every period: a trace, a summary, a status line.
using PeriodSink = std::function<void(const PeriodRecord&)>;

/// One agent in one environment, one period at a time.
class ControlLoop {
 public:
  struct Options {
    std::vector<PeriodSink> sinks = {};
    Shield* shield = nullptr;  ///< Through which every action goes.
    std::string policy = {};   ///< PeriodRecord::policy of each.
    /// Whether decisions are to have their probability: for a trace.
    bool with_probability = false;
  };

  /// All must outlive the loop. @param random  what the policy draws from.
  ControlLoop(Environment& environment, Learner& learner, Random& random, const Clock& clock,
              Options options);

  /// Runs an episode until it ends or `stop` says so after a period. Returns the periods.
  std::uint64_t run(std::uint64_t seed, const std::function<bool()>& stop);

 private:
  /// Period after period, until the episode ends.
  void live(const std::function<bool()>& stop);
  /// @param last  the period before; null in the first.
  void choose(const PeriodRecord* last, PeriodRecord& record);
  void learn(PeriodRecord& record);

  Environment& environment_;
  Learner& learner_;
  Random& random_;
  const Clock& clock_;
  Options options_;
  std::unique_ptr<Session> session_;  ///< Of the episode that is under way.
  std::uint64_t episodes_ = 0;
  PeriodRecord now_, last_;  ///< Whose memory is used again.
};

}  // namespace rein
