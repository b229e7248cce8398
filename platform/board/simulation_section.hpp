#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"

namespace rein {

struct Board;

/// How long one kind of work (`cnn`, `whetstone`) takes on one device, and what power it draws.
///
/// An image of M MFLOPs takes (M / reference_mflops)^exponent times (C^p + N^p)^(1/p), where
///   C = compute_ms x (highest OPP / OPP) / threads^thread_exponent,  N = memory_ms / memory's
///   speed,
/// and p = memory_overlap: 1 is C + N, and a large one is nearly the longer of the two.
struct WorkKindSpec {
  std::string name;
  double reference_mflops = 1.0;
  double compute_ms = 0.0;  ///< Of reference_mflops at the highest OPP with one thread ...
  double memory_ms = 0.0;   ///< ... and the part that no frequency of this device shortens.
  double exponent = 1.0;    ///< 1: in proportion to the MFLOPs; 0.5: to a MobileNet's width.
  double activity = 1.0;    ///< Its dynamic power over the device's dynamic_w.
  // Instead of the device's, if given:
  std::optional<double> memory_overlap;
  std::optional<double> launch_ms;
  std::optional<double> launch_mcycles;
};

enum class DeviceKind { kCpu, kGpu, kMemory };

/// What belongs to one clock domain: a CPU cluster, the GPU, the memory.
///
/// Power at frequency f, voltage V and temperature T, with F and U those of the highest OPP:
///   (dynamic_w x busy x activity + idle_w) x (f / F) x (V / U)^2
///     + leakage_w x (V / U) x exp(leakage_per_k x (T - 25 degC)),
/// where `busy` is the number of busy CPUs, or the busy share of a GPU or memory. While it waits
/// for memory, and does not compute meanwhile, a device is busy with `stall_activity`.
struct SimulatedDevice {
  std::string domain;  ///< Of the board file; it must have `opps_v`.
  DeviceKind kind = DeviceKind::kCpu;
  std::string zone;  ///< Whose temperature the leakage follows.

  double dynamic_w = 0.0;  ///< Of one CPU, or of the whole GPU or memory.
  double idle_w = 0.0;     ///< Of the whole device: its clock runs, nothing works.
  double leakage_w = 0.0;
  double leakage_per_k = 0.0;
  double stall_activity = 0.5;

  double thread_exponent = 1.0;
  double memory_overlap = 1.0;  ///< 1 to 100.
  /// What an inference costs before its work begins, whatever its size: launch_ms, and
  /// launch_mcycles of the first CPU of the place. With launches that overlap the work,
  /// L = (launch^p + work^p)^(1/p), p = launch_overlap; 1 is L = launch + work.
  double launch_ms = 0.0;
  double launch_mcycles = 0.0;
  double launch_overlap = 1.0;

  double raise_ms = 0.0;  ///< Until a higher OPP is in force ...
  double lower_ms = 0.0;  ///< ... and a lower one.
  std::vector<WorkKindSpec> kinds;
};

/// A power rail: what its devices draw, and something that is always there.
struct SimulatedRail {
  std::string name;  ///< As in `power_w.<name>`.
  std::vector<std::string> devices;
  double base_w = 0.0;
  double factor = 1.0;  ///< What the rail draws for each W of its devices: a regulator's loss.
};

/// A thermal zone: temperature = ambient + offset_k + the sum of its stages (a Foster network),
/// each of which follows resistance x power of its devices with its time constant.
struct SimulatedZone {
  struct Stage {
    std::vector<std::string> devices;  ///< Empty: the whole board's power.
    double resistance_k_per_w = 0.0;
    double time_constant_s = 0.0;  ///< Above 0.
  };
  std::string name;       ///< As in `temperature_c.<name>`.
  double offset_k = 0.0;  ///< By what no rail measures: hubs, regulators.
  std::vector<Stage> stages;
};

/// Who slows a domain down when it is hot: every polling_ms its highest OPP goes `step` OPPs down
/// at or above trip_c, and up again below trip_c - hysteresis_c.
struct ThrottleSpec {
  std::string name;  ///< As in `throttle_share.<name>`.
  std::string zone;
  std::string domain;
  double trip_c = 0.0;
  double hysteresis_c = 0.0;
  double polling_ms = 100.0;
  std::size_t step = 1;
  double floor_mhz = 0.0;      ///< It never goes below.
  bool keeps_voltage = false;  ///< The clock is gated; the voltage stays that of the OPP asked for.
};

/// A signal that the board offers, and how its sensor spoils it.
struct SimulatedSensor {
  std::string signal;       ///< Of a quantity that a simulated board can show (Simulated), or of
                            ///< any if it is silent.
  double period_ms = 0.0;   ///< How often it measures; 0: whenever it is read.
  double lag_ms = 0.0;      ///< Time constant of its low pass.
  double resolution = 0.0;  ///< In the signal's unit; 0: exact.
  double noise = 0.0;       ///< Standard deviation in the signal's unit.
  bool silent = false;      ///< Never has a value: a sensor that nobody can read.
};

/// How the same request takes longer at one time than at another: a normal factor with standard
/// deviation sigma around 1, and stretches (each of a geometric number of requests) in which the
/// factor is 1 + a generalised Pareto variable.
struct LatencyNoise {
  double sigma = 0.0;
  double tail_share = 0.0;        ///< Share of the requests that are in such a stretch.
  double tail_scale = 0.0;        ///< Of the generalised Pareto distribution ...
  double tail_shape = 0.0;        ///< ... below 0.5.
  double tail_persistence = 0.0;  ///< The chance that the next request is in it too.
};

/// `simulation:` of a board file: the same machine as a model. docs/simulator.md derives it.
struct Simulation {
  std::vector<SimulatedDevice> devices;  ///< One for each domain of the board.
  std::vector<SimulatedRail> rails;      ///< At least one.
  /// Rails that together are the whole board's power; those of `total_power` if not given.
  std::vector<std::string> total;
  std::vector<SimulatedZone> zones;  ///< At least one.
  std::vector<ThrottleSpec> throttles;
  std::vector<SimulatedSensor> sensors;
  LatencyNoise noise;
  double migration_ms = 0.0;  ///< By which the first request in a new place takes longer.
  double ambient_c = 25.0;    ///< Unless the scenario says otherwise.
  double cpu_tick_ms = 10.0;  ///< In which the kernel counts others' CPU time.

  /// @param board all of it but its simulation.
  /// @throws ConfigError for whatever is wrong: a domain without a device or voltages, power that
  ///         falls with frequency, a time constant of 0, names that do not exist.
  static Simulation from_yaml(const ConfigNode& node, const Board& board);
  /// The section, with its key, which from_yaml() reads back to the same.
  std::string to_yaml() const;
};

}  // namespace rein
