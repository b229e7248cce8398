#include "common/config_node.hpp"

#include <doctest/doctest.h>

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
                "run.yaml:3:8: count: expected a whole number of at least 4, found '3'");
  check_message([] { ConfigNode::parse("x: 0", "f").at("x").number(Range::positive()); },
                "f:1:4: x: expected a number above 0, found '0'");
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
                path + ": expected a file that can be read, found none");
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

}  // namespace
}  // namespace rein
