#include "agent/loop/control_loop.hpp"

#include <utility>

namespace rein {

ControlLoop::ControlLoop(Environment& environment, Agent& agent, const Clock& clock,
                         std::vector<PeriodSink> sinks, Shield* shield)
    : environment_(environment),
      agent_(agent),
      clock_(clock),
      sinks_(std::move(sinks)),
      shield_(shield) {}

std::uint64_t ControlLoop::run(std::uint64_t seed, const std::function<bool()>& stop) {
  Observation observation = environment_.reset(seed);
  agent_.begin_episode();
  if (shield_ != nullptr) {
    shield_->begin_episode();
  }
  Choice choice = choose(observation);
  for (std::uint64_t period = 0;; ++period) {
    const StepResult& result = environment_.step(choice.action);

    const TimePoint before = clock_.now();
    const Transition transition{
        observation,        choice.action,     result.reward,    result.info.reward_terms,
        result.observation, result.terminated, result.truncated, &result.info};
    agent_.observe(transition);
    if (shield_ != nullptr) {
      shield_->observe(transition);
    }
    const Duration learning = clock_.now() - before;

    for (const auto& sink : sinks_) {
      sink({period, observation, choice.action, result, choice.exploration, choice.time, learning,
            choice.shield});
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
  Shield::Verdict verdict{.action = agent_.act(View(observation, environment_.task()))};
  if (shield_ != nullptr) {
    verdict = shield_->check(verdict.action, environment_.task());
  }
  return {verdict.action, verdict.reason, agent_.exploration(), clock_.now() - before};
}

}  // namespace rein
