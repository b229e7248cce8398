#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"

namespace rein {

/// One step, as the environment reported it.
struct Transition {
  const Observation& observation;  ///< Before the action.
  ActionId action;
  double reward;
  const std::vector<RewardTerm>& terms;  ///< Their sum is the reward.
  const Observation& next_observation;
  bool terminated;  ///< The next state has no value.
  bool truncated;   ///< The next state's value still counts.
  /// What else is known of the period; null if it was imagined.
  const StepInfo* info = nullptr;
  /// Which of several environments it is from, where an agent learns in many at once.
  std::size_t stream = 0;
};

/// How an agent came to its last action.
struct ExplorationStatus {
  double rate = 0.0;      ///< The chance that it explored, in [0, 1].
  bool explored = false;  ///< It did not take what it believes best.
};

/// Policy and learner in one: what is left to be taken apart.
class Agent : public Learner, public Policy {
 public:
  virtual void begin_episode(std::size_t /*stream*/ = 0) {}
  virtual void attend(std::size_t /*stream*/) {}
  virtual ActionId act(const View& view) = 0;
  virtual void observe(const Transition& transition) = 0;
  virtual ExplorationStatus exploration() const { return {}; }
  virtual const ActionSpace& actions() const = 0;

  // As a learner and a policy.
  void archive(Archive& archive) override = 0;
  const Policy& policy() const final { return *this; }
  std::unique_ptr<Session> begin_episode(Random& random) const final {
    auto session = std::make_unique<Stream>(random, streams_);
    self().begin_episode(session->index);
    return session;
  }
  Decision decide(const View& view, Session& session) const final {
    self().attend(stream_of(session));
    Decision decision{.action = actions().decode(self().act(view))};
    decision.exploration = exploration().rate;
    decision.explored = exploration().explored;
    return decision;
  }
  void learn(const PeriodRecord& record, Session& session) final {
    const StepInfo& info = record.result.info;
    observe({record.observation, actions().encode(record.action), record.result.reward,
             info.reward_terms, record.result.observation, record.result.terminated,
             record.result.truncated, info.applications.empty() ? nullptr : &info,
             stream_of(session)});
  }

 private:
  struct Stream final : Session {
    Stream(Random& source, std::set<std::size_t>& used) : Session(source), used_(used) {
      while (used_.count(index) > 0) {
        ++index;
      }
      used_.insert(index);
    }
    ~Stream() override { used_.erase(index); }
    std::size_t index = 0;

   private:
    std::set<std::size_t>& used_;
  };
  static std::size_t stream_of(const Session& session) {
    return dynamic_cast<const Stream&>(session).index;
  }
  Agent& self() const { return const_cast<Agent&>(*this); }
  mutable std::set<std::size_t> streams_;
};

}  // namespace rein
