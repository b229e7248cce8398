#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/board/board.hpp"

namespace rein {

/// A board's `simulation` with indices for names and in the units that are reckoned in: what never
/// changes while a simulated board runs. docs/simulator.md has the equations.
struct SimulatedModel {
  struct Opp {
    double mhz = 0.0;
    double speed = 1.0;  ///< Frequency over the highest OPP's.
    double volts = 1.0;  ///< Voltage over the highest OPP's.
  };
  struct Kind {
    bool is_known = false;  ///< If not, the device cannot do it.
    double reference_mflops = 1.0;
    double compute_s = 0.0;
    double memory_s = 0.0;
    double memory_overlap = 1.0;
    double exponent = 1.0;
    double activity = 1.0;
    double launch_s = 0.0;
    double launch_mcycles = 0.0;
  };
  struct Device {
    SimulatedDevice spec;
    std::size_t zone = 0;
    std::vector<Opp> opps;
    std::vector<std::size_t> cpus;  ///< Indices into the board's.
    std::vector<Kind> kinds;        ///< [kinds]
    Duration raise{};
    Duration lower{};
  };
  /// The part of a place that is in one domain.
  struct Share {
    std::size_t domain = 0;
    double cpus = 0.0;
  };
  struct Place {
    std::optional<std::size_t> gpu;  ///< Its domain, if the work is done there.
    std::vector<std::size_t> cpus;   ///< Indices into the board's.
    std::vector<bool> has;           ///< [CPUs of the board]
    std::vector<Share> shares;       ///< At least one; that of the first CPU comes first.
    double threads = 1.0;
  };
  struct Rail {
    std::vector<std::size_t> devices;
    double base_w = 0.0;
    double factor = 1.0;
    bool is_in_total = false;
  };
  struct Stage {
    std::vector<std::size_t> devices;  ///< Empty: the whole board.
    double resistance_k_per_w = 0.0;
    double time_constant_s = 1.0;
  };
  struct Zone {
    std::size_t begin = 0;  ///< Its stages.
    std::size_t end = 0;
    double offset_k = 0.0;
    bool is_heat = true;  ///< It counts for the hottest.
  };
  struct Throttle {
    std::size_t zone = 0;
    std::size_t domain = 0;
    double trip_c = 0.0;
    double release_c = 0.0;
    Duration polling{};
    std::size_t step = 1;
    std::size_t floor = 0;  ///< The lowest OPP that it goes to.
    bool keeps_voltage = false;
  };

  /// @pre board.simulation.
  explicit SimulatedModel(const Board& board);

  std::vector<std::string> kinds;
  std::vector<Device> devices;  ///< [domains of the board]
  std::vector<Place> places;    ///< [places of the board]
  std::vector<Rail> rails;
  std::vector<Zone> zones;
  std::vector<Stage> stages;
  std::vector<Throttle> throttles;
  std::optional<std::size_t> gpu;     ///< The first one's domain.
  std::optional<std::size_t> memory;  ///< The first one's domain.
  std::vector<bool> is_fastest;       ///< [domains] A cluster than which none is faster ...
  std::vector<bool> is_slowest;       ///< ... or slower.
  std::size_t num_cpus = 0;
  double ambient_c = 25.0;
  double migration_s = 0.0;
  Duration quota_period{};
};

/// Which of the zones, by their names, count for the hottest: as on the machine itself.
std::vector<bool> choose_heat(const Board& board, const std::vector<std::string>& zones);

}  // namespace rein
