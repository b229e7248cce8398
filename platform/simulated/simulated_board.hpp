#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/board/board.hpp"
#include "platform/simulated/contention.hpp"
#include "platform/simulated/simulated_load.hpp"
#include "platform/simulated/simulated_model.hpp"

namespace rein {

/// The state of a simulated machine: its time, clocks, load, power and heat. A value: a copy is a
/// machine of its own that can be tried out. Nothing in it is random.
///
/// Time passes in execute() and idle_until() alone. Power and heat are reckoned at every change (a
/// clock, a co-runner, a poll of what throttles) and in update(), with the mean load since the last
/// time: the cost does not depend on how many requests there were.
class SimulatedBoard {
 public:
  /// @pre board.simulation. Copies what it needs.
  explicit SimulatedBoard(const Board& board);

  /// As after a long rest at the lowest operating points, alone; then every domain is set to its
  /// highest, and our work to the first place. Time begins anew.
  void reset();

  TimePoint now() const { return now_; }

  // What is set. Indices are those of the board's domains, their operating points, and places.
  void set_opp(std::size_t domain, std::size_t opp);
  void set_place(std::size_t place);
  /// CPUs' worth of time that our work may use in every period of the board's `bandwidth`.
  void set_quota(double cpus);

  // What comes from outside.
  void set_ambient(std::optional<double> celsius);  ///< None: the board file's.
  /// A co-runner begins; `id` is what stop() knows it by. @pre it does not run.
  void start(std::size_t id, const ContentionProfile& profile);
  void stop(std::size_t id);

  // Our work.
  /// The index of a kind of work. @throws Error listing them.
  std::size_t find_kind(const std::string& name) const;
  /// Whether the devices of a place know this kind of work.
  bool can_do(std::size_t kind, std::size_t place) const;
  /// @pre can_do() it wherever it runs.
  void set_work(const Work& work);
  /// Of one request with what is in force now, without noise. What a quota, a pause of a co-runner
  /// or a clock under way will change is not in it.
  double latency_s();
  /// Runs one request, which takes `factor` times as long as the model says, and `extra_s` more.
  void execute(double factor, double extra_s = 0.0);
  void idle_until(TimePoint moment);

  /// Brings power, energy and heat up to now().
  void update();

  // What can be read, after update(). Energy and times count from the reset.
  double energy_j() const { return energy_j_; }
  double rail_energy_j(std::size_t rail) const { return rail_energy_j_[rail]; }
  double zone_c(std::size_t zone) const;
  double hottest_c() const;
  /// In force, with heat.
  double frequency_mhz(std::size_t domain) const;
  std::size_t opp(std::size_t domain) const { return domains_[domain].clock; }
  /// How far a throttle is down: 0 not at all, 1 as far as it goes.
  double throttle_share(std::size_t throttle) const;
  std::size_t num_throttles() const { return throttles_.size(); }
  /// What others take now, and how warm it is around.
  const Pressure& pressure() const { return pressure_; }
  double ambient_c() const { return ambient_c_; }
  /// When a co-runner pauses or goes on next; TimePoint::max() if none does.
  TimePoint next_pulse() const;
  double cpu_ours_s(std::size_t cpu) const { return cpus_[cpu].ours_s; }
  double cpu_others_s(std::size_t cpu) const { return cpus_[cpu].others_s; }
  double gpu_busy_s() const { return gpu_busy_s_; }
  /// Time that some CPU had more ready threads than it can run.
  double crowded_s() const { return crowded_s_; }

 private:
  struct Domain {
    std::size_t wanted = 0;    ///< OPP asked for, in force at `due`.
    std::size_t in_force = 0;  ///< OPP in force, but for heat.
    std::size_t clock = 0;     ///< OPP whose frequency there is ...
    std::size_t voltage = 0;   ///< ... and whose voltage.
    TimePoint due = TimePoint::max();
  };
  struct Cpu {
    double ours_s = 0.0;
    double others_s = 0.0;
  };
  struct Stage {
    double rise_k = 0.0;
    double seconds = 0.0;  ///< What `decay` is for.
    double decay = 1.0;
  };
  struct Throttle {
    std::size_t cap = 0;
    TimePoint due{};
  };
  /// A co-runner that runs.
  struct Active {
    std::size_t id = 0;
    Pressure pressure;
    Duration on{};
    Duration off{};
    bool is_on = true;
    TimePoint due = TimePoint::max();  ///< When it pauses or goes on.
  };

  /// To be called before anything changes that the load depends on.
  void change();
  const SimulatedLoad& load();
  void pass(Duration time, bool working);
  /// Power of all devices, with our work running for that share of the time. @return the board's.
  double set_power(double working_share);
  double rail_power_w(std::size_t rail) const;
  double stage_power_w(std::size_t stage, double total_w) const;
  void heat(double seconds, double total_w);
  /// Heat as it is after a very long time with nothing to do.
  void rest();
  void handle_events();
  void schedule();
  void poll(std::size_t throttle);
  /// Clock and voltage of a domain from what is in force and what heat allows.
  void limit(std::size_t domain);
  void sum_pressure();
  /// Up to when our work can run on: now if its quota is used up. Begins a new period of the quota.
  TimePoint quota_end();
  TimePoint quota_period_end() const;

  std::shared_ptr<const SimulatedModel> model_;
  TimePoint now_{};
  TimePoint reckoned_{};    ///< Power and heat are as of this moment.
  double working_s_ = 0.0;  ///< Of our work, since then.
  TimePoint next_step_{};   ///< The latest moment for the next reckoning.
  TimePoint next_event_{};

  std::vector<Domain> domains_;
  std::vector<Throttle> throttles_;
  std::vector<Active> active_;
  double ambient_c_ = 25.0;
  std::size_t place_ = 0;
  double moving_s_ = 0.0;  ///< What the next request pays for a new place.
  Work work_;
  double quota_cpus_ = 0.0;
  std::int64_t quota_period_ = 0;  ///< Its number.
  double quota_used_s_ = 0.0;

  // What follows from these; recomputed when one has changed.
  bool is_load_stale_ = true;
  SimulatedLoad load_;
  Pressure pressure_;
  std::vector<double> speeds_;

  std::vector<Cpu> cpus_;
  std::vector<Stage> stages_;
  std::vector<double> power_w_;  ///< [domains] Of the last stretch.
  std::vector<double> rail_energy_j_;
  double energy_j_ = 0.0;
  double gpu_busy_s_ = 0.0;
  double crowded_s_ = 0.0;
};

}  // namespace rein
