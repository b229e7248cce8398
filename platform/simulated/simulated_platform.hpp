#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "platform/board/board.hpp"
#include "platform/platform.hpp"
#include "platform/quantities.hpp"
#include "platform/simulated/simulated_board.hpp"

namespace rein {

/// What of a simulated machine is to be used.
struct SimulatedPlatformOptions {
  std::string application = "dnn";  ///< `mapping.<application>`.
  /// Names of places, in the order of the levels; all of the board if empty.
  std::vector<std::string> places;
  /// The domains that are knobs, each with the operating points that it may have; the others stay
  /// at their highest.
  std::vector<DomainSpec> frequencies;
  bool bandwidth = true;  ///< Offer `bandwidth.<name>` if the board has it.
};

/// A board in closed loop: power, heat, speed and contention follow what is applied. Signals and
/// controls have the names that LinuxPlatform gives them on the same board.
class SimulatedPlatform final : public Platform {
 public:
  /// `simulated` must be of `board` and outlive this. @throws Error if the options name what the
  /// board has not.
  SimulatedPlatform(const Board& board, SimulatedBoard& simulated,
                    const SimulatedPlatformOptions& options);

  const std::vector<Signal>& signals() const override { return signals_; }
  const std::vector<Control>& controls() const override { return controls_; }
  /// Board and sensors as after a long rest. The sensors' noise is drawn from `seed`.
  void reset(std::uint64_t seed) override;
  const Telemetry& sample() override;
  const std::vector<Grant>& apply(const Configuration& configuration) override;
  const std::vector<Grant>& grants() override;
  std::vector<std::string> new_troubles() override { return {}; }

  /// Sets the controls of another copy of the board, as apply() does.
  void apply(const Configuration& configuration, SimulatedBoard& board) const;
  /// The places that are levels of the mapping, as indices into the board's.
  const std::vector<std::size_t>& places() const { return places_; }

 private:
  struct Sensor {
    Simulated shows = Simulated::kZero;  ///< kNothing: it is silent.
    std::size_t source = 0;              ///< Rail, zone or throttle.
    double min = 0.0;                    ///< Of its quantity.
    Duration period{};
    double lag_s = 0.0;
    double resolution = 0.0;
    double noise = 0.0;

    double before = 0.0;  ///< What counts up (energy, busy time), at the sample before.
    double smooth = 0.0;  ///< Behind the low pass.
    bool is_smooth = false;
    std::int64_t period_index = -1;  ///< Of the last measurement.
    double value = 0.0;
  };
  /// A control that sets a clock: which domain's, and its levels as OPPs of the board.
  struct Clocks {
    std::size_t domain = 0;
    std::vector<std::size_t> opps;
  };

  void add_mapping(const Board& board, const SimulatedPlatformOptions& options);
  void add_frequency(const Board& board, const DomainSpec& wanted);
  void add_bandwidth(const BandwidthSpec& spec);
  void add_cpu_signals(const Board& board);
  void add_sensor(const SimulatedSensor& spec, const Simulation& simulation);
  void choose_heat(const Board& board);
  void add_power(const Board& board);
  void begin();
  double truth(Sensor& sensor, double seconds) const;
  Reading measure(Sensor& sensor, double seconds);
  void sample_cpus(double seconds);
  void sample_power();

  SimulatedBoard& board_;
  Random random_{0};
  std::vector<Signal> signals_;
  std::vector<Control> controls_;
  std::vector<Grant> grants_;
  std::vector<std::size_t> in_force_;  ///< Levels of the controls, as applied.
  Telemetry telemetry_;
  TimePoint sampled_{};

  std::vector<std::size_t> places_;
  std::vector<Clocks> clocks_;
  bool has_bandwidth_ = false;

  std::size_t num_cpus_ = 0;
  std::size_t num_domains_ = 0;
  double tick_s_ = 0.0;
  std::vector<double> ours_before_s_;    ///< [CPUs]
  std::vector<double> others_before_s_;  ///< [CPUs] In whole ticks.
  std::vector<Sensor> sensors_;
  std::vector<std::size_t> total_parts_;  ///< Signals that `power_w` is the sum of.
  bool has_estimate_ = false;             ///< Of power_ours_w ...
  bool has_estimated_total_ = false;      ///< ... and of power_w.
  PowerModel power_model_;
};

}  // namespace rein
