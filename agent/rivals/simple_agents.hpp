#pragma once

#include <string>

#include "agent/core/agent.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// Always the same configuration: one that was given, or the best one in hindsight.
class StaticAgent final : public Agent {
 public:
  /// @pre action < problem.actions.size().
  /// @param is_chosen  the configuration was asked for, so that a checkpoint of another is refused.
  StaticAgent(ActionId action, Problem problem, std::string kind = "static",
              bool is_chosen = false);

  /// `configuration:` names a level for each knob, by its label or value; a knob that it leaves
  /// out stays at its highest level: `{width: 1.0, mapping: all2}`. A knob may be named without
  /// its application or domain where only one begins so.
  static ActionId read_configuration(const ConfigNode& node, const ActionSpace& actions);

  std::string kind() const override { return kind_; }
  ActionId act(const View&) override { return action_; }
  void observe(const Transition&) override {}
  void archive(Archive& archive) override;

 private:
  ActionId action_;
  Problem problem_;
  std::string kind_;
  bool is_chosen_;
};

/// Every action with the same chance: the least that a learner has to beat.
class RandomAgent final : public Agent {
 public:
  /// `random` must outlive the agent.
  RandomAgent(Problem problem, Random& random);

  std::string kind() const override { return "random"; }
  ActionId act(const View&) override { return random_.index(problem_.actions.size()); }
  void observe(const Transition&) override {}
  ExplorationStatus exploration() const override { return {.rate = 1.0, .explored = true}; }
  void archive(Archive& archive) override;

 private:
  Problem problem_;
  Random& random_;
};

}  // namespace rein
