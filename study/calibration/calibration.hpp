#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/profile.hpp"
#include "env/budgets.hpp"
#include "env/randomised_task.hpp"
#include "env/simulated_world.hpp"

namespace rein {

/// A simulated board that was brought as near to a profile as it goes.
struct Calibration {
  /// A number of the board file's simulation or power model.
  struct Parameter {
    std::string name;  ///< `cpu.small-cnn.compute_ms`: by the first domain of that make.
    double before = 0.0;
    double after = 0.0;
  };
  /// By how much the simulated profile is off: means of |simulated / measured - 1|.
  struct Error {
    double before = 0.0;
    double after = 0.0;
  };

  Board board;
  std::vector<Parameter> parameters;
  std::size_t configurations = 0;  ///< That the profile tells of.
  Error service_time;
  std::optional<Error> power;  ///< Empty if the profile has none.
  Randomisation spread;        ///< For boards near this one.

  /// The larger of those that are left: a share.
  double worst_error() const;
  /// One line for people.
  std::string describe() const;
  /// All but the board, as JSON.
  std::string to_json() const;
};

/// Whether requests were served in this configuration, so that it says how fast the machine is.
bool tells_service_time(const ProfileEntry& entry);

/// Finds the board near the nominal one whose profile, alone and without noise, is most like the
/// measured one: the most probable speeds, exponents and powers of its devices when they are
/// spread around the nominal ones and what was measured is off by a few percent (maximum a
/// posteriori). What the profile says nothing about stays as it is.
///
/// Where the simulated board estimates its `power_w`, it is the power model that is calibrated, and
/// not what its devices draw.
/// @pre at least one entry tells a service time.
Calibration calibrate(const SimulatedTask& nominal, const Budgets& budgets,
                      const Profile& measured);

}  // namespace rein
