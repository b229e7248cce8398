#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/power_reader.hpp"
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
class PrimeQ final : public Agent {
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

  /// `random` must outlive the agent; its state is part of the checkpoint.
  PrimeQ(const Options& options, HeldKnobs held, Problem problem, Random& random);

  std::string kind() const override { return "prime_q"; }
  bool learns() const override { return true; }
  void begin_episode(std::size_t stream = 0) override;
  void attend(std::size_t stream) override { attended_ = stream; }
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  ExplorationStatus exploration() const override { return exploration_; }
  void archive(Archive& archive) override;

  /// PRiME's reward for the slowest request: highest just before its time is over. What was in time
  /// earns the rest for the power that was saved; what draws more than it may earns nothing good.
  /// @param power_share  of the most that was seen.  @param overuse  above the limit, relative.
  static double reward(double latency_ms, double time_ms, double power_share, double overuse,
                       const Options& options);

  /// A level for each domain's knob.
  const std::vector<std::vector<std::size_t>>& choices() const { return choices_; }
  double value(std::size_t bin, std::size_t choice) const;

 private:
  struct Row {
    std::vector<double> values;  ///< [choices]
    std::uint64_t visits = 0;
  };
  Row& row(std::size_t bin);
  double predicted_ms(std::size_t stream) const;
  std::size_t bin(std::size_t stream, const Situation& now) const;
  std::size_t greedy(const Row& row) const;
  /// What a request took in this period, as it would have been with the highest clocks.
  double work_ms(double service_ms, ActionId in_force) const;

  Options options_;
  HeldKnobs held_;
  Problem problem_;
  Random& random_;
  KnobLayout layout_;
  PowerReader power_;
  std::vector<std::vector<std::size_t>> choices_;

  std::map<std::size_t, Row> table_;  ///< By bin.
  double highest_w_ = 0.0;            ///< The most power that was seen.
  /// Work of a request, in each stream; none where none was seen yet.
  std::map<std::size_t, double> predicted_ms_;
  std::size_t attended_ = 0;  ///< The stream in which it acts.
  ExplorationStatus exploration_;
};

}  // namespace rein
