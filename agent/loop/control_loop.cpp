#include "agent/loop/control_loop.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rein {

ControlLoop::ControlLoop(Environment& environment, Learner& learner, Random& random,
                         const Clock& clock, Options options)
    : environment_(environment),
      learner_(learner),
      random_(random),
      clock_(clock),
      options_(std::move(options)) {}

std::uint64_t ControlLoop::run(std::uint64_t seed, const std::function<bool()>& stop) {
  now_.episode = episodes_++;
  now_.index = 0;
  now_.policy = options_.policy;
  now_.observation = environment_.reset(seed);
  session_ = learner_.policy().begin_episode(random_);
  if (options_.shield != nullptr) {
    options_.shield->begin_episode();
  }
  try {
    live(stop);
  } catch (...) {
    learner_.end_episode(*session_);  // What was learned is kept, whatever ended it.
    throw;
  }
  learner_.end_episode(*session_);
  return now_.index + 1;
}

void ControlLoop::live(const std::function<bool()>& stop) {
  for (const PeriodRecord* last = nullptr;; last = &last_) {
    choose(last, now_);
    now_.result = environment_.step(now_.action);
    std::ranges::move(session_->notes, std::back_inserter(now_.result.info.messages));
    session_->notes.clear();
    learn(now_);
    for (const auto& sink : options_.sinks) {
      sink(now_);
    }
    if (now_.result.terminated || now_.result.truncated || stop()) {
      return;
    }
    std::swap(now_, last_);
    now_.episode = last_.episode;
    now_.index = last_.index + 1;
    now_.policy = last_.policy;
    now_.observation = last_.result.observation;
  }
}

void ControlLoop::choose(const PeriodRecord* last, PeriodRecord& record) {
  Shield* const shield = options_.shield;
  const TimePoint before = clock_.now();
  if (shield != nullptr) {
    shield->expect(environment_.task());
  }
  record.updates = learner_.updates();
  record.decision = learner_.policy().decide(
      View(record.observation, environment_.task(), last, shield, options_.with_probability),
      *session_);
  if (shield == nullptr) {
    record.action = record.decision.action;
  } else {
    auto verdict = shield->check(record.decision.action);
    record.action = std::move(verdict.action);
    record.overruled = verdict.reason;
  }
  record.deciding = clock_.now() - before;
}

void ControlLoop::learn(PeriodRecord& record) {
  const TimePoint before = clock_.now();
  learner_.learn(record, *session_);
  if (options_.shield != nullptr) {
    options_.shield->observe(record);
  }
  record.learning = clock_.now() - before;
}

}  // namespace rein
