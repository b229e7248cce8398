#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "common/archive.hpp"
#include "common/random.hpp"
#include "env/period_record.hpp"

namespace rein {

/// What may be asked for in a period.
class ActionMask {
 public:
  virtual ~ActionMask() = default;
  virtual bool allows(const Action& action) const = 0;
  /// Whether it allows every action, told without looking at each: false if that is not known.
  virtual bool allows_all() const { return false; }
};

/// What a decision is made on. The references hold for the time of a call.
struct View {
  /// With nothing asked for unless a task is given.
  View(const Observation& seen, const Task& asked = nothing_asked(),  // NOLINT: one is the other.
       const PeriodRecord* before = nullptr, const ActionMask* mask = nullptr,
       bool asks_probability = false)
      : observation(seen),
        task(asked),
        last(before),
        allowed(mask),
        wants_probability(asks_probability) {}

  const Observation& observation;
  const Task& task;                     ///< Of the coming period.
  const PeriodRecord* last = nullptr;   ///< The period before; null in an episode's first.
  const ActionMask* allowed = nullptr;  ///< Null: all.
  /// Whether the decision is to have its probability, which may take longer than deciding.
  bool wants_probability = false;

  bool allows(const Action& action) const { return allowed == nullptr || allowed->allows(action); }

 private:
  static const Task& nothing_asked() {
    static const Task nothing;
    return nothing;
  }
};

/// All that belongs to one episode of one stream: what a policy believes of the present, and what a
/// learner has not learned from yet. Nothing of an episode is in the policy or the learner, so that
/// any number can be under way at once.
class Session {
 public:
  /// @param source  of all that is drawn for this episode; must outlive it.
  explicit Session(Random& source) : random(source) {}
  virtual ~Session() = default;

  Random& random;
  /// For the user, in a sentence each: taken away by who tells them.
  std::vector<std::string> notes;

  /// As what its policy made. @throws std::bad_cast for another policy's.
  template <typename Kind>
  Kind& as() {
    static_assert(std::is_final_v<Kind>);
    if (typeid(*this) != typeid(Kind)) {  // A dynamic_cast takes longer, in every decision.
      throw std::bad_cast();
    }
    return static_cast<Kind&>(*this);
  }
};

/// Decides: what is exported of an agent. It is not changed by what happens; what it makes of the
/// episode is in the session.
class Policy {
 public:
  virtual ~Policy() = default;

  /// As in make_agent(): "q_learning".
  virtual std::string kind() const = 0;

  /// An episode begins: the environment was reset. @param random  must outlive the session.
  virtual std::unique_ptr<Session> begin_episode(Random& random) const {
    return std::make_unique<Session>(random);
  }

  /// @pre one finite value for each feature; one call for each period, with the record of the one
  ///      before.
  /// @post the action fits the knobs, and is allowed, if the policy draws it (Decision::probability
  ///       below 1); one that does not leaves that to whoever masks.
  virtual Decision decide(const View& view, Session& session) const = 0;

  /// What a decision depends on besides what was learned and the task: its options, as text.
  virtual std::string parameters() const { return ""; }

  /// What of it is in a checkpoint, after its kind and what it is for: what was learned.
  virtual void archive(Archive& /*archive*/) {}
};

}  // namespace rein
