#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "platform/kernel/kernel_file.hpp"
#include "platform/sensors/attribute.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

/// All signals that the kernel offers as files that hold a number. Each file is kept open and read
/// once a sample, whatever the number of signals that it gives.
///
/// No value has what cannot be read, is no number, is not plausible, or has not moved for so long
/// that nothing can be measuring it.
class AttributeSensor final : public Sensor {
 public:
  /// @pre attributes have their signals (name_signals()).
  AttributeSensor(const SysfsRoot& root, const std::vector<Attribute>& attributes);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

 private:
  struct File {
    KernelFile file;
    NumberFormat format;
    std::optional<double> number;  ///< Of this sample.
    std::string problem;           ///< If there is none.
  };
  struct Channel {
    std::vector<std::size_t> files;  ///< Indices into files_.
    std::optional<std::size_t> enable;
    std::string where;  ///< For messages.
    const Quantity* quantity;
    NumberUse use;
    int bit;
    double factor;  ///< From the number to the unit: times this, over the divisor.
    double divisor;
    double min;
    double max;
    bool is_unit_given;
    std::optional<double> wraps_at;
    bool never_still;
    Duration update;
    Duration stuck_after;  ///< 0: never.

    std::optional<double> number;  ///< Last seen.
    TimePoint seen_at{};           ///< When that was.
    TimePoint moved_at{};          ///< When it was first seen.
    TimePoint not_before{};        ///< When it cannot have been measured yet.
    std::optional<double> count;   ///< At counted_at.
    TimePoint counted_at{};
    bool on_edge = false;  ///< A counter was seen to move at counted_at.
    std::optional<double> rate;
    std::optional<double> believed;  ///< The last value that was.
  };

  std::size_t add_file(const SysfsRoot& root, const std::string& path, NumberFormat format);
  static void read(File& file);
  /// The product of the channel's files; nothing, and a problem, if one of them has none.
  std::optional<double> read_number(const Channel& channel, std::string& problem) const;
  static void follow(Channel& channel, double number, const SampleContext& context);
  static Measurement level(Channel& channel, double number, const SampleContext& context);
  static Measurement growth(Channel& channel, double number, const SampleContext& context);
  static Measurement rate(Channel& channel, double number, const SampleContext& context);
  /// Takes a value away that cannot be.
  static void check(Channel& channel, Measurement& measurement, double number,
                    const Signal& signal);
  static Measurement held_rate(const Channel& channel, const SampleContext& context);
  static Measurement rate_between(const Channel& channel, double before, double now,
                                  Duration elapsed);

  std::vector<Signal> signals_;
  std::vector<File> files_;
  std::vector<Channel> channels_;
};

}  // namespace rein
