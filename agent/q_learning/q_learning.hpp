#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/core/allowed_actions.hpp"
#include "agent/core/change_detector.hpp"
#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"
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
  /// about 1.45, and none apart.
  static StateAggregation standard(const ObservationSpec& observations);

  /// What a key means: a line for each bin, with the feature and the edges.
  std::vector<std::string> describe() const;
  /// How many bins a key has.
  std::size_t size() const { return columns_.size(); }
  /// Overwrites `key`, whose memory is used again.
  void find_key(const Observation& observation, Key& key) const;

 private:
  struct Column {
    std::size_t feature = 0;
    std::string name;
    std::vector<double> edges;
  };
  std::vector<Column> columns_;
};

struct QLearningOptions {
  double discount = 0.2;                 ///< gamma, in [0, 1).
  double learning_rate = 0.1;            ///< Least alpha, in (0, 1]; 1 / visits before.
  double exploration_initial = 0.2;      ///< epsilon of a state that was never visited, in [0, 1].
  double exploration_final = 0.02;       ///< Its limit.
  double exploration_half_life = 50;     ///< Visits of a state after which it is half way; above 0.
  double exploration_temperature = 0.3;  ///< Of the softmax that explores, in rewards; above 0.
  bool double_q = false;                 ///< Two estimates.
  double trace_decay = 0.0;              ///< lambda, in [0, 1]; 0: no traces.
  /// Epsilon begins anew in all states when the temporal-difference errors, cut at 1, rise.
  bool reopen_on_change = false;
  ChangeDetector::Options change;

  static QLearningOptions from_yaml(const ConfigNode& node);
};

/// A table of what actions are worth in each state, the greedy choice in it and the exploration
/// about that.
class QTable final : public Policy {
 public:
  struct Estimate {
    std::vector<double> values;         ///< [actions]
    std::vector<std::uint64_t> visits;  ///< [actions]: updates of each value.
  };
  struct Row {
    std::vector<Estimate> estimates;  ///< One, or two if double.
    std::vector<double> means;        ///< [actions]: of the two; empty if there is one.
    std::uint64_t visited = 0;        ///< Updates since exploration was last opened.

    const std::vector<double>& values() const {
      return means.empty() ? estimates.front().values : means;
    }
    /// Moves a value of one estimate.
    void add(std::size_t estimate, ActionId action, double change);
  };
  struct KeyHash {
    std::size_t operator()(const StateAggregation::Key& key) const noexcept;
  };
  using Rows = std::unordered_map<StateAggregation::Key, Row, KeyHash>;
  /// What is still to be moved by the errors to come.
  struct Trace {
    Rows::value_type* state = nullptr;
    ActionId action = 0;
    std::size_t estimate = 0;
    double eligibility = 1.0;  ///< In (0, 1].
  };
  /// No session outlives a load: its traces are of rows.
  struct Now final : Session {
    using Session::Session;
    std::vector<Trace> traces;
    // Memory of a decision.
    StateAggregation::Key key;
    std::vector<double> weights;  ///< [actions]: of the softmax.
  };
  /// What is learned.
  struct Learned {
    Rows rows;
    std::vector<double> lacking;  ///< [actions]: mean shortfall in all states, recent ones more.
  };

  QTable(const QLearningOptions& options, StateAggregation states, Problem problem);

  std::string kind() const override { return "q_learning"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override {
    return std::make_unique<Now>(random);
  }
  Decision decide(const View& view, Session& session) const override;
  std::string parameters() const override;
  void archive(Archive& archive) override;

  const StateAggregation& states() const { return states_; }
  /// The row of an observation, which is begun with optimistic values. @param key  memory for it.
  Rows::value_type& row(const Observation& observation, StateAggregation::Key& key);
  /// The value of an action, for tests and reports.
  double value(const Observation& observation, ActionId action) const;
  /// What an action is worth that always earns its bound. Where a better one exists this is less
  /// than the truth, which does not matter: the better one's value is then above it.
  double optimistic_value(ActionId action) const { return optimistic_[action]; }
  /// Changed by who learns.
  Learned& learned() { return learned_; }

 private:
  const Row& find(const Observation& observation, StateAggregation::Key& key) const;
  ActionId greedy(const Row& row, const AllowedActions& allowed) const;
  /// Softmax over the best and what could be better (Sutton & Barto 2018, eq. 2.11), of what is
  /// allowed; 0 for all others. @return the sum.
  double weigh(const Row& row, ActionId best, const AllowedActions& allowed,
               std::vector<double>& weights) const;
  void archive_row(Archive& archive, Row& row) const;

  QLearningOptions options_;
  StateAggregation states_;
  Problem problem_;
  std::vector<double> optimistic_;  ///< [actions]
  Row unseen_;                      ///< Of a state that was never seen.
  std::vector<std::size_t> speed_;  ///< [actions]: sum of the levels of the knobs that quicken.
  Learned learned_;
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
///
/// Double Q-learning (van Hasselt 2010, algorithm 1): of two estimates one, drawn for each update,
/// is moved towards what the other says of the action that the first believes best. Decisions are
/// made by their mean.
///
/// Watkins's Q(lambda) (Watkins 1989; Sutton & Barto 2018, section 12.10) with replacing traces
/// (Singh & Sutton 1996): an error also moves what led to it, as far back as the actions were
/// greedy, in each stream for itself. What would be moved by less than a hundredth is dropped. With
/// two estimates the later errors of a value's return are those of the estimate that evaluates it.
class QLearning final : public Learner {
 public:
  using Options = QLearningOptions;

  /// `random` must outlive the agent; its state is part of the checkpoint.
  QLearning(const Options& options, StateAggregation states, Problem problem, Random& random);

  const QTable& policy() const override { return table_; }
  const Problem& problem() const override { return problem_; }
  bool learns() const override { return true; }
  bool learns_from_others() const override { return true; }
  std::uint64_t updates() const override { return updates_; }
  void learn(const PeriodRecord& record, Session& session) override;
  void archive(Archive& archive) override;

 private:
  using Row = QTable::Row;
  using Trace = QTable::Trace;
  using Traces = std::vector<Trace>;

  /// Which estimate says what the actions are worth that `estimate` believes best.
  std::size_t evaluator(std::size_t estimate) const {
    return options_.double_q ? 1 - estimate : estimate;
  }
  /// What the value that was acted on is moved towards. @param next  null: nothing is to come.
  double target(double reward, const Row* next, std::size_t estimate) const;
  /// alpha of the next update.
  double rate(const QTable::Estimate& estimate, ActionId action) const;
  /// Moves what has a trace by the newest's error, and adds it.
  void trace(const Trace& newest, const StepResult& result, const Row* next, Traces& traces);
  void pass_on(const Traces& traces, const Trace& newest, double reward, const Row* next);
  /// Takes what was fined off what worse actions may still hope for.
  void spread_fines(Row& row, ActionId action, const std::vector<RewardTerm>& terms);
  void spread(Row& row, const std::vector<ActionId>& worse, double fine);

  Options options_;
  Problem problem_;
  Random& random_;
  QTable table_;
  ChangeDetector detector_;
  std::vector<std::vector<ActionId>> slower_;    ///< [actions]: those that serve no faster.
  std::vector<std::vector<ActionId>> costlier_;  ///< [actions]: those that use no less power.
  std::uint64_t updates_ = 0;
};

}  // namespace rein
