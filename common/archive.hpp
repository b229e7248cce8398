#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// Writes what is described to it, or reads it back: one description for both ways, so that they
/// cannot differ. Numbers are read back to the same bits.
///
/// All that reads throws ConfigError with file, line, key, what was found and what was expected;
/// keys that were not asked for are errors, too. What was kept is then put back as it was. Nothing
/// that is written from is changed.
class Archive {
 public:
  /// Writes.
  Archive();
  /// Reads a mapping.
  explicit Archive(const ConfigNode& node);
  Archive(Archive&&) noexcept;
  Archive& operator=(Archive&&) = delete;
  ~Archive();

  bool is_reading() const { return node_.has_value(); }

  // Of a reading, and without effect on a writing:

  /// From here on these may be half read: unless the reading is finished, they become again what
  /// they are now. They must outlive the archive.
  template <typename... Values>
  void keep(Values&... values) {
    (replace(values, Values(values)), ...);
  }
  /// The same of one that is read into `fresh` instead of a copy.
  template <typename Value>
  void replace(Value& value, std::type_identity_t<Value> fresh) {
    if (is_reading()) {
      auto before = std::make_shared<Value>(std::exchange(value, std::move(fresh)));
      on_failure([&value, before] { value = std::move(*before); });
    }
  }
  void reject_unknown() const;
  /// All was described: what was read stays.
  void finish();
  /// Reports a mistake of this key in other words than "expected, found".
  [[noreturn]] void reject(const std::string& key, const std::string& problem) const;

  /// What was written.
  const nlohmann::ordered_json& json() const { return *json_; }

  void number(const std::string& key, double& value, const Range& range = {});
  void number(const std::string& key, std::optional<double>& value, const Range& range = {});
  /// A whole number, from 0 unless told otherwise.
  template <typename Whole>
  void count(const std::string& key, Whole& value, const Range& range = Range::count()) {
    value = static_cast<Whole>(whole(key, static_cast<std::int64_t>(value), range));
  }
  template <typename Whole>
  void count(const std::string& key, Whole& value, std::size_t most) {
    count(key, value, {.min = 0.0, .max = static_cast<double>(most)});
  }
  /// Below `size`.
  void index(const std::string& key, std::size_t& value, std::size_t size);
  void index(const std::string& key, std::optional<std::size_t>& value, std::size_t size);
  void flag(const std::string& key, bool& value);
  /// Not empty.
  void text(const std::string& key, std::string& value);
  void texts(const std::string& key, std::vector<std::string>& values);
  void random(const std::string& key, Random& random);

  /// @param length  that is expected, if it is known.
  void numbers(const std::string& key, std::vector<double>& values,
               std::optional<std::size_t> length = {}, const Range& range = {});
  void numbers(const std::string& key, std::span<double> values, const Range& range = {});
  template <typename Whole>
  void counts(const std::string& key, std::vector<Whole>& values, std::size_t length,
              const Range& range = Range::count()) {
    const auto read = wholes(key, {values.begin(), values.end()}, length, range);
    values.assign(read.begin(), read.end());
  }
  /// As they are in memory as `Stored`, in base64: what is many. No text is made of each, and none
  /// is rounded if it fits. Floating point ones are finite.
  template <typename Stored, typename Numbers>
  void packed(const std::string& key, Numbers& numbers, std::optional<std::size_t> length = {});

  // What must be the same in what is read: a mistake says what differs.
  void same(const std::string& key, const std::string& text);
  template <typename Number>
  requires(std::is_arithmetic_v<Number> &&
           !std::is_same_v<Number, bool>) void same(const std::string& key, Number number) {
    if constexpr (std::is_integral_v<Number>) {
      same_whole(key, static_cast<std::int64_t>(number));
    } else {
      same_number(key, number);
    }
  }
  void same(const std::string& key, const std::vector<std::size_t>& sizes);
  void same(const std::string& key, const std::vector<std::string>& lines);

  /// Entries below a key. @param describe  void(Archive& section)
  template <typename Describe>
  void section(const std::string& key, const Describe& describe) {
    Archive part = open(key);
    describe(part);
    close(key, std::move(part));
  }
  /// The same, or null where there is none.
  template <typename Describe>
  void section_if(const std::string& key, bool& is_there, const Describe& describe) {
    if ((is_there = has_value(key, is_there))) {
      section(key, describe);
    }
  }
  /// Of what describes itself.
  template <typename Thing>
  void part(const std::string& key, Thing& thing) {
    section(key, [&thing](Archive& section) { thing.archive(section); });
  }
  /// @param describe  void(Archive& section, Item& item)
  template <typename Item, typename Describe>
  void list(const std::string& key, std::vector<Item>& items, const Describe& describe,
            std::optional<std::size_t> length = {}) {
    std::vector<Archive> parts = open_list(key, items.size(), length);
    if (is_reading()) {
      items = std::vector<Item>(parts.size());
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      describe(parts[i], items[i]);
    }
    close(key, std::move(parts));
  }
  /// A list in which each has its key as `name`: a text, or a whole number.
  template <typename Map, typename Describe>
  void map(const std::string& key, Map& map, const std::string& name, const Describe& describe,
           const Range& range = Range::count());

 private:
  struct Journal;
  Archive(std::optional<ConfigNode> node, std::shared_ptr<Journal> journal);

  ConfigNode at(const std::string& key) const;
  /// False when reading: there is something to be read then.
  template <typename Value>
  bool put(const std::string& key, Value&& value);
  void on_failure(std::function<void()> put_back);
  /// Writes null for what has none, and says whether what is read has one.
  bool has_value(const std::string& key, bool is_there);
  std::int64_t whole(const std::string& key, std::int64_t value, const Range& range);
  std::vector<std::int64_t> wholes(const std::string& key, std::vector<std::int64_t> values,
                                   std::size_t length, const Range& range);
  void same_whole(const std::string& key, std::int64_t number);
  void same_number(const std::string& key, double number);
  void write_bytes(const std::string& key, std::span<const std::byte> bytes);
  std::vector<std::byte> read_bytes(const std::string& key, std::size_t size_of_each,
                                    std::optional<std::size_t> length) const;
  Archive open(const std::string& key) const;
  void close(const std::string& key, Archive&& part);
  std::vector<Archive> open_list(const std::string& key, std::size_t count,
                                 std::optional<std::size_t> length) const;
  void close(const std::string& key, std::vector<Archive>&& parts);

  std::optional<ConfigNode> node_;                ///< That is read.
  std::unique_ptr<nlohmann::ordered_json> json_;  ///< That is written.
  std::shared_ptr<Journal> journal_;              ///< Of all sections.
};

template <typename Stored, typename Numbers>
void Archive::packed(const std::string& key, Numbers& numbers, std::optional<std::size_t> length) {
  if (!is_reading()) {
    if constexpr (std::is_same_v<typename Numbers::value_type, Stored>) {
      write_bytes(key, std::as_bytes(std::span(numbers)));
    } else {
      const std::vector<Stored> stored(numbers.begin(), numbers.end());
      write_bytes(key, std::as_bytes(std::span(stored)));
    }
    return;
  }
  const auto bytes = read_bytes(key, sizeof(Stored), length);
  std::vector<Stored> stored(bytes.size() / sizeof(Stored));
  if (!bytes.empty()) {
    std::memcpy(stored.data(), bytes.data(), bytes.size());
  }
  if constexpr (std::is_floating_point_v<Stored>) {
    for (const Stored number : stored) {
      if (!std::isfinite(number)) {
        reject(key, "expected finite numbers in base64");
      }
    }
  }
  numbers.assign(stored.begin(), stored.end());
}

template <typename Map, typename Describe>
void Archive::map(const std::string& key, Map& map, const std::string& name,
                  const Describe& describe, const Range& range) {
  const auto describe_name = [&](Archive& part, typename Map::key_type& of) {
    if constexpr (std::is_integral_v<typename Map::key_type>) {
      part.count(name, of, range);
    } else {
      part.text(name, of);
    }
  };
  std::vector<Archive> parts = open_list(key, map.size(), {});
  if (is_reading()) {
    map.clear();
    for (Archive& part : parts) {
      typename Map::key_type of{};
      describe_name(part, of);
      const auto [entry, is_new] = map.try_emplace(of);
      if (!is_new) {
        part.reject(name, "expected each once, found it twice");
      }
      describe(part, entry->second);
    }
  } else {
    auto part = parts.begin();
    for (auto& [of, value] : map) {
      auto copy = of;
      describe_name(*part, copy);
      describe(*part++, value);
    }
  }
  close(key, std::move(parts));
}

}  // namespace rein
