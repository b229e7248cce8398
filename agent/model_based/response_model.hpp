#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "agent/core/power_reader.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "agent/model_based/ceilings.hpp"
#include "agent/model_based/change_costs.hpp"
#include "agent/model_based/change_process.hpp"
#include "agent/model_based/factor_model.hpp"
#include "agent/model_based/fit_test.hpp"
#include "agent/model_based/heat_model.hpp"
#include "agent/model_based/others_demand.hpp"
#include "agent/model_based/pace.hpp"
#include "agent/model_based/planner_options.hpp"
#include "agent/model_based/queue_model.hpp"
#include "agent/model_based/service_spread.hpp"

namespace rein {

/// What is expected of an action in the coming periods.
struct Forecast {
  Estimate log_service;  ///< Of the mean time to serve a request, in ms, without waiting.
  /// Share of requests that will be late or dropped in the long run, in [0, 1].
  double miss = 0.0;
  double change_ms =
      0.0;  ///< By which the first request takes longer, since it pays for the change.
  double change_miss = 0.0;                          ///< Requests that are missed for that.
  std::array<Estimate, kNumPowerSignals> power_w{};  ///< [PowerSignal]: those that are modelled.

  double service_ms() const;
  /// Of the hottest zone, after each time of HeatModel::kHorizonsS; nothing if there is no telling.
  std::optional<std::array<Estimate, HeatModel::kHorizons>> heat_c;

  const Estimate& power(PowerSignal signal) const {
    return power_w[static_cast<std::size_t>(signal)];
  }
};

/// What may be forecast of an action after its next measurement, if that is good news.
struct Hope {
  double miss = 0.0;
  std::array<Estimate, kNumPowerSignals> power_w{};     ///< [PowerSignal]
  std::array<Estimate, HeatModel::kHorizons> heat_c{};  ///< If the forecast has it.

  const Estimate& power(PowerSignal signal) const {
    return power_w[static_cast<std::size_t>(signal)];
  }
};

/// Where a ResponseModel has its quantities: a block of one for each action each.
struct Quantities {
  std::size_t actions = 0;
  std::size_t powers = 1;
  std::size_t hints = 0;

  std::size_t service(ActionId action) const { return action; }
  std::size_t idle(std::size_t power, ActionId action) const {
    return (1 + 2 * power) * actions + action;
  }
  std::size_t serving(std::size_t power, ActionId action) const {
    return (2 + 2 * power) * actions + action;
  }
  std::size_t hint(std::size_t index) const { return (1 + 2 * powers) * actions + index; }
  std::size_t size() const { return hint(hints); }

  static Quantities of(const Problem& problem);
};

/// Learns how the machine responds to actions: how long a request takes and what power it costs
/// with each, under what goes on now. One measurement corrects what is believed of all actions,
/// since they depend on few factors (FactorModel).
///
/// Quantities for each action: the logarithm of the service time; of each power that the task asks
/// for, that while nothing is served, and what serving all the time adds; and one for each hint, a
/// signal of what others do.
/// When what is measured fits better to other conditions than to those believed in, passing factors
/// are begun anew, or those of conditions that were there before are taken up: change detection by
/// likelihood (Adams & MacKay 2007, without its run lengths).
class ResponseModel {
 public:
  /// Where the passing factors are in the middle of a kind of conditions.
  struct Condition {
    std::vector<double> mean;  ///< [passing]
    std::size_t kept = 0;      ///< So many of the last factors stay as they are believed.
  };

  /// What is known of the machine beforehand.
  struct Prior {
    FactorModel factors;
    /// [powers]: unit of their quantities; if not known, the first power that is read.
    std::vector<std::optional<double>> power_scales_w;
    ServiceSpread ratio;
    /// What conditions may turn out to be when they change: a mixture of normal ones (Parzen 1962).
    std::vector<Condition> conditions;
    double condition_variance = 1.0;  ///< Of each passing factor in each of them.

    /// Of what knobs do: a request takes longer on wider networks and at lower frequencies, in each
    /// place to another degree.
    static Prior of_knobs(const Problem& problem, const PlannerOptions& options = {});
    /// Of what was measured of this machine, or of one like it, with nobody else there.
    static Prior of_profile(const Problem& problem, const Profile& profile,
                            const PlannerOptions& options = {});
  };

  ResponseModel(const Problem& problem, Prior prior, const PlannerOptions& options = {});

  /// A copy goes on by itself.
  ResponseModel(const ResponseModel&) = default;
  ResponseModel& operator=(const ResponseModel&) = delete;

  /// Forgets the present: the environment was reset.
  void begin_episode();
  /// Learns from what a period was. @param info  of the transition.
  /// @param action  that was asked for.
  void observe(const StepInfo& info, ActionId action);
  /// Of every action. Overwrites `forecasts`.
  /// @param stretch  by which requests are taken to be longer where misses are told, as a
  /// logarithm.
  void forecast(const Situation& situation, double stretch, std::vector<Forecast>& forecasts);
  /// @param forecast  of the action, by the last call of forecast().
  /// @param optimism  standard deviations of what a measurement may tell that are hoped for.
  Hope hope(ActionId action, const Forecast& forecast, double optimism);
  /// While requests wait: from now on excess() is beside what `settled` misses in the long run,
  /// which follows the coming period. @pre forecast() was called.
  void look_ahead(const Situation& situation, const Forecast& settled);
  /// So many more requests than that are missed with an action in the coming period, until all that
  /// wait are served.
  double excess(const Forecast& forecast);

  /// What will be in force when this action is asked for: less of a knob that is held down.
  Mixture granted(ActionId action) const { return ceilings_.granted(action); }
  bool is_held_down() const { return ceilings_.has_any(); }

  /// Whether the last period was under other conditions than the one before, as far as can be told.
  bool has_changed() const { return has_changed_; }
  /// Whether requests wait that came before this period.
  bool is_behind() const { return waiting_.oldest_ms > 0.0 && !queue_.is_closed_loop; }
  /// Periods since it did.
  std::size_t stayed() const { return stayed_; }
  /// Whether they change so often that nobody can follow: little is learned from a trial then.
  bool is_restless() const { return is_restless_; }
  std::uint64_t changes() const { return changes_; }
  /// How often it turned out in this episode that what was known does not fit this machine, and was
  /// made less sure.
  std::uint64_t widened() const { return widened_; }
  /// Requests that come now over those in the mean.
  double pace() const { return queue_.is_closed_loop ? 1.0 : pace_.factor(); }
  const ServiceSpread& ratio() const { return ratio_; }
  const FactorModel& factors() const { return prior_->factors; }
  const Quantities& quantities() const { return quantities_; }

  /// All of it.
  void archive(Archive& archive);

 private:
  /// What a period's measurements say.
  struct Measured {
    Mixture in_force;
    ActionId action = 0;             ///< The nearest.
    std::optional<ActionId> before;  ///< That was in force before, if any.
    bool is_new = false;             ///< Another action than in the period before.
    std::optional<double> first_ms;  ///< Of the only request, which may have paid for a change ...
    bool is_vague = false;           ///< ... of which nobody knows what it takes.
    std::optional<Evidence> service;
    std::optional<double> log_middle;  ///< Of single requests, where they are told.
    std::vector<Evidence> others;      ///< Power and hints.
  };
  /// Quantities and their weights, without what counts nothing.
  struct Parts {
    void add(std::size_t quantity, double weight) {
      if (weight > 0.0) {
        items[count++] = {quantity, weight};
      }
    }
    std::span<const Evidence::Part> used() const { return {items.data(), count}; }
    std::vector<Evidence::Part> to_vector() const { return {items.begin(), items.begin() + count}; }

    std::array<Evidence::Part, 4> items;
    std::size_t count = 0;
  };
  /// Of the service time of what is in force ...
  Parts service_parts(const Mixture& mixture) const;
  /// ... and of one of its powers, while this share of the time something is served.
  Parts power_parts(std::size_t power, const Mixture& mixture, double busy) const;
  Measured measure(const StepInfo& info);
  /// @param busy  the share of the period in which something was served.
  void measure_service(const ServiceReport& service, double busy, Measured& measured);
  void measure_power(const StepInfo& info, double busy, Measured& measured);
  void measure_hints(const StepInfo& info, Measured& measured) const;
  /// In units of the model's, to tell the noise of a measurement by: not by itself, which would
  /// make low ones weigh more.
  double expected_power(const Evidence& evidence) const;
  /// Takes what was measured into account. @param usual  is told how likely it should be.
  double likelihood(Belief& belief, const Measured& measured, double* usual = nullptr) const;
  /// What the measurements come from, most likely.
  struct Explanation {
    enum class What {
      kSame,      ///< As was believed.
      kOutlier,   ///< A request took long by chance.
      kMistaken,  ///< The action deviates more than was thought.
      kChanged,   ///< Conditions have changed.
    };
    Belief belief;  ///< What is believed then.
    What what = What::kSame;
    std::optional<std::size_t> recalled;  ///< Which of the known conditions it is.
  };
  Explanation explain(const Measured& measured) const;
  void recognise(const Measured& measured);
  /// Widens what is believed where it does not fit.
  void test_fit(const Measured& measured, Explanation::What what);
  const Belief& believed() const { return is_restless_ ? loose_ : belief_; }
  /// Learns from it as one of many that differ.
  void take_loosely(Measured measured);
  void learn_change_cost(const StepInfo& info, const Measured& measured);
  void learn_ratio(const StepInfo& info, const Measured& measured);
  void learn_noise(const Measured& measured);
  void learn_gaps(const StepInfo& info);
  void learn_heat(const StepInfo& info, const Measured& measured);
  /// What heats the machine with an action that serves this share of the time.
  HeatModel::Inputs heat_of(ActionId action, double power, double busy) const;
  /// What is in force with each action, but for misses and heat.
  void forecast_responses(std::vector<Forecast>& forecasts);
  /// Who knows nothing of this machine takes what is asked of it for possible.
  void expect_what_is_asked();
  /// An action in the middle by service time, before anything was measured.
  ActionId middle() const;
  /// The share of requests that are missed in the long run, over what may come.
  double missed(ActionId action, const Estimate& log_service);
  Estimate heat_c_with(ActionId action, double power_w, std::size_t horizon) const;
  /// Variance of a period's mean service time about this.
  double service_noise(double log_service) const;
  /// Of each place the action that suffers most from what goes on ...
  std::vector<ActionId> find_sufferers() const;
  /// ... and how slow each passing factor makes an action.
  std::span<const double> slows_of(ActionId action) const;
  /// The part of the time in which something is served.
  double busy(double log_service) const;
  Belief under(const Condition& condition) const;
  void remember();

  PlannerOptions options_;
  const ActionSpace& space_;
  std::size_t size_;
  std::optional<ActionId> middle_;  ///< middle(), once it is known.
  Quantities quantities_;
  double period_s_;
  Queue queue_;              ///< Deadline and gap are the task's at the time.
  double gap_now_ms_ = 1.0;  ///< The gap in the mean of just now.
  std::vector<SignalDescription> signals_;
  std::vector<CpuShares> cpus_;
  std::vector<double> time_shares_;  ///< [actions]: what its bandwidth leaves of the time.
  std::vector<PowerSignal> powers_;
  PowerReader reader_;
  std::shared_ptr<Prior> prior_;  ///< Which copies share: it is never changed, but read once.
  std::vector<std::optional<double>> scales_w_;  ///< [powers]: Prior::power_scales_w.
  Belief belief_;                                ///< Follows every change.
  Belief loose_;  ///< Of all that changes in turn, while it is restless.
  std::shared_ptr<const FactorColumns> columns_;  ///< Of the prior's factors.
  ServiceSpread ratio_;
  std::vector<double> doubtful_;         ///< Ratios of a period that was out of proportion.
  std::vector<Belief::Passing> known_;   ///< Conditions that were there before.
  std::optional<std::size_t> recalled_;  ///< Which of them is there now.
  std::optional<ActionId> last_;
  /// The only request of the last period, after a change that was never seen before.
  struct First {
    ActionId before = 0;
    ActionId action = 0;
    double service_ms = 0.0;
  };
  std::optional<First> first_;
  Waiting waiting_;
  RequestSpec::Arrival arrival_;
  ArrivalGaps gaps_;
  Pace pace_;
  /// Variances of service times and of [powers] over those that are usual: as they turn out to be.
  std::vector<double> noisier_;
  /// What a reading of power is the mean of: sensors are slower than periods.
  struct SinceRead {
    double busy_s = 0.0;
    double time_s = 0.0;
    bool is_new = false;
  };
  std::vector<SinceRead> since_read_;  ///< [powers]
  std::optional<double> rate_hz_;      ///< That the task told of the period before.
  QueueModel queueing_;
  std::vector<std::size_t> zones_;  ///< Signals of heat.
  std::vector<double> drawn_;       ///< [actions]: what its clocks draw, as a share of the most.
  std::size_t heating_ = 0;         ///< Which of powers_ heats: the machine's, if it is known.
  HeatModel heat_;
  double stretch_ = 0.0;               ///< Of the last forecast.
  std::vector<std::size_t> place_of_;  ///< [actions]
  std::vector<ActionId> sufferers_;    ///< find_sufferers(), once they are known.
  ChangeProcess process_;
  std::vector<std::vector<ChangeProcess::Jump>> jumps_;  ///< [places]: of the last forecast.
  Ceilings ceilings_;
  ChangeCosts change_costs_;
  std::vector<double> change_ms_;    ///< [actions], while something is forecast ...
  std::vector<double> busy_;         ///< ... [actions]
  std::vector<Estimate> estimates_;  ///< ... [actions]
  double restless_ = 0.0;            ///< Share of the periods, lately, that conditions changed in.
  bool is_restless_ = false;
  FitTest fit_;
  std::size_t ran_ = 0;        ///< Periods since an action was taken up ...
  bool is_tested_ = false;     ///< ... and whether something was measured of it since.
  std::uint64_t widened_ = 0;  ///< In this episode.
  std::size_t stayed_ = 0;     ///< Periods since the last change.
  std::size_t outliers_ = 0;   ///< In a row.
  bool has_changed_ = false;
  std::uint64_t changes_ = 0;
};

}  // namespace rein
