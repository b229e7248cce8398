#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"
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
/// uncertainty; hoped for is what a measurement may tell), and what that would be worth over some
/// time outweighs what it is expected to cost now. After a change of conditions the model is unsure
/// again, and so exploration re-opens.
///
/// Nothing is random.
class ModelBasedPolicy final : public Policy {
 public:
  struct Options {
    double steepness = 2.5;         ///< Times what the run's prices say of a violation; above 0.
    double optimism = 1.0;          ///< Standard deviations that are hoped for, 0 to 10; 0: never.
    double patience = 40.0;         ///< Periods over which a trial has to pay, 0 to 10000.
    double worth_trying = 0.01;     ///< What a trial has to promise at least, 0 to 1.
    std::size_t trial_periods = 6;  ///< Of an action, while conditions stay, at most; 1 to 1000.
    /// What trials may cost at first, in units of the objective, 0 to 10000 ...
    double trial_budget = 100.0;
    double trial_income = 0.3;  ///< ... and more in each period, 0 to 100.
    double inertia = 0.003;     ///< What the action in force is ahead by, 0 to 1.

    PlannerOptions planner;

    static Options from_yaml(const ConfigNode& node);
  };

  /// How near to a limit it goes: dual variables, one for each kind of budget.
  struct Margins {
    double miss = 0.0;    ///< Times the share that may miss.
    double power = 0.0;   ///< Below a limit on power or energy, as a share of it.
    double heat_k = 0.0;  ///< Below a limit on temperature.
    /// By how much longer than was measured requests are taken to be, as a logarithm, so that as
    /// many are foreseen to be missed as are.
    double stretch = 0.0;
    // Misses that were not foreseen, lately: their sum, and its variance were they by chance.
    double unforeseen = 0.0;
    double by_chance = 0.0;
  };
  /// What is believed, of the machine for good and of the present.
  struct Now final : Session {
    Now(Random& source, const ResponseModel& model_of, const Margins& margins_of)
        : Session(source), model(model_of), margins(margins_of) {}
    ResponseModel model;
    Margins margins;
    /// What was set in the last period; from a decision on what it asked for.
    std::optional<ActionId> in_force;
    bool keeps_power = true;          ///< As was expected of the action in force.
    double presence = 1.0;            ///< Share of the periods that have requests, lately.
    bool explored = false;            ///< It was a trial.
    std::optional<double> foreseen;   ///< The share that it was thought to miss in the long run.
    std::vector<Forecast> forecasts;  ///< [actions]: of the last decision.
    std::vector<std::size_t> tried;   ///< [actions]: trial periods under the present conditions.
    double broken = 0.0;              ///< Periods in which some budget was, in a row, about.
    double change_rate = 0.005;       ///< Share of the periods in which conditions changed, lately.
    double may_lose = 0.0;            ///< What trials may cost, in units of the objective.
    PeriodFacts expected;             ///< Memory of a promise.
  };

  ModelBasedPolicy(const Options& options, Problem problem);

  std::string kind() const override { return "model_based"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override;
  Decision decide(const View& view, Session& session) const override;
  std::string parameters() const override;
  void archive(Archive& archive) override;

  /// What a period told, which decide() follows by itself.
  void follow(const PeriodRecord& record, Now& now) const;
  const ResponseModel& model() const { return *model_; }
  /// Begins anew with what was learned from other machines like this one.
  void begin_with(ResponseModel::Prior prior);
  /// Takes over what an episode taught.
  void take(const Now& now);

 private:
  Margins first_margins() const {
    return {.miss = options_.planner.miss_margin,
            .power = options_.planner.power_margin_least,
            .heat_k = options_.planner.heat_margin_least};
  }
  /// What is asked for in the coming period.
  struct Asked {
    const Task& task;
    Situation now;
    std::vector<BudgetInForce> budgets;
    double pace = 1.0;               ///< ResponseModel::pace().
    double most_loss = 1.0;          ///< That a period can cost, about.
    double price_of_missing = 0.0;   ///< Of all requests, in periods that have any.
    double price_of_miss = 0.0;      ///< Of one request, since it is a share of a period's.
    std::span<const double> bounds;  ///< [actions]: of what the objective is worth; may be empty.
  };
  double promise(ActionId action, const Asked& asked, const Hope* hope, Now& now) const;
  /// What of an action is expected for certain, in a second. Valid until the next call.
  const PeriodFacts& expect(ActionId action, const Asked& asked, const Hope* hope, Now& now) const;
  /// For breaking a budget, if `expected` is what comes. @param power_w  that it is about, if any.
  double fine(const BudgetInForce& budget, const PeriodFacts& expected, const Task& task,
              const Estimate& power_w, const Margins& margins) const;
  /// For a temperature beyond its limit.
  double fine_for_heat(const BudgetInForce& budget, const Forecast& forecast, const Task& task,
                       const Hope* hope, const Margins& margins) const;
  /// What a violation of 1 costs.
  double price_of(BudgetId::Kind kind, const Task& task) const {
    return options_.steepness * task.prices[kind];
  }
  /// The objective minus what breaking budgets costs, but for misses.
  double promise_but_for_misses(ActionId action, const Asked& asked, const Hope* hope,
                                Now& now) const;
  /// What it is at most, known without looking at the action's power: most actions need no more.
  double bound_but_for_misses(ActionId action, const Asked& asked, const Now& now) const;
  double cost_of_misses(double missed, const Asked& asked, const Now& now) const;
  /// Of what is known.
  ActionId best_known(const Asked& asked, Now& now) const;
  /// What to do while requests wait, before `settled` is right again: those behind them wait for
  /// each other.
  ActionId best_soon(ActionId settled, const Asked& asked, Now& now) const;
  /// The action that is worth a trial instead of `best`, which best_known() found, if there is one.
  std::optional<ActionId> worth_a_trial(ActionId best, const Asked& asked, Now& now) const;
  /// What is set now: what was granted, but for a clock that heat holds down (see Ceilings), which
  /// is set to what was asked for all the same.
  ActionId setting_after(const PeriodRecord& record) const;
  /// @param is_own  whether it had chosen the action itself.
  void adapt(const StepInfo& info, bool is_own, Now& now) const;
  /// Whether more is missed than was foreseen, and if so, stretches what requests are taken to be.
  void calibrate(double requests, double missed, double foreseen, Margins& margins) const;

  Options options_;
  Problem problem_;
  std::vector<double> top1_;             ///< [actions]
  std::vector<double> accuracy_bounds_;  ///< [actions]: the objective, if it is accuracy.
  double lowest_top1_ = 0.0;
  double highest_top1_ = 1.0;
  // What was learned.
  std::unique_ptr<ResponseModel> model_;
  Margins margins_;
};

/// Keeps what ModelBasedPolicy found out in its episodes.
class ModelBased final : public Learner {
 public:
  using Options = ModelBasedPolicy::Options;

  ModelBased(const Options& options, Problem problem);

  const ModelBasedPolicy& policy() const override { return policy_; }
  const Problem& problem() const override { return problem_; }
  bool learns() const override { return true; }
  std::uint64_t updates() const override { return updates_; }
  void end_episode(Session& session) override;
  void archive(Archive& archive) override;

  /// Begins anew with what was learned from other machines like this one.
  void begin_with(ResponseModel::Prior prior) { policy_.begin_with(std::move(prior)); }
  const ResponseModel& model() const { return policy_.model(); }

 private:
  Problem problem_;
  ModelBasedPolicy policy_;
  std::uint64_t updates_ = 0;
};

}  // namespace rein
