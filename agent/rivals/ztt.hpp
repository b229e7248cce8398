#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/knob_layout.hpp"
#include "agent/core/learner.hpp"
#include "agent/core/power_reader.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/situation.hpp"
#include "agent/neural/fused_network.hpp"
#include "agent/neural/learned_weights.hpp"
#include "agent/neural/q_loss.hpp"
#include "agent/neural/replay_buffer.hpp"
#include "agent/rivals/held_knobs.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// zTT (Kim, Bin, Ha, Lee, Lee, Choi & Ha, "zTT: learning-based DVFS with zero thermal throttling
/// for mobile devices", MobiSys 2021): a deep Q-network of a few neurons (Mnih et al. 2015) that
/// moves the clocks of CPUs and GPU a step up or down, or lets them be.
///
/// State: the two clocks, two powers, two temperatures, and the share of the frames that were in
/// time. Where a board has no GPU whose clock can be set, its second CPU cluster stands for it.
/// While it is too hot, clocks are lowered at random.
class ZttPolicy final : public Policy {
 public:
  struct Options {
    double discount = 0.9;             ///< gamma, in [0, 1).
    double learning_rate = 0.01;       ///< Of Adam; above 0.
    std::size_t hidden = 16;           ///< Neurons in each of two hidden layers; above 0.
    std::size_t replay = 500;          ///< Experiences that are kept; at least `batch`.
    std::size_t batch = 64;            ///< Of these learned from in each period; above 0.
    std::size_t target_every = 50;     ///< Periods after which the target network follows; above 0.
    double exploration_initial = 0.3;  ///< epsilon, 0 to 1.
    double exploration_final = 0.01;
    double exploration_decay = 0.9;      ///< Of epsilon in a period.
    double power_weight = 2.0;           ///< beta, W.
    double over_limit = 4.0;             ///< What is taken off for power over its limit, relative.
    double temperature_target_c = 85.0;  ///< Where no budget gives one.
    static Options from_yaml(const ConfigNode& node);
  };

  /// What a reward is made of.
  struct Outcome {
    double in_time = 1.0;       ///< The share of the frames, of those that have to be; 0 to 1.
    double headroom_k = 100.0;  ///< Below the temperature target.
    std::optional<double> power_w;
    double overuse = 0.0;  ///< Power above its limit, relative.
  };

  static constexpr std::size_t kFeatures = 7;
  /// What is learned.
  struct Learned {
    LearnedWeights network;
    double epsilon = 0.0;
    std::optional<Action> held;  ///< Width and place, once they were chosen.
  };
  struct Now final : Session {
    Now(Random& source, const NetworkLayout& layout) : Session(source), network(layout, 1) {}
    Action held;
    std::vector<std::size_t> positions;  ///< [groups]
    std::vector<double> state;           ///< Empty in an episode's first period.
    bool too_hot = false;
    std::size_t move = 0;  ///< The last one ...
    Action asked;          ///< ... and the action that it came to; empty once that was done.
    FusedNetwork network;  ///< Memory of a decision.
  };

  /// @param random  of which the network's first weights are drawn.
  ZttPolicy(const Options& options, HeldKnobs held, Problem problem, Random& random);

  std::string kind() const override { return "ztt"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override;
  Decision decide(const View& view, Session& session) const override;
  void archive(Archive& archive) override;

  std::size_t num_moves() const;
  Outcome judge(const StepInfo& info) const;
  std::vector<double> features(const StepInfo& info, const Outcome& outcome, const Now& now) const;

  /// Changed by who learns.
  Learned& learned() { return learned_; }

 private:
  /// Domains that move together.
  struct Group {
    std::vector<std::size_t> knobs;
    std::size_t top = 0;  ///< Its highest position; positions are spread over each knob's levels.
  };
  static std::vector<Group> make_groups(const ActionSpace& actions, const KnobLayout& layout);
  /// The move down, none or up (0, 1, 2) of a group.
  static std::size_t direction(std::size_t move, std::size_t group);
  std::vector<std::size_t> moved(const std::vector<std::size_t>& positions, std::size_t move) const;
  Action action_at(const Action& held, const std::vector<std::size_t>& positions) const;
  /// What a period told. Puts the positions where somebody else put the clocks.
  void follow(const PeriodRecord& record, Now& now) const;
  /// Moves by what the network believes, or by chance.
  Decision move_clocks(const View& view, Now& now) const;
  /// One step down or none, by chance.
  Decision cool_down(const View& view, Now& now) const;

  Options options_;
  HeldKnobs held_;
  Problem problem_;
  KnobLayout knobs_;
  PowerReader power_;
  std::vector<Group> groups_;  ///< One or two; none if no clock can be set.
  Learned learned_;
};

/// Learns ZttPolicy's network.
class Ztt final : public Learner {
 public:
  using Options = ZttPolicy::Options;
  using Outcome = ZttPolicy::Outcome;

  /// `random` must outlive the agent; its state is part of the checkpoint.
  Ztt(const Options& options, HeldKnobs held, Problem problem, Random& random);

  const ZttPolicy& policy() const override { return policy_; }
  const Problem& problem() const override { return problem_; }
  bool learns() const override { return true; }
  std::uint64_t updates() const override { return updates_; }
  void learn(const PeriodRecord& record, Session& session) override;
  void archive(Archive& archive) override;

  /// u + v + beta / P: u the frames in time, v the temperature.
  static double reward(const Outcome& outcome, const Options& options);

 private:
  void update();

  Options options_;
  Problem problem_;
  Random& random_;
  ZttPolicy policy_;
  AlignedFloats target_;
  std::unique_ptr<QLoss> loss_;
  ReplayBuffer replay_;  ///< Of states and moves.
  std::uint64_t updates_ = 0;

  // Memory of a step.
  QBatch batch_;
  AlignedFloats gradients_;
};

}  // namespace rein
