#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// Divides the observations into the states of a table: some features, each cut into bins.
class StateAggregation {
 public:
  struct Cut {
    std::string feature;  ///< A feature's name, or its beginning up to a dot: `cpu_others_share`.
    std::vector<double> edges;  ///< Ascending; a value equal to an edge is in the bin above it.
  };
  /// The bin of each feature that is used.
  using Key = std::vector<int>;

  /// @throws Error if a cut finds no feature.
  StateAggregation(const std::vector<Cut>& cuts, const ObservationSpec& observations);
  /// A list of {feature, edges}. @throws ConfigError, also for a feature that does not exist.
  static StateAggregation from_yaml(const ConfigNode& node, const ObservationSpec& observations);
  /// Others' load on each CPU above a quarter or not; the deadline and the power limit in steps of
  /// about 1.45.
  static StateAggregation standard(const ObservationSpec& observations);

  Key key(const Observation& observation) const;

 private:
  struct Column {
    std::size_t feature = 0;
    std::vector<double> edges;
  };
  std::vector<Column> columns_;
};

/// Tabular Q-learning (Watkins 1989; Sutton & Barto 2018, section 6.5, eq. 6.8) that starts from
/// optimistic values (section 2.6).
///
/// What a period can earn at best is known for each action (its accuracy, when accuracy is the
/// objective), so values start there: the agent tries the best first and goes down only as far as
/// the budgets force it. Structure keeps the number of trials small:
/// - an action that is slower all else equal (wider, or with less frequency or bandwidth) cannot
///   miss its deadlines less than the one that was tried, and one that is costlier (wider, or with
///   more frequency) cannot use less power: what a trial was fined is taken off those too;
/// - of equal values the one is tried first that lacked least in all states so far, and then the
///   fastest.
/// Exploration (with chance epsilon, by softmax) is drawn only from actions whose bound is above
/// the value of the greedy one: trying others cannot pay.
class QLearning final : public Agent {
 public:
  struct Options {
    double discount = 0.2;              ///< gamma, in [0, 1).
    double learning_rate = 0.1;         ///< Least alpha, in (0, 1]; 1 / visits before.
    double exploration_initial = 0.2;   ///< epsilon of a state that was never visited, in [0, 1].
    double exploration_final = 0.02;    ///< Its limit.
    double exploration_half_life = 50;  ///< Visits of a state after which it is half way; above 0.
    double exploration_temperature = 0.3;  ///< Of the softmax that explores, in rewards; above 0.

    static Options from_yaml(const ConfigNode& node);
  };

  /// `random` must outlive the agent; its state is part of the checkpoint.
  QLearning(const Options& options, StateAggregation states, Problem problem, Random& random);

  std::string kind() const override { return "q_learning"; }
  bool learns() const override { return true; }
  ActionId act(const Observation& observation) override;
  void observe(const Transition& transition) override;
  ExplorationStatus exploration() const override { return exploration_; }
  void save(const std::filesystem::path& file) const override;
  void load(const std::filesystem::path& file) override;

  /// The value of an action, for tests and reports.
  double value(const Observation& observation, ActionId action) const;

 private:
  struct Row {
    std::vector<double> values;         ///< [actions]
    std::vector<std::uint64_t> visits;  ///< [actions]
    std::uint64_t visited = 0;          ///< Sum of visits.
  };
  Row& row(const StateAggregation::Key& key);
  ActionId greedy(const Row& row) const;
  /// What an action is worth that always earns its bound. Where a better one exists this is less
  /// than the truth, which does not matter: the better one's value is then above it.
  double optimistic_value(ActionId action) const;
  /// alpha of the next update.
  double rate(const Row& row, ActionId action) const;
  /// Takes `fine` off what the actions in `worse` may still hope for.
  void spread(Row& row, const std::vector<ActionId>& worse, double fine);

  Options options_;
  StateAggregation states_;
  Problem problem_;
  Random& random_;
  std::map<StateAggregation::Key, Row> table_;
  std::vector<double> lacking_;  ///< [actions]: mean shortfall over all states, recent ones more.
  std::vector<std::vector<ActionId>> slower_;    ///< [actions]: those that serve no faster.
  std::vector<std::vector<ActionId>> costlier_;  ///< [actions]: those that use no less power.
  std::vector<std::size_t> speed_;  ///< [actions]: sum of the levels of the knobs that quicken.
  ExplorationStatus exploration_;
};

}  // namespace rein
