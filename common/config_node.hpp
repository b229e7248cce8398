#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rein {

/// The values that a number in a configuration may take, and how to say it.
///
/// Every range has two ends, so that sums and products of what was read stay finite, and times fit
/// the clock. The named ones are what all files and the command line keep to.
struct Range {
  /// No number of a file is further from 0.
  static constexpr double kFarthest = 1e15;

  double min = -kFarthest;
  double max = kFarthest;
  bool min_excluded = false;
  const char* unit = "";

  constexpr bool contains(double value) const {
    return (min_excluded ? value > min : value >= min) && value <= max;
  }
  /// For example `a number from 0.001 to 3600000 ms`.
  std::string describe(std::string_view what) const;

  /// The same range with everything down to 0.
  constexpr Range or_zero() const { return {.min = 0.0, .max = max, .unit = unit}; }

  // Of no unit.
  static constexpr Range positive() { return {.min = 1e-12, .max = 1e12}; }
  static constexpr Range non_negative() { return {.min = 0.0, .max = 1e12}; }
  static constexpr Range share() { return {.min = 0.0, .max = 1.0}; }
  static constexpr Range factor() { return {.min = 1e-6, .max = 1e6}; }
  static constexpr Range count() { return {.min = 0.0, .max = kFarthest}; }
  static constexpr Range seed() { return {.min = 0.0, .max = 0x1p63}; }
  // Of times: a run may last three years, what happens in it an hour.
  static constexpr Range seconds() { return {.min = 1e-6, .max = 1e8, .unit = "s"}; }
  static constexpr Range milliseconds() { return {.min = 1e-6, .max = 3.6e6, .unit = "ms"}; }
  static constexpr Range hertz() { return {.min = 1e-6, .max = 1e5, .unit = "Hz"}; }
  // Of what machines have.
  static constexpr Range megahertz() { return {.min = 1e-3, .max = 1e6, .unit = "MHz"}; }
  static constexpr Range volts() { return {.min = 1e-3, .max = 1e3, .unit = "V"}; }
  static constexpr Range watts() { return {.min = 1e-6, .max = 1e6, .unit = "W"}; }
  static constexpr Range joules() { return {.min = 1e-6, .max = 1e12, .unit = "J"}; }
  static constexpr Range millijoules() { return {.min = 1e-6, .max = 1e12, .unit = "mJ"}; }
  static constexpr Range celsius() { return {.min = -273.15, .max = 1000.0, .unit = "degC"}; }
  static constexpr Range kelvins() { return {.min = 0.0, .max = 1000.0, .unit = "K"}; }
  static constexpr Range megaflops() { return {.min = 1e-6, .max = 1e12, .unit = "MFLOPs"}; }
  static constexpr Range megacycles() { return {.min = 1e-6, .max = 1e6, .unit = "Mcycles"}; }
};

/// One node of a YAML (or JSON) document with its file, line, column and dotted key.
///
/// Every mistake becomes a ConfigError that reads
/// `file:line:column: dotted.key: expected ..., found ...`. Reading is typed; keys that nobody read
/// are mistakes too: call `reject_unknown()` when a mapping has been read. Copies share their node.
class ConfigNode {
 public:
  /// @throws ConfigError if the file cannot be read, is not YAML, or is larger than what people
  ///         write. What it nests, and what its aliases stand for, is bounded too.
  static ConfigNode load(const std::filesystem::path& file);
  /// The same for what a program recorded, which may be larger.
  static ConfigNode load_record(const std::filesystem::path& file);
  /// `name` stands for the file in messages.
  static ConfigNode parse(const std::string& text, const std::string& name);

  const std::string& key() const;
  /// The file that this was read from.
  const std::filesystem::path& file() const;
  /// A path that is written in this file, relative to the file's folder.
  std::filesystem::path resolve(const std::string& path) const;

  bool is_mapping() const;
  bool is_sequence() const;
  bool is_null() const;

  // A mapping.
  bool has(const std::string& key) const;
  /// @throws ConfigError if `key` is missing or this is no mapping.
  ConfigNode at(const std::string& key) const;
  /// All entries, in the order of the file, for mappings whose keys are names. Counts as read.
  std::vector<std::pair<std::string, ConfigNode>> entries() const;
  /// @throws ConfigError at the first key that was never asked for; it lists those that were.
  void reject_unknown() const;

  // A sequence.
  std::vector<ConfigNode> items() const;

  // A scalar.
  double number(const Range& range = {}) const;
  std::int64_t integer(const Range& range = {}) const;
  bool boolean() const;
  std::string text() const;
  /// Text that becomes part of the names of files: at most 100 bytes, on one line.
  std::string name() const;
  /// One of `choices`, which the message lists.
  std::string one_of(const std::vector<std::string>& choices) const;
  std::vector<double> numbers(const Range& range = {}) const;

  // A scalar of a mapping, with a default.
  double number_or(const std::string& key, double fallback, const Range& range = {}) const;
  std::int64_t integer_or(const std::string& key, std::int64_t fallback,
                          const Range& range = {}) const;
  std::string text_or(const std::string& key, const std::string& fallback) const;
  bool boolean_or(const std::string& key, bool fallback) const;

  /// Sets `dotted.key` to `value` (YAML text), making mappings on the way; a number as a part of
  /// the key is an index into a sequence. Messages about it then name `origin`.
  void set(const std::string& dotted_key, const std::string& value, const std::string& origin);

  /// Sets `dotted.key` to this text, whatever is in it.
  void set_text(const std::string& dotted_key, const std::string& text, const std::string& origin);

  /// Reports a mistake here. `expected` completes "expected ...".
  [[noreturn]] void fail(const std::string& expected) const;
  /// Reports a mistake here in other words than "expected, found".
  [[noreturn]] void reject(const std::string& problem) const;

  /// The document as YAML, with what was set. It reads back to the same values, byte by byte.
  std::string dump() const;

 private:
  struct Document;
  struct Impl;
  explicit ConfigNode(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  static ConfigNode parse(const std::string& text, const std::string& name, std::size_t most_nodes);
  std::string where() const;
  ConfigNode child(const std::string& key) const;

  std::shared_ptr<Impl> impl_;
};

}  // namespace rein
