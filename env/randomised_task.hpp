#pragma once

#include "common/random.hpp"
#include "env/scenario.hpp"
#include "env/simulated_world.hpp"

namespace rein {

/// From `least` to `most`.
struct DrawnFrom {
  double least = 0.0;
  double most = 0.0;
};

/// How far a drawn board may be from the nominal one (domain randomisation: Tobin et al. 2017). A
/// spread of x multiplies by a log-uniform factor from 1 / (1 + x) to 1 + x.
struct Randomisation {
  // Of the whole board, which may be off by half.
  double board_speed = 0.5;  ///< All times of all devices together.
  double board_power = 0.5;  ///< All powers, with what is always there.
  // Of a device: one factor for all of a kind of quantity, and a small one for each.
  double speed = 0.2;        ///< compute_ms, memory_ms and launches together ...
  double speed_part = 0.08;  ///< ... and each of them besides.
  double exponent = 0.03;    ///< Of the work's size, and of the threads.
  double power = 0.2;        ///< dynamic_w, idle_w and leakage_w together.
  double activity = 0.1;     ///< Of each kind of work, and while it waits for memory.
  double leakage_per_k = 0.3;
  // Of the board.
  double rail_base = 0.2;      ///< What is always there.
  double rail_factor = 0.03;   ///< The regulators' loss.
  double heat = 0.25;          ///< Resistances, time constants and offsets of the zones.
  double trip_k = 3.0;         ///< All trips are shifted by at most this.
  double ambient_k = 10.0;     ///< The same of the ambient temperature.
  double latency_noise = 0.5;  ///< sigma, tail_share and tail_scale.
  double sensor_noise = 0.5;
  double delay = 0.5;    ///< Of changes of clock, place and width.
  double overlap = 0.5;  ///< Of computing and memory, above 1: where they overlap at all.
  // Of what is served.
  double contention = 0.4;  ///< The network's sensitivity to CPU, GPU and memory.
  double rate = 0.1;        ///< Of the requests.
  /// The chance that the levels cost what another network's would: from each to the next the
  /// logarithm of the ratio is multiplied, for all together and for each besides.
  double other_network_share = 0.3;
  double cost_ratio = 0.5;
  double cost_step = 0.3;
};

/// Whether two domains are of the same hardware: the clusters of one kind of core, for example.
bool is_same_make(const SimulatedDevice& one, const SimulatedDevice& other);

/// A task on a board near the nominal one: as valid, with the same knobs, signals and features, so
/// that what was learned on one fits the other. Devices of the same make stay the same.
/// @pre nominal.board.simulation.
SimulatedTask randomise(const SimulatedTask& nominal, const Randomisation& spread, Random& random);

/// What is asked of a drawn machine. The intervals are log-uniform unless it is said.
struct RandomLoadSpec {
  using Interval = DrawnFrom;
  /// The chances of other arrivals than the run's, unless that is a closed loop.
  double poisson_share = 0.25;
  double bursty_share = 0.15;
  double closed_loop_share = 0.05;
  Interval burst_rate{4.0, 12.0};    ///< In a burst over that between bursts.
  Interval burst_length{4.0, 30.0};  ///< Requests in a burst, the mean.
  Interval in_bursts{0.4, 0.8};      ///< Share of the requests; uniform.

  /// The chance of another batch; rate, deadline and energy follow, so that as many images come.
  double batch_share = 0.2;
  Interval batch{0.25, 4.0};  ///< Times the run's; rounded, and at least 1.
  /// The chance that the run was made for such a machine: its rate and deadline follow its speed,
  /// and what it may draw its power.
  double fits_share = 0.5;
  /// The chance of a small machine, all of whose powers and limits are multiplied.
  double small_share = 0.1;
  Interval small_power{0.001, 0.03};
};

/// Changes `task`, a drawn one, and what is asked of it. @return the budgets that go with it.
Budgets randomise_load(SimulatedTask& task, Budgets budgets, const SimulatedTask& nominal,
                       const RandomLoadSpec& spec, Random& random);

/// What happens in a drawn scenario.
struct RandomScenarioSpec {
  using Interval = DrawnFrom;
  Interval phase_s{2.0, 20.0};             ///< Log-uniform.
  double co_runner_share = 0.3;            ///< The chance that a co-runner runs in a phase.
  Interval cpu_load{0.25, 1.25};           ///< Ready threads for each CPU.
  Interval gpu{0.1, 1.2};                  ///< Pressure.
  Interval memory{0.1, 0.6};               ///< Share of the bandwidth, of who is after it ...
  Interval memory_aside{0.0, 0.2};         ///< ... and of the others.
  double burst_share = 0.3;                ///< The chance that a co-runner comes in bursts.
  Interval on_ms{20.0, 300.0};             ///< Log-uniform.
  Interval off_ms{30.0, 1000.0};           ///< Log-uniform.
  double alternating_share = 0.2;          ///< The chance that it comes and goes more slowly.
  Interval alternating_ms{100.0, 4000.0};  ///< Each of on and off; log-uniform.

  double change_share = 0.5;    ///< The chance that budgets, or the rate, change with a phase.
  Interval deadline{0.6, 1.6};  ///< Times the run's; log-uniform.
  Interval power{0.8, 1.3};     ///< Likewise, of power and energy.
  Interval accuracy{0.9, 1.0};  ///< Likewise.
  Interval temperature_k{-10.0, 5.0};  ///< Added to the run's.
  double battery_share = 0.15;  ///< The chance of a battery, where the run limits power alone.
  Interval battery{0.7, 1.1};   ///< Its mean power over the run's limit.
  Interval rate{0.5, 2.0};      ///< Times the run's; log-uniform.
  Interval ambient_c{15.0, 55.0};

  double overload_share = 0.1;       ///< The chance that an overload comes before a phase.
  Interval overload_s{1.0, 3.0};     ///< Log-uniform.
  Interval overload_rate{1.5, 2.5};  ///< Times the phase's; log-uniform.
  /// The chance of a limit on temperature that a machine at full load comes to within the scenario.
  double heat_share = 0.15;
  Interval heat{0.3, 0.9};  ///< Of the rise until then.
  /// The chance of a floor of accuracy that the deadline may not allow: that of a level, with a
  /// shorter deadline.
  double conflict_share = 0.15;
  Interval conflict_deadline{0.4, 1.0};  ///< Times the run's; log-uniform.
};

/// A scenario to learn from: phases with co-runners, budgets and rates that change, in one ambient
/// temperature. @param base  the run's budgets; others than these appear only as `spec` says.
/// @pre task.board.simulation.
Scenario random_scenario(const Budgets& base, const SimulatedTask& task, double duration_s,
                         const RandomScenarioSpec& spec, Random& random);

}  // namespace rein
