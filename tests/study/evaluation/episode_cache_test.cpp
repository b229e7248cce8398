#include "study/evaluation/episode_cache.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "common/files.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

EpisodeTask task(const std::string& key) { return {.cache_key = key}; }

EpisodeOutcome outcome() {
  EpisodeOutcome outcome{.completed = true};
  outcome.figures = {{"reward", 0.1}, {"objective", std::nullopt}};
  outcome.configuration = "width 1";
  outcome.rewards.thousandths = {100, -200};
  outcome.rewards.changes = {1};
  return outcome;
}

DOCTEST_TEST_CASE("an episode that was kept comes to the same in another evaluation") {
  const TemporaryFolder folder;
  DOCTEST_CHECK(EpisodeCache(folder.path() / "new").add(task("abc"), outcome()).empty());
  const auto again = EpisodeCache(folder.path() / "new").take(task("abc"));
  DOCTEST_REQUIRE(again.has_value());
  DOCTEST_CHECK(again->completed);
  DOCTEST_CHECK(again->figures == outcome().figures);
  DOCTEST_CHECK(again->configuration == "width 1");
  DOCTEST_CHECK(again->rewards.thousandths == outcome().rewards.thousandths);
  DOCTEST_CHECK(again->rewards.changes == outcome().rewards.changes);
  DOCTEST_CHECK_FALSE(EpisodeCache(folder.path() / "new").take(task("abd")).has_value());
}

DOCTEST_TEST_CASE("an episode that is to leave a trace is played though it is kept") {
  const TemporaryFolder folder;
  EpisodeCache cache(folder.path());
  cache.add(task("abc"), outcome());
  EpisodeTask traced = task("abc");
  traced.folder = folder.path() / "trace";
  DOCTEST_CHECK_FALSE(cache.take(traced).has_value());
}

DOCTEST_TEST_CASE("what was damaged in the cache is played again and written anew") {
  const TemporaryFolder folder;
  EpisodeCache cache(folder.path());
  const auto file = folder.path() / "ab/abc.json";
  for (const char* const text : {"", "{", "[]", "{\"figures\": 1}"}) {
    write_file(file, text);
    DOCTEST_CHECK_FALSE(cache.take(task("abc")).has_value());
  }
  DOCTEST_CHECK(cache.add(task("abc"), outcome()).empty());
  DOCTEST_CHECK(cache.take(task("abc")).has_value());
}

DOCTEST_TEST_CASE("a cache that cannot be written says so once and does no harm") {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "");
  EpisodeCache cache(folder.path() / "file");
  const std::string problem = cache.add(task("abc"), outcome());
  DOCTEST_CHECK(problem.find((folder.path() / "file").string()) != std::string::npos);
  DOCTEST_CHECK(cache.add(task("abc"), outcome()).empty());
  DOCTEST_CHECK_FALSE(cache.take(task("abc")).has_value());
}

DOCTEST_TEST_CASE("nothing is kept without a folder or of an episode that depends on more") {
  const TemporaryFolder folder;
  EpisodeCache none{std::filesystem::path()};
  DOCTEST_CHECK(none.add(task("abc"), outcome()).empty());
  DOCTEST_CHECK_FALSE(none.take(task("abc")).has_value());
  EpisodeCache cache(folder.path());
  DOCTEST_CHECK(cache.add(task(""), outcome()).empty());
  DOCTEST_CHECK(std::filesystem::is_empty(folder.path()));
}

DOCTEST_TEST_CASE("two who write the same episode leave it whole, and no draft") {
  const TemporaryFolder folder;
  EpisodeCache one(folder.path());
  EpisodeCache other(folder.path());
  one.add(task("abc"), outcome());
  other.add(task("abc"), outcome());
  DOCTEST_CHECK(one.take(task("abc")).has_value());
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(folder.path() / "ab")) {
    ++files;
  }
  DOCTEST_CHECK(files == 1);
}

}  // namespace
}  // namespace rein
