#include "platform/sensors/attribute_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

/// `get_throttled` has bits for what is so, and the same for what has been so.
constexpr std::uint64_t kThrottledBits = 0xF000F;
constexpr double kUpdatesUntilStuck = 3.0;
constexpr double kRounding = 1e-12;

std::optional<double> parse_decimal(std::string_view text) {
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end && std::isfinite(value)
             ? std::optional(value)
             : std::nullopt;
}

std::optional<double> parse_bits_as(std::string_view text, int base) {
  std::uint64_t bits = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, bits, base);
  return result.ec == std::errc{} && result.ptr == end && (bits & ~kThrottledBits) == 0
             ? std::optional(static_cast<double>(bits))
             : std::nullopt;
}

/// The kernel writes it without `0x`, and what copies it elsewhere in whatever way: no text is of
/// known bits both as a hexadecimal and as another decimal number.
std::optional<double> parse_bits(std::string_view text) {
  if (text.starts_with("0x")) {
    return parse_bits_as(text.substr(2), 16);
  }
  const auto bits = parse_bits_as(text, 16);
  return bits ? bits : parse_bits_as(text, 10);
}

std::optional<double> parse(std::string_view text, NumberFormat format) {
  switch (format) {
    case NumberFormat::kWhole:
      if (const auto whole = parse_integer(text)) {
        return static_cast<double>(*whole);
      }
      return std::nullopt;
    case NumberFormat::kDecimal:
      return parse_decimal(text);
    case NumberFormat::kBits:
      return parse_bits(text);
  }
  return std::nullopt;
}

const char* describe(NumberFormat format) {
  switch (format) {
    case NumberFormat::kWhole:
      return "a whole number";
    case NumberFormat::kDecimal:
      return "a number";
    case NumberFormat::kBits:
      return "the bits 0 to 3 and 16 to 19";
  }
  return "";
}

template <typename... Arguments>
Measurement trouble(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  return {.value = {},
          .age = {},
          .problem = fmt::format(format, std::forward<Arguments>(arguments)...)};
}

Duration update_age(Duration since, Duration update) {
  return std::clamp(since, Duration::zero(), update);
}

/// For the end of a line: by which scale a number would be a usual value; nothing if by none.
std::string remedy_of_unit(const Quantity& quantity, double min, double max, double number,
                           const Signal& signal) {
  const bool is_usual_anywhere = quantity.usual_min == quantity.usual_max;
  const double low = is_usual_anywhere ? min : quantity.usual_min;
  const double high = is_usual_anywhere ? max : quantity.usual_max;
  for (const double scale : {1.0, 0.1, 1e-6, 0.01, 1e-3, 1e-4, 1e-5, 1e-9}) {
    if (quantity.has_other_units && number * scale >= low && number * scale <= high) {
      return fmt::format(
          "; if its unit is another, the board file gives it: "
          "sensors: [{{signal: {}, path: \"{}\", scale: {}}}]",
          signal.name, signal.source, scale);
    }
  }
  return "";
}

}  // namespace

AttributeSensor::AttributeSensor(const SysfsRoot& root, const std::vector<Attribute>& attributes) {
  for (const auto& attribute : attributes) {
    const Quantity& quantity = quantity_of(attribute.quantity);
    Channel channel{.files = {},
                    .enable = {},
                    .where = {},
                    .quantity = &quantity,
                    .use = attribute.use,
                    .bit = attribute.format == NumberFormat::kBits ? attribute.bit : -1,
                    .factor = attribute.scale,
                    .divisor = 1.0,
                    .min = attribute.min.value_or(quantity.min),
                    .max = attribute.max.value_or(quantity.max),
                    .is_unit_given = attribute.is_unit_given,
                    .wraps_at = attribute.wraps_at,
                    .never_still = attribute.never_still,
                    .update = attribute.update,
                    .stuck_after = {}};
    // 921600000 Hz are 921.6 MHz when divided by 1e6, but not when multiplied by 1e-6.
    if (const double divisor = std::round(1.0 / attribute.scale);
        std::abs(divisor * attribute.scale - 1.0) < kRounding) {
      channel.factor = 1.0;
      channel.divisor = divisor;
    }
    if (quantity.stuck_after_s > 0.0) {
      channel.stuck_after = from_seconds(
          std::max(quantity.stuck_after_s, kUpdatesUntilStuck * to_seconds(attribute.update)));
    }
    for (const auto& path : attribute.paths) {
      channel.files.push_back(add_file(root, path, attribute.format));
      channel.where += (channel.where.empty() ? "" : " x ") + root.resolve(path).string();
    }
    if (!attribute.enable.empty()) {
      channel.enable = add_file(root, attribute.enable, NumberFormat::kWhole);
    }
    signals_.push_back(attribute.signal);
    channels_.push_back(std::move(channel));
  }
}

std::size_t AttributeSensor::add_file(const SysfsRoot& root, const std::string& path,
                                      NumberFormat format) {
  const std::string resolved = root.resolve(path).string();
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].file.path() == resolved && files_[i].format == format) {
      return i;
    }
  }
  files_.push_back({.file = KernelFile(root, path), .format = format, .number = {}, .problem = {}});
  return files_.size() - 1;
}

void AttributeSensor::read(File& file) {
  const auto text = file.file.read();
  file.number = text ? parse(trim(*text), file.format) : std::nullopt;
  if (file.number) {
    return;
  }
  file.problem = text ? fmt::format("{}: expected {}, found '{}'", file.file.path(),
                                    describe(file.format), trim(*text))
                      : file.file.problem();
}

std::optional<double> AttributeSensor::read_number(const Channel& channel,
                                                   std::string& problem) const {
  if (channel.enable) {
    const File& file = files_[*channel.enable];
    if (file.number != 1.0) {
      problem = file.number
                    ? fmt::format("{}: expected 1, found {}", file.file.path(), *file.number)
                    : file.problem;
      return std::nullopt;
    }
  }
  double product = 1.0;
  for (const std::size_t i : channel.files) {
    if (!files_[i].number) {
      problem = files_[i].problem;
      return std::nullopt;
    }
    product *= *files_[i].number;
  }
  return product;
}

void AttributeSensor::sample(const SampleContext& context, std::vector<Measurement>& measurements) {
  for (auto& file : files_) {
    read(file);
  }
  for (auto& channel : channels_) {
    Measurement& measurement = measurements.emplace_back();
    const auto number = read_number(channel, measurement.problem);
    if (!number) {
      channel.count.reset();
      continue;
    }
    switch (channel.use) {
      case NumberUse::kLevel:
        measurement = level(channel, *number, context);
        break;
      case NumberUse::kRate:
        measurement = rate(channel, *number, context);
        break;
      case NumberUse::kGrowth:
        measurement = growth(channel, *number, context);
        break;
    }
    check(channel, measurement, *number, signals_[&channel - channels_.data()]);
  }
}

void AttributeSensor::check(Channel& channel, Measurement& measurement, double number,
                            const Signal& signal) {
  if (!measurement.value) {
    return;
  }
  const double value = *measurement.value;
  const Quantity& quantity = *channel.quantity;
  if (const auto problem = implausible(quantity, channel.min, channel.max, value);
      !problem.empty()) {
    measurement.problem = fmt::format("{}: {}", channel.where, problem);
    if (!channel.is_unit_given && channel.use == NumberUse::kLevel) {
      measurement.problem += remedy_of_unit(quantity, channel.min, channel.max, number, signal);
    }
    measurement.value.reset();
  } else if (!channel.is_unit_given && quantity.doubtful > 0.0 &&
             std::abs(value) <= quantity.doubtful &&
             !(channel.believed && *channel.believed < quantity.believed_below)) {
    measurement.problem = fmt::format(
        "{}: found {}, which would be {:.4g} {} and can hardly be{}", channel.where, number, value,
        quantity.unit, remedy_of_unit(quantity, channel.min, channel.max, number, signal));
    measurement.value.reset();
  } else {
    channel.believed = value;
  }
}

/// When a number that is seen now was measured: after the last sample that saw another one.
void AttributeSensor::follow(Channel& channel, double number, const SampleContext& context) {
  if (!channel.number) {
    channel.moved_at = context.now;
    channel.not_before = context.now - channel.update;
  } else if (number != *channel.number) {
    channel.moved_at = context.now;
    channel.not_before = channel.seen_at;
  }
  channel.number = number;
  channel.seen_at = context.now;
}

Measurement AttributeSensor::level(Channel& channel, double number, const SampleContext& context) {
  if (channel.bit >= 0) {
    number = static_cast<double>((static_cast<std::uint64_t>(number) >> channel.bit) & 1);
  }
  follow(channel, number, context);
  const Duration unmoved = context.now - channel.moved_at;
  const bool may_stay = number == 0.0 && channel.quantity->zero_may_stay;
  if (channel.stuck_after > Duration::zero() && !may_stay && unmoved >= channel.stuck_after) {
    return trouble("{}: has not changed for {:.0f} s", channel.where,
                   std::floor(to_seconds(unmoved)));
  }
  return {.value = number * channel.factor / channel.divisor,
          .age = update_age(context.now - channel.not_before, channel.update),
          .problem = {}};
}

Measurement AttributeSensor::growth(Channel& channel, double number, const SampleContext& context) {
  const auto before = std::exchange(channel.count, number);
  if (!before || context.interval <= Duration::zero()) {
    return {};
  }
  if (number < *before) {
    return trouble("{}: expected a count that grows, found {} after {}", channel.where, number,
                   *before);
  }
  return {.value = (number - *before) * channel.factor / channel.divisor, .age = {}, .problem = {}};
}

Measurement AttributeSensor::rate(Channel& channel, double number, const SampleContext& context) {
  follow(channel, number, context);
  const auto before = std::exchange(channel.count, number);
  if (!before || context.interval <= Duration::zero()) {
    channel.counted_at = context.now;
    channel.on_edge = false;
    channel.rate.reset();
    return {};
  }
  Duration elapsed = context.interval;
  if (channel.update > Duration::zero()) {
    // It moves now and then, so it is measured from move to move.
    if (number == *before) {
      return held_rate(channel, context);
    }
    elapsed = context.now - std::exchange(channel.counted_at, context.now);
    if (!std::exchange(channel.on_edge, true) || elapsed <= Duration::zero()) {
      return {};
    }
  }
  Measurement measurement = rate_between(channel, *before, number, elapsed);
  measurement.age = update_age(context.now - channel.not_before, channel.update);
  channel.rate = measurement.value;
  return measurement;
}

Measurement AttributeSensor::held_rate(const Channel& channel, const SampleContext& context) {
  const Duration unmoved = context.now - channel.counted_at;
  if (to_seconds(unmoved) > kUpdatesUntilStuck * to_seconds(channel.update)) {
    return trouble("{}: has not moved for {:.0f} ms", channel.where, to_milliseconds(unmoved));
  }
  return {.value = channel.rate, .age = context.now - channel.not_before, .problem = {}};
}

Measurement AttributeSensor::rate_between(const Channel& channel, double before, double now,
                                          Duration elapsed) {
  double step = now - before;
  if (step < 0.0) {
    if (!channel.wraps_at || before > *channel.wraps_at) {
      return trouble("{}: expected a count that grows, found {} after {}", channel.where, now,
                     before);
    }
    step += *channel.wraps_at;
  }
  if (step == 0.0 && channel.never_still) {
    return elapsed < kLongEnoughToMove ? Measurement{}
                                       : trouble("{}: has not moved for {:.0f} ms", channel.where,
                                                 to_milliseconds(elapsed));
  }
  const auto per_s = [&channel, elapsed](double grown) {
    return grown * channel.factor / channel.divisor / to_seconds(elapsed);
  };
  if (channel.wraps_at && per_s(step + *channel.wraps_at) <= channel.max) {
    return trouble("{}: may have wrapped unseen in {:.0f} s", channel.where, to_seconds(elapsed));
  }
  return {.value = per_s(step), .age = {}, .problem = {}};
}

}  // namespace rein
