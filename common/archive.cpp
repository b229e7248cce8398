#include "common/archive.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base64.hpp"
#include "common/error.hpp"

namespace rein {

/// How to put back what was kept.
struct Archive::Journal {
  std::vector<std::function<void()>> steps;

  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal() {
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      (*step)();
    }
  }
};

Archive::Archive() : Archive(std::nullopt, nullptr) {}
Archive::Archive(const ConfigNode& node) : Archive(node, std::make_shared<Journal>()) {}
Archive::Archive(std::optional<ConfigNode> node, std::shared_ptr<Journal> journal)
    : node_(std::move(node)), journal_(std::move(journal)) {
  if (!is_reading()) {
    json_ = std::make_unique<nlohmann::ordered_json>(nlohmann::ordered_json::object());
  }
}
Archive::Archive(Archive&&) noexcept = default;
Archive::~Archive() = default;

void Archive::on_failure(std::function<void()> put_back) {
  journal_->steps.push_back(std::move(put_back));
}

void Archive::reject_unknown() const {
  if (is_reading()) {
    node_->reject_unknown();
  }
}

void Archive::finish() {
  reject_unknown();
  if (is_reading()) {
    journal_->steps.clear();
  }
}

void Archive::reject(const std::string& key, const std::string& problem) const {
  at(key).reject(problem);
}

ConfigNode Archive::at(const std::string& key) const { return node_->at(key); }

template <typename Value>
bool Archive::put(const std::string& key, Value&& value) {
  if (!is_reading()) {
    (*json_)[key] = std::forward<Value>(value);
  }
  return !is_reading();
}

bool Archive::has_value(const std::string& key, bool is_there) {
  if (is_reading()) {
    return !at(key).is_null();
  }
  return is_there || !put(key, nullptr);
}

void Archive::number(const std::string& key, double& value, const Range& range) {
  if (!put(key, value)) {
    value = at(key).number(range);
  }
}

void Archive::number(const std::string& key, std::optional<double>& value, const Range& range) {
  if (has_value(key, value.has_value())) {
    number(key, value ? *value : value.emplace(), range);
  } else {
    value.reset();
  }
}

std::int64_t Archive::whole(const std::string& key, std::int64_t value, const Range& range) {
  return put(key, value) ? value : at(key).integer(range);
}

void Archive::index(const std::string& key, std::size_t& value, std::size_t size) {
  if (is_reading() && size == 0) {
    reject(key, "expected null, as there is nothing that it could name");
  }
  count(key, value, size - 1);
}

void Archive::index(const std::string& key, std::optional<std::size_t>& value, std::size_t size) {
  if (has_value(key, value.has_value())) {
    index(key, value ? *value : value.emplace(), size);
  } else {
    value.reset();
  }
}

void Archive::flag(const std::string& key, bool& value) {
  if (!put(key, value)) {
    value = at(key).boolean();
  }
}

void Archive::text(const std::string& key, std::string& value) {
  if (!put(key, value)) {
    value = at(key).text();
  }
}

void Archive::texts(const std::string& key, std::vector<std::string>& values) {
  if (!put(key, values)) {
    values.clear();
    for (const auto& item : at(key).items()) {
      values.push_back(item.text());
    }
  }
}

void Archive::random(const std::string& key, Random& random) {
  if (put(key, random.save())) {
    return;
  }
  const std::string state = at(key).text();
  try {
    random.load(state);
  } catch (const Error& error) {
    reject(key, error.what());
  }
}

void Archive::numbers(const std::string& key, std::vector<double>& values,
                      std::optional<std::size_t> length, const Range& range) {
  if (put(key, values)) {
    return;
  }
  values = at(key).numbers(range);
  if (length && values.size() != *length) {
    reject(key, fmt::format("expected {} numbers, found {}", *length, values.size()));
  }
}

void Archive::numbers(const std::string& key, std::span<double> values, const Range& range) {
  std::vector<double> copy(values.begin(), values.end());
  numbers(key, copy, values.size(), range);
  std::ranges::copy(copy, values.begin());
}

std::vector<std::int64_t> Archive::wholes(const std::string& key, std::vector<std::int64_t> values,
                                          std::size_t length, const Range& range) {
  if (put(key, values)) {
    return values;
  }
  values.clear();
  for (const auto& item : at(key).items()) {
    values.push_back(item.integer(range));
  }
  if (values.size() != length) {
    reject(key, fmt::format("expected {} numbers, found {}", length, values.size()));
  }
  return values;
}

void Archive::write_bytes(const std::string& key, std::span<const std::byte> bytes) {
  if (has_value(key, !bytes.empty())) {
    put(key, to_base64(bytes));
  }
}

std::vector<std::byte> Archive::read_bytes(const std::string& key, std::size_t size_of_each,
                                           std::optional<std::size_t> length) const {
  const ConfigNode node = at(key);
  const auto bytes = from_base64(node.is_null() ? "" : node.text());
  if (!bytes || bytes->size() % size_of_each != 0) {
    reject(key, "expected numbers in base64");
  }
  const std::size_t count = bytes->size() / size_of_each;
  if (length && count != *length) {
    reject(key, fmt::format("expected {} numbers in base64, found {}", *length, count));
  }
  return *bytes;
}

namespace {

/// @param found  at the node.
template <typename Value>
void expect_same(const ConfigNode& node, const Value& found, const Value& expected) {
  if (found != expected) {
    node.fail(fmt::format("{} as in this run", expected));
  }
}

}  // namespace

void Archive::same(const std::string& key, const std::string& text) {
  if (!put(key, text)) {
    const ConfigNode node = at(key);
    expect_same(node, fmt::format("'{}'", node.text()), fmt::format("'{}'", text));
  }
}

void Archive::same_whole(const std::string& key, std::int64_t number) {
  if (!put(key, number)) {
    expect_same(at(key), at(key).integer(), number);
  }
}

void Archive::same_number(const std::string& key, double number) {
  if (!put(key, number)) {
    expect_same(at(key), at(key).number(), number);
  }
}

void Archive::same(const std::string& key, const std::vector<std::size_t>& sizes) {
  if (put(key, sizes)) {
    return;
  }
  std::vector<std::size_t> found;
  for (const auto& item : at(key).items()) {
    found.push_back(static_cast<std::size_t>(item.integer(Range::count())));
  }
  if (found != sizes) {
    reject(key, fmt::format("expected {} as in this run, found {}", sizes, found));
  }
}

void Archive::same(const std::string& key, const std::vector<std::string>& lines) {
  if (put(key, lines)) {
    return;
  }
  const auto items = at(key).items();
  for (std::size_t i = 0; i < std::min(items.size(), lines.size()); ++i) {
    expect_same(items[i], fmt::format("'{}'", items[i].text()), fmt::format("'{}'", lines[i]));
  }
  if (items.size() != lines.size()) {
    reject(key,
           fmt::format("expected {} entries as in this run, found {}", lines.size(), items.size()));
  }
}

Archive Archive::open(const std::string& key) const {
  return {is_reading() ? std::optional(at(key)) : std::nullopt, journal_};
}

void Archive::close(const std::string& key, Archive&& part) {
  part.reject_unknown();
  if (!is_reading()) {
    put(key, std::move(*part.json_));
  }
}

std::vector<Archive> Archive::open_list(const std::string& key, std::size_t count,
                                        std::optional<std::size_t> length) const {
  std::vector<Archive> parts;
  if (is_reading()) {
    for (const auto& item : at(key).items()) {
      parts.push_back(Archive(item, journal_));
    }
    if (length && parts.size() != *length) {
      reject(key, fmt::format("expected {} entries, found {}", *length, parts.size()));
    }
    return parts;
  }
  for (std::size_t i = 0; i < count; ++i) {
    parts.emplace_back();
  }
  return parts;
}

void Archive::close(const std::string& key, std::vector<Archive>&& parts) {
  auto list = nlohmann::ordered_json::array();
  for (Archive& part : parts) {
    part.reject_unknown();
    if (!is_reading()) {
      list.push_back(std::move(*part.json_));
    }
  }
  if (!is_reading()) {
    put(key, std::move(list));
  }
}

}  // namespace rein
