#pragma once

#include <cstdint>
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
class Poet final : public Agent {
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

  Poet(Options options, Profile profile, Problem problem);

  std::string kind() const override { return "poet"; }
  void begin_episode(std::size_t stream = 0) override;
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  void archive(Archive& archive) override;

  /// The cheapest way to have this speed-up on average, or the fastest if none has it.
  Schedule plan(double speedup, const Situation& now) const;
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
  std::vector<Point> front(const Situation& now) const;
  /// What the window that ends now came to: a dead-beat controller's next speed-up.
  double next_speedup(double goal_hz);

  Options options_;
  Profile profile_;
  Problem problem_;
  PowerReader power_;
  ProfiledUse use_;
  double slowest_ms_ = 0.0;
  std::vector<const ProfileEntry*> by_speed_;  ///< Those that were measured, the fastest first.

  Filter filter_;
  double power_ratio_ = 1.0;
  Schedule schedule_;
  std::size_t period_ = 0;  ///< Of the window.
  // Sums over the window so far.
  double served_ = 0.0;
  double busy_s_ = 0.0;
  double expected_s_ = 0.0;  ///< What the requests take at base speed 1, with what was applied.
  /// For in the last period; the number of actions if nothing was.
  ActionId last_asked_ = 0;
  /// Of the last window: what was applied and what came of it; 0 if nothing was served.
  double applied_ = 0.0;
  double speed_hz_ = 0.0;
  // Of the controller's last step; 0 if there was none.
  double speedup_ = 0.0;
  double goal_hz_ = 0.0;
};

}  // namespace rein
