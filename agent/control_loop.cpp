#include "agent/control_loop.hpp"

#include <utility>

namespace rein {

ControlLoop::ControlLoop(Environment& environment, Agent& agent, const Clock& clock,
                         std::vector<PeriodSink> sinks)
    : environment_(environment), agent_(agent), clock_(clock), sinks_(std::move(sinks)) {}

std::uint64_t ControlLoop::run(std::uint64_t seed, const std::function<bool()>& stop) {
  Observation observation = environment_.reset(seed);
  agent_.begin_episode();
  Choice choice = choose(observation);
  for (std::uint64_t period = 0;; ++period) {
    const StepResult& result = environment_.step(choice.action);

    const TimePoint before = clock_.now();
    agent_.observe({observation, choice.action, result.reward, result.info.reward_terms,
                    result.observation, result.terminated, result.truncated, &result.info});
    const Duration learning = clock_.now() - before;

    for (const auto& sink : sinks_) {
      sink({period, observation, choice.action, result, choice.exploration, choice.time, learning});
    }
    if (result.terminated || result.truncated || stop()) {
      return period + 1;
    }
    observation = result.observation;
    choice = choose(observation);
  }
}

ControlLoop::Choice ControlLoop::choose(const Observation& observation) {
  const TimePoint before = clock_.now();
  const ActionId action = agent_.act(observation);
  return {action, agent_.exploration(), clock_.now() - before};
}

}  // namespace rein
