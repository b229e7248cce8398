#include "common/config_node.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <string>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

const std::string kText =
    "name: test\n"
    "rate_hz: 2.5\n"
    "count: 3\n"
    "flag: true\n"
    "inner:\n"
    "  list: [1, 2, x]\n"
    "  share: 1.5\n";

void check_message(const std::function<void()>& read, const std::string& message) {
  DOCTEST_CHECK_THROWS_WITH_AS(read(), message.c_str(), ConfigError);
}

ConfigNode node() { return ConfigNode::parse(kText, "run.yaml"); }

DOCTEST_TEST_CASE("values of every type are read") {
  const ConfigNode root = node();
  DOCTEST_CHECK(root.at("name").text() == "test");
  DOCTEST_CHECK(root.at("rate_hz").number() == 2.5);
  DOCTEST_CHECK(root.at("count").integer() == 3);
  DOCTEST_CHECK(root.at("flag").boolean());
  DOCTEST_CHECK(root.at("inner").at("list").items().size() == 3);
  DOCTEST_CHECK(root.number_or("absent", 7.0) == 7.0);
  DOCTEST_CHECK_NOTHROW(root.at("inner").at("share").number());
  root.reject_unknown();
}

DOCTEST_TEST_CASE("a value of the wrong type is named with file, line, column and dotted key") {
  const ConfigNode root = node();
  check_message([&] { root.at("name").number(); },
                "run.yaml:1:7: name: expected a number, found 'test'");
  check_message([&] { root.at("rate_hz").integer(); },
                "run.yaml:2:10: rate_hz: expected a whole number, found '2.5'");
  check_message([&] { root.at("count").boolean(); },
                "run.yaml:3:8: count: expected true or false, found '3'");
  check_message([&] { root.at("inner").at("list").numbers(); },
                "run.yaml:6:16: inner.list.2: expected a number, found 'x'");
  check_message([&] { root.at("inner").text(); },
                "run.yaml:6:3: inner: expected text, found a mapping");
  check_message([&] { root.at("name").items(); },
                "run.yaml:1:7: name: expected a list, found 'test'");
  check_message([&] { root.at("name").at("below"); },
                "run.yaml:1:7: name: expected a mapping, found 'test'");
}

DOCTEST_TEST_CASE("a value out of range is refused with the range") {
  const ConfigNode root = node();
  check_message([&] { root.at("inner").at("share").number(Range::share()); },
                "run.yaml:7:10: inner.share: expected a number from 0 to 1, found '1.5'");
  check_message([&] { root.at("count").integer({.min = 4}); },
                "run.yaml:3:8: count: expected a whole number from 4 to 1e+15, found '3'");
  check_message([] { ConfigNode::parse("x: 0", "f").at("x").number(Range::positive()); },
                "f:1:4: x: expected a number from 1e-12 to 1e+12, found '0'");
}

DOCTEST_TEST_CASE("neither NaN nor infinity is a number") {
  for (const std::string text : {".nan", ".inf", "-.inf", "1e999", "0x"}) {
    DOCTEST_CAPTURE(text);
    DOCTEST_CHECK_THROWS_AS(ConfigNode::parse("x: " + text, "f").at("x").number(), ConfigError);
  }
}

DOCTEST_TEST_CASE("a missing key is named where its mapping begins") {
  const ConfigNode root = node();
  check_message([&] { root.at("seed"); }, "run.yaml:1:1: seed: expected this key, found nothing");
  check_message([&] { root.at("inner").at("more"); },
                "run.yaml:6:3: inner.more: expected this key, found nothing");
}

DOCTEST_TEST_CASE("a key that nobody asked for is an error that lists those that are known") {
  const ConfigNode root = ConfigNode::parse("rate: 1\nrate_hz: 2\n", "f");
  root.at("rate_hz").number();
  root.has("count");
  check_message([&] { root.reject_unknown(); },
                "f:1:1: rate: expected one of count, rate_hz, found the unknown key 'rate'");
}

DOCTEST_TEST_CASE("a key that is given twice is an error") {
  const ConfigNode root = ConfigNode::parse("a: 1\na: 2\n", "f");
  root.at("a").number();
  check_message([&] { root.reject_unknown(); }, "f:2:1: a: expected each key once, found it twice");
}

DOCTEST_TEST_CASE("text that is not YAML is an error with its place") {
  DOCTEST_CHECK_THROWS_AS(ConfigNode::parse("a: [1, 2", "f"), ConfigError);
  try {
    ConfigNode::parse("a: 1\nb: [1, 2\n", "f");
  } catch (const ConfigError& error) {
    DOCTEST_CHECK(std::string(error.what()).starts_with("f:"));
  }
}

DOCTEST_TEST_CASE("an empty file and a file that is no mapping are reported as such") {
  check_message([] { ConfigNode::parse("", "f").at("a"); },
                "f: a: expected this key, found nothing");
  check_message([] { ConfigNode::parse("- 1", "f").at("a"); },
                "f:1:1: expected a mapping, found a list");
}

DOCTEST_TEST_CASE("looking a key up does not change the document") {
  // yaml-cpp turns a sequence into a map when a key is looked up in a node that is not const.
  const ConfigNode root = ConfigNode::parse("a: [1, 2]\n", "f");
  const std::string before = root.dump();
  DOCTEST_CHECK_THROWS_AS(root.at("a").at("key"), ConfigError);
  DOCTEST_CHECK_FALSE(root.has("b"));
  DOCTEST_CHECK(root.dump() == before);
}

DOCTEST_TEST_CASE("a missing file and a folder are refused") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "none.yaml").string();
  check_message([&] { ConfigNode::load(path); },
                path + ": cannot be read: No such file or directory");
  check_message([&] { ConfigNode::load(folder.path()); },
                folder.path().string() + ": expected a file, found a folder");
}

DOCTEST_TEST_CASE("paths are relative to the file that they are written in") {
  DOCTEST_CHECK(ConfigNode::parse("a: 1", "configs/runs/x.yaml").resolve("../boards/b.yaml") ==
                "configs/boards/b.yaml");
  DOCTEST_CHECK(ConfigNode::parse("a: 1", "x.yaml").resolve("/abs/b") == "/abs/b");
}

DOCTEST_TEST_CASE("what is set from outside replaces, adds, and is named in messages") {
  ConfigNode root = node();
  root.set("inner.share", "0.5", "--set inner.share=0.5");
  root.set("inner.list.1", "9", "--set inner.list.1=9");
  root.set("new.deep", "[1]", "--set new.deep=[1]");
  DOCTEST_CHECK(root.at("inner").at("share").number() == 0.5);
  DOCTEST_CHECK(root.at("inner").at("list").items()[1].integer() == 9);
  DOCTEST_CHECK(root.at("new").at("deep").items().size() == 1);
  root.set("count", "many", "--set count=many");
  check_message([&] { root.at("count").integer(); },
                "--set count=many: count: expected a whole number, found 'many'");
  DOCTEST_CHECK_THROWS_AS(root.set("name.below", "1", "--set"), UsageError);
  DOCTEST_CHECK_THROWS_AS(root.set("inner.list.7", "1", "--set"), UsageError);
  DOCTEST_CHECK_THROWS_AS(root.set("", "1", "--set"), UsageError);
}

DOCTEST_TEST_CASE("a key set from outside that nobody asks for is an error that names its origin") {
  ConfigNode root = ConfigNode::parse("a: 1", "f");
  root.set("typo", "1", "--set typo=1");
  root.at("a").number();
  check_message([&] { root.reject_unknown(); },
                "--set typo=1: typo: expected one of a, found the unknown key 'typo'");
}

DOCTEST_TEST_CASE("a key that is a list or nothing was a bad conversion without a place") {
  check_message([] { ConfigNode::parse("a: 1\n? [1, 2]\n: 3\n", "f").entries(); },
                "f:2:3: expected names as keys, found a list");
  check_message([] { ConfigNode::parse("x: {~: 1}", "f").at("x").reject_unknown(); },
                "f:1:5: x: expected names as keys, found nothing");
}

DOCTEST_TEST_CASE("a mapping that is read as entries took the same key twice") {
  check_message([] { ConfigNode::parse("{a: 1, a: 2}", "f").entries(); },
                "f:1:5: a: expected each key once, found it twice");
}

DOCTEST_TEST_CASE("a value of several lines, or of thousands of letters, was told in full") {
  check_message([] { ConfigNode::parse("x: \"two\\nlines\"", "f").at("x").number(); },
                "f:1:4: x: expected a number, found 'two\\nlines'");
  check_message([] { ConfigNode::parse("x: " + std::string(5000, 'y'), "f").at("x").number(); },
                "f:1:4: x: expected a number, found '" + std::string(80, 'y') + "...'");
}

DOCTEST_TEST_CASE("a name is one line of at most 100 bytes, since files are called by it") {
  const ConfigNode root = ConfigNode::parse(
      "long: " + std::string(101, 'n') + "\nlines: \"a\\nb\"\ngood: " + std::string(100, 'n') +
          "\nzero: \"a\\0b\"",
      "f");
  DOCTEST_CHECK_THROWS_AS(root.at("long").name(), ConfigError);
  DOCTEST_CHECK_THROWS_AS(root.at("lines").name(), ConfigError);
  DOCTEST_CHECK(root.at("good").name().size() == 100);
  DOCTEST_CHECK_THROWS_AS(root.at("zero").text(), ConfigError);
}

DOCTEST_TEST_CASE("no number is so large that its square overflows, and the unit is told") {
  const ConfigNode root = ConfigNode::parse("{a: 1e300, b: 1e13, c: 5e-324}", "f");
  check_message([&] { root.at("a").number(); },
                "f:1:5: a: expected a number from -1e+15 to 1e+15, found '1e300'");
  check_message([&] { root.at("b").number(Range::milliseconds()); },
                "f:1:15: b: expected a number from 1e-06 to 3600000 ms, found '1e13'");
  check_message([&] { root.at("c").number(Range::hertz()); },
                "f:1:24: c: expected a number from 1e-06 to 100000 Hz, found '5e-324'");
}

DOCTEST_TEST_CASE("aliases that stand for a billion values are refused before they are walked") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    text += fmt::format("a{0}: &a{0} [", i);
    for (int j = 0; j < 10; ++j) {
      text += fmt::format("{}*a{}", j > 0 ? ", " : "", i - 1);
    }
    text += "]\n";
  }
  try {
    ConfigNode::parse(text, "f");
    DOCTEST_FAIL("was taken");
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    DOCTEST_CHECK(message.find("aliases counted as what they stand for, found more") !=
                  message.npos);
  }
  check_message([] { ConfigNode::parse("a: &a [1, *a]", "f"); },
                "f:1:11: expected an alias of what is complete, found one of what holds it");
  DOCTEST_CHECK(ConfigNode::parse("{a: &a [1], b: *a}", "f").at("b").items().size() == 1);
}

DOCTEST_TEST_CASE("100,000 levels are refused, not recursed into") {
  for (const char* const open : {"[", "{a: ", "- ", "{\"a\":"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) {
      text += open;
    }
    DOCTEST_CHECK_THROWS_AS(ConfigNode::parse(text, "f"), ConfigError);
  }
  ConfigNode root = ConfigNode::parse("a: 1", "f");
  std::string key = "b";
  for (int i = 0; i < 100'000; ++i) {
    key += ".b";
  }
  DOCTEST_CHECK_THROWS_AS(root.set(key, "1", "--set"), UsageError);
}

DOCTEST_TEST_CASE("a file of a megabyte was read, and took a gigabyte") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "large.yaml";
  write_file(file, "[" + std::string(kMostWritten, ',') + "]");
  check_message([&] { ConfigNode::load(file); },
                file.string() + ": expected at most 1048576 bytes, found 1048578");
  write_file(file, "[" + std::string(kMostWritten / 2, '1') + "]");
  DOCTEST_CHECK(ConfigNode::load(file).is_sequence());
  check_message([] { ConfigNode::parse("[" + std::string(150'000, ',') + "]", "f"); },
                "f:1:100001: expected at most 100000 values, aliases counted as what they stand "
                "for, found more");
}

}  // namespace
}  // namespace rein
