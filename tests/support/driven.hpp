#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"
#include "support/asked.hpp"

namespace rein {

/// An agent that is driven by hand, a period at a time.
class Driven {
 public:
  /// All must outlive it.
  Driven(Learner& learner, const ActionSpace& actions, Random& random)
      : learner_(learner), actions_(actions), random_(random) {
    begin_episode();
  }

  void begin_episode() {
    session_ = learner_.policy().begin_episode(random_);
    last_.reset();
    decision_.reset();
  }
  void end_episode() {
    learner_.end_episode(*session_);
    begin_episode();
  }

  /// What it decides, as the number of the action.
  ActionId act(const View& view) {
    const View seen(view.observation, view.task, last_ ? &*last_ : nullptr, view.allowed, true);
    decision_ = learner_.policy().decide(seen, *session_);
    is_followed_ = true;
    return actions_.encode(decision_->action);
  }
  /// The last one.
  const Decision& decision() const { return *decision_; }

  /// Shows it a period. @param record  but for what is not known: the decision, if it was made.
  void show(PeriodRecord record) {
    if (last_ && !is_followed_) {
      // In a loop each period begins with a decision.
      act(View(record.observation, record.result.info.task));
    }
    if (decision_) {
      record.decision = *decision_;
    } else {
      record.decision.action = record.action;
    }
    record.index = last_ ? last_->index + 1 : 0;
    learner_.learn(record, *session_);
    last_ = std::move(record);
    is_followed_ = false;
    decision_.reset();
  }

  Session& session() { return *session_; }

 private:
  Learner& learner_;
  const ActionSpace& actions_;
  Random& random_;
  std::unique_ptr<Session> session_;
  std::optional<PeriodRecord> last_;
  bool is_followed_ = false;  ///< It has decided since the last period was shown.
  std::optional<Decision> decision_;
};

/// A period in which this was asked for and came of the action.
inline PeriodRecord record_of(const Asked& asked, Action action, StepInfo info) {
  PeriodRecord record;
  record.observation = asked.observation;
  record.action = std::move(action);
  record.result.observation = asked.observation;
  record.result.info = std::move(info);
  record.result.info.task = asked.task;
  return record;
}

}  // namespace rein
