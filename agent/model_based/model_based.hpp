#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/situation.hpp"
#include "agent/model_based/planner_options.hpp"
#include "agent/model_based/response_model.hpp"
#include "common/config_node.hpp"
#include "env/worth.hpp"

namespace rein {

/// Model-based reinforcement learning: learns how the machine responds, and takes the action that
/// the model promises most of (Sutton & Barto 2018, chapter 8; planning at decision time).
///
/// The model (ResponseModel) tells service time, misses and power of every action, and how sure it
/// is. What an action promises is the objective minus what the violation of each budget is expected
/// to cost: the Lagrangian of a constrained problem (Altman 1999). Prices are steep, so that
/// budgets come first; how near to a limit it may go adapts by dual ascent, until the budget is
/// broken as often as it may be. Budgets and rates are inputs, so a changed one needs no learning.
///
/// Exploration is deliberate: an action of which the model is not sure is tried when it would be
/// better than the best known one were it as good as may be hoped (optimism in the face of
/// uncertainty), and what that would be worth over some time outweighs what it is expected to cost
/// now. After a change of conditions the model is unsure again, and so exploration re-opens.
///
/// Nothing is random.
class ModelBased final : public Agent {
 public:
  struct Options {
    double latency_price = 20.0;  ///< Of a share of requests that miss beyond what may; above 0.
    double power_price = 10.0;    ///< Of power beyond its limit, as a share of it; above 0.
    double optimism = 1.0;        ///< Standard deviations that are hoped for, 0 to 10; 0: never.
    double patience = 40.0;       ///< Periods over which a trial has to pay, 0 to 10000.
    double worth_trying = 0.01;   ///< What a trial has to promise at least, 0 to 1.
    double inertia = 0.003;       ///< What the action in force is ahead by, 0 to 1.

    PlannerOptions planner;

    static Options from_yaml(const ConfigNode& node);
  };

  ModelBased(const Options& options, Problem problem);

  std::string kind() const override { return "model_based"; }
  bool learns() const override { return true; }
  void begin_episode(std::size_t stream) override;
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  ExplorationStatus exploration() const override { return exploration_; }
  void archive(Archive& archive) override;

  /// Begins anew with what was learned from other machines like this one.
  void learn(ResponseModel::Prior prior);
  /// Of every action, when it last acted: for tests and tools.
  const std::vector<Forecast>& forecasts() const { return forecasts_; }
  const ResponseModel& model() const { return *model_; }

 private:
  /// How near to a limit it goes: dual variables, one for each kind of budget.
  struct Margins {
    double miss = 0.0;   ///< Times the share that may miss.
    double power = 0.0;  ///< Below a limit on power or energy, as a share of it.
  };
  Margins first_margins() const {
    return {.miss = options_.planner.miss_margin, .power = options_.planner.power_margin_least};
  }
  /// What is asked for in the coming period.
  struct Asked {
    const Task& task;
    Situation now;
    std::vector<BudgetInForce> budgets;
  };
  double promise(ActionId action, const Asked& asked, double optimism) const;
  /// What of an action is expected for certain, in a second. Valid until the next call.
  const PeriodFacts& expect(ActionId action, const Asked& asked, double optimism) const;
  /// For breaking a budget, if `expected` is what comes. @param power_w  that it is about, if any.
  double fine(const BudgetInForce& budget, const PeriodFacts& expected, const Task& task,
              const Estimate& power_w, double optimism) const;
  double fine_for_excess(const Estimate& value, double limit) const;
  /// Of what is known. Leaves what each promises in promises_.
  ActionId best_known(const Asked& asked);
  /// Requests a second with this action.
  double rate_hz(ActionId action, const Situation& now) const;
  /// The action that is worth a trial instead of `best`, which best_known() found, if there is one.
  std::optional<ActionId> worth_a_trial(ActionId best, const Asked& asked) const;
  double least_power_w(PowerSignal signal) const;
  /// By forecasts_, which are of `now`.
  bool keeps_power(ActionId action, const Situation& now) const;
  /// What is set now: what was granted, but for a clock that heat holds down (see Ceilings), which
  /// is set to what was asked for all the same. @pre the period's info is there.
  ActionId setting_after(const Transition& transition) const;
  /// @param is_own  whether it had chosen the action itself.
  void adapt(const Transition& transition, bool is_own);

  double top1_of(ActionId action) const { return top1_[action]; }

  Options options_;
  Problem problem_;
  std::unique_ptr<ResponseModel> model_;
  std::vector<double> top1_;  ///< [actions]
  Margins margins_;
  double lowest_top1_;
  double range_top1_;
  std::vector<Forecast> forecasts_;
  mutable PeriodFacts expected_;
  std::vector<double> promises_;  ///< [actions]: without optimism, in this decision.
  /// What was set in the last period; from act() on what it asked for.
  std::optional<ActionId> in_force_;
  bool keeps_power_ = true;  ///< As was expected of the action in force.
  ExplorationStatus exploration_;
};

}  // namespace rein
