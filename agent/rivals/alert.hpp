#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/power_reader.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/config_node.hpp"

namespace rein {

/// Estimates a factor that wanders: a Kalman filter of one variable whose process noise follows the
/// innovations (Wan et al. 2020, section 3.4).
class AdaptiveFilter {
 public:
  struct Options {
    double gain = 0.5;                ///< K of the first step, in [0, 1].
    double measurement_noise = 1e-3;  ///< R, a variance; above 0.
    double process_noise = 0.1;       ///< Q(0), the least variance that a step adds; above 0.
    double memory = 0.3;              ///< alpha: what of Q stays from step to step, in [0, 1].
  };
  struct State {
    double mean = 1.0;
    double variance = 0.1;  ///< Of the next observation's factor.
    double gain = 0.0;
    double noise = 0.0;       ///< Q.
    double correction = 0.0;  ///< What the last step added to the mean.
  };

  explicit AdaptiveFilter(Options options) : options_(options) { reset(); }
  void reset();
  /// Q <- max(Q(0), alpha Q + (1 - alpha) correction^2);  sigma^2 <- (1 - K) sigma^2 + Q;
  /// K <- sigma^2 / (sigma^2 + R);  mean <- mean + K (observed - mean).
  void update(double observed);

  const State& state() const { return state_; }
  void archive(Archive& archive);

 private:
  Options options_;
  State state_;
};

/// ALERT (Wan, Santriaji, Rogers, Hoffmann, Maire & Lu, "ALERT: Accurate Learning for Energy and
/// Timeliness", USENIX ATC 2020, arXiv 1911.00119).
///
/// From a profile and one global slow-down factor, a normal variable that it filters, it predicts
/// each configuration's chance to meet the deadline, its power and its energy, and takes the best
/// of those that meet everything; if none does, latency counts first, then accuracy, then power.
/// It learns from the means of a period, and not while the configuration changes.
class Alert final : public Agent {
 public:
  struct Options {
    AdaptiveFilter::Options slowdown{.measurement_noise = 3e-3, .process_noise = 1e-3};
    AdaptiveFilter::Options power{.measurement_noise = 1e-2, .process_noise = 1e-3};
    double power_share = 0.97;  ///< Of each limit on power and energy that may be used; in (0, 1].
    static Options from_yaml(const ConfigNode& node);
  };

  Alert(const Options& options, Profile profile, Problem problem);

  std::string kind() const override { return "alert"; }
  void begin_episode(std::size_t stream = 0) override;
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  void archive(Archive& archive) override;

  /// The chance that a request that takes `service_ms` by the profile is done in `time_ms`.
  double chance(double service_ms, double time_ms) const;
  ActionId choose(const Situation& now) const;

 private:
  Options options_;
  Profile profile_;
  Problem problem_;
  AdaptiveFilter slowdown_;     ///< xi: measured over profiled time.
  AdaptiveFilter power_ratio_;  ///< Likewise of power.
  /// For in the last period; the number of actions if nothing was.
  ActionId last_asked_;
  PowerReader power_;
  ProfiledUse use_;
};

}  // namespace rein
