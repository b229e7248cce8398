#pragma once

#include <memory>
#include <string>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/config_node.hpp"

namespace rein {

/// SlackFit (Khare, Garg, Kalra, Grandhi, Stoica & Tumanov, "SuperServe: Fine-Grained Inference
/// Serving for Unpredictable Workloads", NSDI 2025, arXiv 2312.16733).
///
/// Takes the widest level whose profiled latency fits into what is left of the time of the oldest
/// request that waits: bursts, queues and slow-downs are all seen by that alone, and never
/// predicted. Of the configurations that fit it takes the best by the objective, then the one that
/// draws least.
class SlackFit final : public Policy {
 public:
  struct Options {
    double margin = 2.25;       ///< Of the profiled latency, for chance and co-runners; 1 to 10.
    double power_share = 0.97;  ///< Of each limit on power and energy that may be used; in (0, 1].
    static Options from_yaml(const ConfigNode& node);
  };

  SlackFit(const Options& options, Profile profile, Problem problem);

  std::string kind() const override { return "slackfit"; }
  Decision decide(const View& view, Session& session) const override;

  /// @param waited_ms  how long the oldest request has waited; 0 if none does.
  ActionId choose(const Situation& asked, double waited_ms) const;

 private:
  Options options_;
  Profile profile_;
  Problem problem_;
  ProfiledUse use_;
};

}  // namespace rein
