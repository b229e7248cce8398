#pragma once

#include <string>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "common/config_node.hpp"

namespace rein {

/// Always the same configuration: one that was given, or the best one in hindsight.
class StaticPolicy final : public Policy {
 public:
  /// @pre the action fits the problem's knobs.
  /// @param is_chosen  the configuration was asked for, so that a checkpoint of another is refused.
  StaticPolicy(Action action, Problem problem, std::string kind = "static", bool is_chosen = false);

  /// `configuration:` names a level for each knob, by its label or value; a knob that it leaves
  /// out stays at its highest level: `{width: 1.0, mapping: all2}`. A knob may be named without
  /// its application or domain where only one begins so.
  static Action read_configuration(const ConfigNode& node, const ActionSpace& actions);

  std::string kind() const override { return kind_; }
  Decision decide(const View&, Session&) const override { return {.action = action_}; }
  void archive(Archive& archive) override;

 private:
  Action action_;
  Problem problem_;
  std::string kind_;
  bool is_chosen_;
};

/// Every action that is allowed with the same chance: the least that a learner has to beat.
class RandomPolicy final : public Policy {
 public:
  /// `actions` must outlive the policy.
  explicit RandomPolicy(const ActionSpace& actions) : actions_(actions) {}

  std::string kind() const override { return "random"; }
  Decision decide(const View& view, Session& session) const override;

 private:
  const ActionSpace& actions_;
};

}  // namespace rein
