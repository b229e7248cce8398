#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rein {

/// The values that a number in a configuration may take, and how to say it.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_excluded = false;

  bool contains(double value) const {
    return (min_excluded ? value > min : value >= min) && value <= max;
  }
  /// For example `a number above 0` or `a number from 0 to 1`.
  std::string describe(std::string_view what) const;

  static Range positive() { return {.min = 0.0, .min_excluded = true}; }
  static Range non_negative() { return {.min = 0.0}; }
  static Range share() { return {.min = 0.0, .max = 1.0}; }
};

/// One node of a YAML (or JSON) document with its file, line, column and dotted key.
///
/// Every mistake becomes a ConfigError that reads
/// `file:line:column: dotted.key: expected ..., found ...`. Reading is typed; keys that nobody read
/// are mistakes too: call `reject_unknown()` when a mapping has been read. Copies share their node.
class ConfigNode {
 public:
  /// @throws ConfigError if the file cannot be read or is not YAML.
  static ConfigNode load(const std::filesystem::path& file);
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

  /// Reports a mistake here. `expected` completes "expected ...".
  [[noreturn]] void fail(const std::string& expected) const;
  /// Reports a mistake here in other words than "expected, found".
  [[noreturn]] void reject(const std::string& problem) const;

  /// The document as YAML, with what was set.
  std::string dump() const;

 private:
  struct Document;
  struct Impl;
  explicit ConfigNode(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::string where() const;
  ConfigNode child(const std::string& key) const;

  std::shared_ptr<Impl> impl_;
};

}  // namespace rein
