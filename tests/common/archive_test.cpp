#include "common/archive.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace rein {
namespace {

/// One of every kind of thing.
struct Everything {
  double number = 0.1;
  std::optional<double> maybe = 1.0 / 3.0;
  std::optional<double> nothing;
  std::uint64_t seed = (std::uint64_t{1} << 62) + 1;
  int place = 3;
  std::size_t index = 4;
  std::optional<std::size_t> maybe_index = 2;
  std::optional<std::size_t> no_index;
  bool flag = true;
  std::string text = "a \"text\":\n of two lines, ü";
  std::vector<std::string> texts = {"one", "no", "1"};
  Random random{7};
  std::vector<double> numbers = {1e-300, -0.0, 2.5};
  std::array<double, 2> array = {0.7, 1e15};
  std::vector<std::uint8_t> flags = {0, 1, 1};
  std::vector<double> doubles = {1.0 / 3.0, -1e-310};
  std::vector<float> floats = {0.1F, std::numeric_limits<float>::denorm_min(), -0.0F};
  std::vector<double> singles = {0.5, static_cast<double>(0.1F)};
  std::vector<float> none;
  struct Item {
    double value = 0.0;
    bool operator==(const Item&) const = default;
  };
  Item item{2.0};
  Item other{3.0};
  bool has_item = true;
  bool has_other = false;
  std::vector<Item> items = {{1.0}, {0.1}};
  std::map<std::size_t, Item> by_stream = {{0, {0.3}}, {9, {}}};
  std::map<std::string, Item> by_name = {{"a b", {0.3}}, {"null", {}}};

  void archive(Archive& archive) {
    const auto describe = [](Archive& each, Item& of) { each.number("value", of.value); };
    archive.number("number", number);
    archive.number("maybe", maybe);
    archive.number("nothing", nothing);
    archive.count("seed", seed, Range::seed());
    archive.count("place", place, 5);
    archive.index("index", index, 5);
    archive.index("maybe_index", maybe_index, 5);
    archive.index("no_index", no_index, 0);
    archive.flag("flag", flag);
    archive.text("text", text);
    archive.texts("texts", texts);
    archive.random("random", random);
    archive.numbers("numbers", numbers, 3);
    archive.numbers("array", std::span<double>(array));
    archive.counts("flags", flags, 3, Range::share());
    archive.packed<double>("doubles", doubles, 2);
    archive.packed<float>("floats", floats);
    archive.packed<float>("singles", singles, 2);
    archive.packed<float>("none", none, 0);
    archive.section("item", [&](Archive& section) { describe(section, item); });
    archive.section_if("has_item", has_item, [&](Archive& section) { describe(section, item); });
    archive.section_if("has_other", has_other, [&](Archive& section) { describe(section, other); });
    archive.list("items", items, describe);
    archive.map("by_stream", by_stream, "stream", describe);
    archive.map("by_name", by_name, "name", describe);
    archive.same("kind", "everything");
    archive.same("factor", 0.1);
    archive.same("count", 3);
    archive.same("sizes", std::vector<std::size_t>{4, 16, 2});
    archive.same("lines", std::vector<std::string>{"x: 1", "y: 2"});
  }
};

nlohmann::ordered_json write(Everything& everything) {
  Archive archive;
  everything.archive(archive);
  return archive.json();
}

void read(Everything& everything, const std::string& text) {
  Archive archive(ConfigNode::parse(text, "file.json"));
  everything.archive(archive);
  archive.finish();
}

DOCTEST_TEST_CASE("everything that is described is read back to the bit") {
  Everything everything;
  everything.random.uniform();
  Everything empty{.number = 0.0,
                   .maybe = {},
                   .nothing = 2.0,
                   .seed = 0,
                   .place = 0,
                   .index = 0,
                   .maybe_index = {},
                   .no_index = 1,
                   .flag = false,
                   .text = "",
                   .texts = {},
                   .random = Random(1),
                   .numbers = {},
                   .array = {},
                   .flags = {},
                   .doubles = {},
                   .floats = {},
                   .singles = {},
                   .none = {1.0F},
                   .item = {},
                   .other = {},
                   .has_item = false,
                   .has_other = true,
                   .items = {},
                   .by_stream = {{5, {}}},
                   .by_name = {}};
  read(empty, write(everything).dump(1));
  DOCTEST_CHECK(write(empty) == write(everything));
  DOCTEST_CHECK(empty.seed == everything.seed);
  DOCTEST_CHECK(empty.text == everything.text);
  DOCTEST_CHECK(empty.random.uniform() == everything.random.uniform());
  DOCTEST_CHECK(std::signbit(empty.numbers[1]));
  DOCTEST_CHECK(empty.numbers == everything.numbers);
  DOCTEST_CHECK(empty.doubles == everything.doubles);
  DOCTEST_CHECK(empty.floats == everything.floats);
  DOCTEST_CHECK(std::signbit(empty.floats[2]));
  DOCTEST_CHECK(empty.singles == everything.singles);
  DOCTEST_CHECK(empty.none.empty());
  DOCTEST_CHECK(empty.by_stream == everything.by_stream);
  DOCTEST_CHECK(empty.by_name == everything.by_name);
  DOCTEST_CHECK_FALSE(empty.nothing);
  DOCTEST_CHECK_FALSE(empty.no_index);
  DOCTEST_CHECK_FALSE(empty.has_other);
}

DOCTEST_TEST_CASE("writing changes nothing, and is the same each time") {
  Everything everything;
  const auto once = write(everything);
  DOCTEST_CHECK(write(everything) == once);
}

DOCTEST_TEST_CASE("what cannot be read is said with file, line, key, what was found and expected") {
  Everything everything;
  const auto good = write(everything);
  const auto check = [&](const std::string& pointer, const nlohmann::ordered_json& value,
                         const std::string& message) {
    auto bad = good;
    bad[nlohmann::ordered_json::json_pointer(pointer)] = value;
    const std::string text = bad.dump(1);
    DOCTEST_CAPTURE(pointer);
    try {
      read(everything, text);
      DOCTEST_FAIL_CHECK("was read");
    } catch (const ConfigError& error) {
      const std::string said = error.what();
      DOCTEST_CAPTURE(said);
      DOCTEST_CHECK(said.starts_with("file.json:"));
      DOCTEST_CHECK(said.find(message) != std::string::npos);
      DOCTEST_CHECK(said.find('\n') == std::string::npos);
    }
  };
  check("/number", "x", "number: expected a number, found 'x'");
  check("/maybe", "x", "maybe: expected a number, found 'x'");
  check("/seed", -1, "seed: expected a whole number from 0 to");
  check("/place", 6, "place: expected a whole number from 0 to 5, found '6'");
  check("/index", 5, "index: expected a whole number from 0 to 4, found '5'");
  check("/index", nullptr, "index: expected a whole number from 0 to 4, found nothing");
  check("/maybe_index", 5, "maybe_index: expected a whole number from 0 to 4, found '5'");
  check("/no_index", 0, "no_index: expected null");
  check("/flag", 2, "flag: expected true or false, found '2'");
  check("/text", "", "text: expected text, found ''");
  check("/texts/1", {1}, "texts.1: expected text, found a list");
  check("/random", "1 2", "random: random generator: expected the 313 numbers");
  check("/numbers", {1, 2}, "numbers: expected 3 numbers, found 2");
  check("/numbers/1", nullptr, "numbers.1: expected a number, found nothing");
  check("/array", {1, 2, 3}, "array: expected 2 numbers, found 3");
  check("/flags", {0, 1}, "flags: expected 3 numbers, found 2");
  check("/flags/0", 2, "flags.0: expected a whole number from 0 to 1, found '2'");
  check("/doubles", "AAAAAAAA8D8=", "doubles: expected 2 numbers in base64, found 1");
  check("/doubles", "AAA*", "doubles: expected numbers in base64");
  check("/floats", "AAAA", "floats: expected numbers in base64");
  check("/floats", "AADAfw==", "floats: expected finite numbers in base64");
  check("/none", "AAAAAA==", "none: expected 0 numbers in base64, found 1");
  check("/item", 1, "item: expected a mapping, found '1'");
  check("/item/value", "x", "item.value: expected a number, found 'x'");
  check("/has_item/more", 1, "has_item.more: expected one of value, found the unknown key 'more'");
  check("/items/1/more", 1, "items.1.more: expected one of value, found the unknown key 'more'");
  check("/items", 1, "items: expected a list, found '1'");
  check("/by_stream/1/stream", 0, "by_stream.1.stream: expected each once, found it twice");
  check("/by_stream/1/stream", -1, "by_stream.1.stream: expected a whole number from 0");
  check("/by_name/0/name", nullptr, "by_name.0.name: expected text, found nothing");
  check("/more", 1, "more: expected one of array, by_name,");
  check("/kind", "nothing", "kind: expected 'everything' as in this run, found 'nothing'");
  check("/factor", 0.2, "factor: expected 0.1 as in this run, found '0.2'");
  check("/count", 4, "count: expected 3 as in this run, found '4'");
  check("/sizes/1", 17, "sizes: expected [4, 16, 2] as in this run, found [4, 17, 2]");
  check("/lines/1", "y: 3", "lines.1: expected 'y: 2' as in this run, found 'y: 3'");
  check("/lines", {"x: 1"}, "lines: expected 2 entries as in this run, found 1");
  auto less = good;
  less.erase("flag");
  DOCTEST_CHECK_THROWS_WITH_AS(read(everything, less.dump()),
                               "file.json:1:1: flag: expected this key, found nothing",
                               ConfigError);
}

/// Keeps what it is made of before anything is read.
struct Kept {
  double first = 1.0;
  std::vector<double> second = {1.0, 2.0};
  std::map<std::size_t, double> third = {{1, 1.0}};
  const double* place = &third.at(1);

  void archive(Archive& archive) {
    archive.keep(first, second);
    archive.replace(third, {});
    archive.number("first", first);
    archive.section("inner", [this](Archive& inner) { inner.numbers("second", second); });
    archive.map("third", third, "key", [](Archive& each, double& of) { each.number("value", of); });
  }
};

DOCTEST_TEST_CASE("what was kept is as it was when a reading fails, wherever it fails") {
  for (const std::string text :
       {"{first: 3, inner: {second: [4, x]}, third: []}", "{first: 3, inner: {second: [4]}}",
        "{first: 3, inner: {second: [4]}, third: [{key: 7, value: x}]}",
        "{first: 3, inner: {second: [4]}, third: [{key: 7, value: 2}], fourth: 4}"}) {
    DOCTEST_CAPTURE(text);
    Kept kept;
    const auto try_it = [&] {
      Archive archive(ConfigNode::parse(text, "file.json"));
      kept.archive(archive);
      archive.finish();
    };
    DOCTEST_CHECK_THROWS_AS(try_it(), ConfigError);
    DOCTEST_CHECK(kept.first == 1.0);
    DOCTEST_CHECK(kept.second == std::vector<double>{1.0, 2.0});
    DOCTEST_REQUIRE(kept.third.size() == 1);
    DOCTEST_CHECK(&kept.third.at(1) == kept.place);  // Moved, not copied.
  }
  Kept kept;
  {
    Archive archive(ConfigNode::parse(
        "{first: 3, inner: {second: [4]}, third: [{key: 7, value: 2}]}", "file.json"));
    kept.archive(archive);
    archive.finish();
  }
  DOCTEST_CHECK(kept.first == 3.0);
  DOCTEST_CHECK(kept.second == std::vector<double>{4.0});
  DOCTEST_CHECK(kept.third == std::map<std::size_t, double>{{7, 2.0}});
}

DOCTEST_TEST_CASE("a reading that nobody finished changes nothing") {
  Kept kept;
  {
    Archive archive(ConfigNode::parse("{first: 3, inner: {second: [4]}, third: []}", "file.json"));
    kept.archive(archive);
  }
  DOCTEST_CHECK(kept.first == 1.0);
}

}  // namespace
}  // namespace rein
