#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/knob_layout.hpp"
#include "agent/core/learner.hpp"
#include "agent/core/power_reader.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/situation.hpp"
#include "agent/rivals/held_knobs.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// PRiME's Q-learning (Bragg et al., "An application- and platform-agnostic runtime management
/// framework for multicore systems", PECCS 2018; rtm/codegen_qlearn of the PRiME Framework): sets
/// clocks alone, by the work that the next period's requests are predicted to be.
///
/// State: a bin of the predicted work, a moving mean of what a request took, as it would have been
/// with the highest clocks, over the time that it has. Action: a frequency of every domain; where
/// there are more than 64 of these, all domains move together. It learns without bootstrapping:
/// Q <- (1 - alpha) Q + alpha r.
class PrimeQPolicy final : public Policy {
 public:
  struct Options {
    double learning_rate = 0.4;  ///< alpha, in (0, 1].
    double work_rate = 0.6;      ///< lambda: what the newest period counts for, in (0, 1].
    std::size_t bins = 20;       ///< Of the work up to the time that there is; above 0.
    double power_weight = 0.5;   ///< Of saved power in the reward of what was in time; 0 to 1.
    double exploration_initial = 0.15;   ///< The chance to explore in a new bin, 0 to 1.
    double exploration_final = 0.01;     ///< Its limit.
    std::size_t exploration_steps = 20;  ///< Visits of a bin in which it falls to that; above 0.
    static Options from_yaml(const ConfigNode& node);
  };

  struct Row {
    std::vector<double> values;  ///< [choices]
    std::uint64_t visits = 0;
  };
  /// What is kept from episode to episode.
  struct Learned {
    std::map<std::size_t, Row> table;  ///< By bin.
    std::optional<Action> held;        ///< Width and place, once they were chosen.
  };
  struct Now final : Session {
    using Session::Session;
    Action held;
    double predicted_ms = 0.0;  ///< Work of a request; 0 where none was seen yet.
  };

  PrimeQPolicy(const Options& options, HeldKnobs held, Problem problem);

  std::string kind() const override { return "prime_q"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override;
  Decision decide(const View& view, Session& session) const override;
  std::string parameters() const override;
  void archive(Archive& archive) override;

  /// A level for each domain's knob.
  const std::vector<std::vector<std::size_t>>& choices() const { return choices_; }
  /// Which of them an action makes; their number if none.
  std::size_t choice_of(const Action& action) const;
  /// Of the work that is predicted, by the time that there is for it.
  std::size_t bin(double predicted_ms, const Situation& asked) const;
  double value(std::size_t bin, std::size_t choice) const;

  /// Changed by who learns.
  Learned& learned() { return learned_; }

 private:
  std::size_t greedy(const Row& row, const std::vector<std::size_t>& allowed) const;
  Action with_clocks(const Action& held, std::size_t choice) const;
  /// What a period told.
  void follow(const PeriodRecord& record, Now& now) const;
  /// What a request took in this period, as it would have been with the highest clocks.
  double work_ms(double service_ms, const Action& in_force) const;

  Options options_;
  HeldKnobs held_;
  Problem problem_;
  KnobLayout layout_;
  std::vector<std::vector<std::size_t>> choices_;
  Learned learned_;
};

/// Learns PrimeQPolicy's table.
class PrimeQ final : public Learner {
 public:
  using Options = PrimeQPolicy::Options;

  /// `random` must outlive the agent; its state is part of the checkpoint.
  PrimeQ(const Options& options, HeldKnobs held, Problem problem, Random& random);

  const PrimeQPolicy& policy() const override { return policy_; }
  const Problem& problem() const override { return problem_; }
  bool learns() const override { return true; }
  std::uint64_t updates() const override { return updates_; }
  void learn(const PeriodRecord& record, Session& session) override;
  void archive(Archive& archive) override;

  /// PRiME's reward for the slowest request: highest just before its time is over. What was in time
  /// earns the rest for the power that was saved; what draws more than it may earns nothing good.
  /// @param power_share  of the most that was seen.  @param overuse  above the limit, relative.
  static double reward(double latency_ms, double time_ms, double power_share, double overuse,
                       const Options& options);

 private:
  Options options_;
  Problem problem_;
  Random& random_;
  PowerReader power_;
  PrimeQPolicy policy_;
  double highest_w_ = 0.0;  ///< The most power that was seen.
  std::uint64_t updates_ = 0;
};

}  // namespace rein
