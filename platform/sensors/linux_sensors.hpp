#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/kernel/thread_list.hpp"
#include "platform/sensors/attribute.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

/// All that a Linux machine can measure, read together.
class LinuxSensors {
 public:
  /// What board.sensors names, and what is found besides; counters and what is of threads, the
  /// subject's, only if root.is_where_we_run(). The calls of `root` must outlive this.
  LinuxSensors(const Board& board, const SysfsRoot& root, const Subject& subject = {});

  const std::vector<Signal>& signals() const { return signals_; }
  /// What is not there, or not for us; what could not be but guessed.
  const std::vector<Missing>& missing() const { return missing_; }

  /// Reads everything; what is a rate covers the time since the call before, and has no value if
  /// the clock did not go forwards. One reading for each of signals().
  Telemetry sample(TimePoint now);

  /// A line for each signal that got into trouble since the call before, and for each that came out
  /// of it. One that goes in and out of it is heard of less and less often.
  std::vector<std::string> new_troubles();

 private:
  /// How a signal has done so far.
  struct Health {
    TimePoint last_valid{};
    bool in_trouble = false;
    std::int64_t without_value = 0;  ///< Samples, since the trouble began.
    int well = 0;                    ///< Samples in a row with a value.
    int patience = 1;                ///< So many of those end the trouble.
  };

  void add(std::unique_ptr<Sensor> sensor);
  void add_attributes(const Board& board);
  /// A signal of the sensor that is added next.
  void note(std::size_t signal, const Signal& what, PowerRole role, HeatSource heat);
  /// Marks the temperatures that count for the hottest.
  void choose(const Board& board);
  /// Indices of the rails of board.total_power, if all are there. What is not there is missing.
  std::vector<std::size_t> find_given_total(const Board& board);
  /// The same of what by its kind adds up to the power of the whole machine.
  std::vector<std::size_t> guess_total(bool uses_cards) const;
  std::vector<std::size_t> powers_of(PowerRole role) const;
  /// What comes behind the dots of their names.
  std::vector<std::string> names_of(const std::vector<std::size_t>& signals) const;
  /// @return whether the power of the whole machine is measured.
  bool add_total(const Board& board);
  void tell_no_total();
  bool add_sum(const std::vector<std::size_t>& parts, double min_w);
  Reading judge(std::size_t signal, const Measurement& measurement, const SampleContext& context);
  void follow(std::size_t signal, bool valid, const std::string& problem);

  SysfsRoot root_;
  bool with_threads_;
  std::vector<std::unique_ptr<Sensor>> sensors_;
  std::vector<Signal> signals_;
  std::vector<Missing> missing_;
  /// A signal that is a power, and what it is a part of.
  struct Power {
    std::size_t signal;
    PowerRole role;
  };
  std::vector<Power> powers_;
  /// A signal that is a temperature, and what it is of.
  struct Heat {
    std::size_t signal;
    HeatSource source;
  };
  std::vector<Heat> heats_;
  ThreadList thread_list_;
  SampleContext context_;
  std::optional<TimePoint> last_sample_;
  std::vector<Measurement> measurements_;
  std::vector<Health> health_;
  /// Of a signal, or the source of one that reads again, and what is to be said of it.
  struct Trouble {
    std::string signal;
    std::string where;
    std::string what;
  };
  std::vector<Trouble> troubles_;
};

}  // namespace rein
