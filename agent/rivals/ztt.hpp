#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/power_reader.hpp"
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
class Ztt final : public Agent {
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

  /// `random` must outlive the agent; its state is part of the checkpoint.
  Ztt(const Options& options, HeldKnobs held, Problem problem, Random& random);

  std::string kind() const override { return "ztt"; }
  bool learns() const override { return true; }
  void begin_episode(std::size_t stream = 0) override;
  void attend(std::size_t stream) override { attended_ = stream; }
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  ExplorationStatus exploration() const override { return exploration_; }
  void archive(Archive& archive) override;

  /// u + v + beta / P: u the frames in time, v the temperature.
  static double reward(const Outcome& outcome, const Options& options);

 private:
  static constexpr std::size_t kFeatures = 7;
  /// Domains that move together.
  struct Group {
    std::vector<std::size_t> knobs;
    std::size_t top = 0;  ///< Its highest position; positions are spread over each knob's levels.
  };
  /// What is of one stream's episode.
  struct Session {
    std::vector<std::size_t> positions;  ///< [groups]
    std::vector<double> state;           ///< Empty in an episode's first period.
    bool too_hot = false;
    std::size_t move = 0;           ///< The last one ...
    std::optional<ActionId> asked;  ///< ... and the action that it came to, until that was done.
  };

  static std::vector<Group> make_groups(const ActionSpace& actions, const KnobLayout& layout);
  std::vector<double> features(const StepInfo& info, const Outcome& outcome,
                               const Session& session) const;
  Outcome judge(const StepInfo& info, const Situation& situation) const;
  /// The move down, none or up (0, 1, 2) of a group.
  std::size_t direction(std::size_t move, std::size_t group) const;
  std::size_t num_moves() const;
  Session& session(std::size_t stream);
  void archive_session(Archive& archive, Session& session) const;
  /// Puts the positions where somebody else put the clocks.
  void follow(ActionId action, Session& session) const;
  /// By the values of what it believes.
  std::size_t best_move(const std::vector<double>& state);
  void learn();

  Options options_;
  HeldKnobs held_;
  Problem problem_;
  Random& random_;
  KnobLayout layout_;
  PowerReader power_;
  std::vector<Group> groups_;  ///< One or two; none if no clock can be set.

  LearnedWeights learned_;
  AlignedFloats target_;
  std::unique_ptr<QLoss> loss_;
  ReplayBuffer replay_;  ///< Of states and moves.
  double epsilon_;

  std::map<std::size_t, Session> sessions_;  ///< By stream.
  std::size_t attended_ = 0;                 ///< The stream in which it acts.
  ExplorationStatus exploration_;

  // Memory of a step.
  FusedNetwork network_;
  QBatch batch_;
  AlignedFloats gradients_;
};

}  // namespace rein
