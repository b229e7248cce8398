#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/policy.hpp"
#include "agent/core/power_reader.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/config_node.hpp"

namespace rein {

/// POET (Imes, Kim, Maggio & Hoffmann, "POET: a portable approach to minimizing energy under soft
/// real-time constraints", RTAS 2015).
///
/// A Kalman filter estimates how fast the slowest configuration would be now, a dead-beat
/// controller finds the speed-up over it that meets the goal in the next window, and the cheapest
/// two configurations, one above and one below, divide the window between them so that they have
/// that speed-up on average.
///
/// The goal is a speed of serving at which a request takes the time that it has, over `margin`;
/// the cost is the objective's. Configurations that would break another budget are left out, by
/// the profile's power times a filtered ratio.
class Poet final : public Policy {
 public:
  struct Options {
    double process_noise = 1e-5;      ///< Q, of the base speed in requests a second; above 0.
    double measurement_noise = 0.01;  ///< R; above 0.
    double margin = 1.5;              ///< How much faster than needed is aimed at; at least 1.
    std::size_t window = 1;           ///< Periods that are divided between two; above 0.
    double power_rate = 0.3;          ///< Of the moving mean of the power's ratio; in (0, 1].
    double power_share = 0.97;        ///< Of limits on power and energy that may be used.
    static Options from_yaml(const ConfigNode& node);
  };

  /// The base speed, in requests a second, and its variance.
  struct Filter {
    double base_hz = 0.0;
    double variance = 1.0;
    /// @param speedup  what was applied.  @param speed_hz  what came of it.
    void update(double speedup, double speed_hz, const Options& options);
  };

  /// `lower` for the first `periods_in_lower` of a window, and `upper` for the rest.
  struct Schedule {
    ActionId lower = 0;
    ActionId upper = 0;
    std::size_t periods_in_lower = 0;
  };

  /// What is believed of the present, and done in it.
  struct Now final : Session {
    using Session::Session;
    Filter filter;
    double power_ratio = 1.0;
    Schedule schedule;
    std::size_t period = 0;  ///< Of the window.
    // Sums over the window so far.
    double served = 0.0;
    double busy_s = 0.0;
    double expected_s = 0.0;  ///< What the requests take at base speed 1, with what was applied.
    Action last_asked;        ///< For in the last period; empty if nothing was.
    /// Of the last window: what was applied and what came of it; 0 if nothing was served.
    double applied = 0.0;
    double speed_hz = 0.0;
    // Of the controller's last step; 0 if there was none.
    double speedup = 0.0;
    double goal_hz = 0.0;
  };

  Poet(Options options, Profile profile, Problem problem);

  std::string kind() const override { return "poet"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override;
  Decision decide(const View& view, Session& session) const override;

  /// The cheapest way to have this speed-up on average, or the fastest if none has it.
  /// @param power_ratio  of measured to profiled power.
  Schedule plan(double speedup, const Situation& asked, double power_ratio = 1.0) const;
  /// Over the slowest configuration; empty if it was not measured.
  std::optional<double> speedup(ActionId action) const;

 private:
  struct Point {
    ActionId action;
    double speedup;
    double cost;
  };
  /// Those that keep the other budgets and that no other is both faster and cheaper than, the
  /// fastest first.
  std::vector<Point> front(const Situation& asked, double power_ratio) const;
  /// What the window that ends now came to: a dead-beat controller's next speed-up.
  double next_speedup(double goal_hz, Now& now) const;
  /// What a period told.
  void follow(const PeriodRecord& record, Now& now) const;

  Options options_;
  Profile profile_;
  Problem problem_;
  PowerReader power_;
  ProfiledUse use_;
  double slowest_ms_ = 0.0;
  std::vector<const ProfileEntry*> by_speed_;  ///< Those that were measured, the fastest first.
};

}  // namespace rein
