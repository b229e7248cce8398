#include "agent/core/profile.hpp"

#include <doctest/doctest.h>

#include <string>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/rival_task.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

using doctest::Approx;

DOCTEST_TEST_CASE("a profile has what each configuration takes, as worked out by hand") {
  SimulatedWorld world(SmallTask::make());
  Environment& environment = world.environment();
  std::size_t told = 0;
  const Profile profile = Profile::measure(
      environment, 1, 2, 20, [] { return false; }, [&](std::size_t done) { told = done; });
  DOCTEST_REQUIRE(profile.entries.size() == environment.action_space().size());
  DOCTEST_CHECK(told == profile.entries.size());
  const auto entry = [&](const std::string& width, const std::string& mapping) {
    return profile
        .entries[environment.action_space().encode(action_of(environment, width, mapping))];
  };
  DOCTEST_CHECK(*entry("0.5", "cpu0").service_ms == Approx(6.0));
  DOCTEST_CHECK(*entry("1.0", "cpu0").service_ms == Approx(11.0));
  DOCTEST_CHECK(*entry("1.0", "all2").service_ms == Approx(7.0));
  const ProfileEntry one = entry("1.0", "cpu0");
  DOCTEST_CHECK(one.requests == 40);  // 20 a second for two seconds.
  DOCTEST_CHECK(*one.service_sd_ms == Approx(0.0));
  DOCTEST_CHECK(*one.latency_p95_ms == Approx(11.0));
  DOCTEST_CHECK(one.top1 == Approx(0.8));
  DOCTEST_CHECK(*one.energy_mj == Approx(1e3 * *one.power_w / 20.0));
}

DOCTEST_TEST_CASE("profiles measured the whole board's power where the budget is on our own") {
  SimulatedTask task = SmallTask::make();
  for (auto& phase : task.scenario.phases) {
    phase.budgets.power->signal = PowerSignal::kOurs;
  }
  SimulatedWorld world(SmallTask::make());
  SimulatedWorld ours(task);
  const Profile of_whole = Profile::measure(world.environment(), 1, 2, 20);
  const Profile of_ours = Profile::measure(ours.environment(), 1, 2, 20);
  const auto& power_model = task.board.power_model;
  for (std::size_t i = 0; i < of_ours.entries.size(); ++i) {
    const ProfileEntry& entry = of_ours.entries[i];
    DOCTEST_CHECK(*entry.power_w < *of_whole.entries[i].power_w);
    DOCTEST_CHECK(*entry.power_w > 0.0);
    // The energy of a request is the whole board's in both.
    DOCTEST_CHECK(*entry.energy_mj == Approx(*of_whole.entries[i].energy_mj));
  }
  // One busy CPU for 11 ms of each 50.
  const ActionId one =
      ours.environment().action_space().encode(action_of(ours.environment(), "1.0", "cpu0"));
  DOCTEST_CHECK(*of_ours.entries[one].power_w == Approx(power_model.cpu_w * 0.22).epsilon(0.02));
}

DOCTEST_TEST_CASE("a profile that is stopped has what was measured so far") {
  SimulatedWorld world(SmallTask::make());
  std::size_t done = 0;
  const Profile profile = Profile::measure(
      world.environment(), 1, 1, 2, [&] { return done == 3; },
      [&](std::size_t count) { done = count; });
  DOCTEST_CHECK(profile.entries.size() == 3);
}

DOCTEST_TEST_CASE("an error while a profile was measured took all of it") {
  SimulatedWorld world(SmallTask::make());
  Profile profile;
  DOCTEST_CHECK_THROWS_AS(profile.measure_rest(
                              world.environment(), 1, 1, 2, [] { return false; },
                              [](std::size_t done) {
                                if (done == 3) {
                                  throw Error("no sensor");
                                }
                              }),
                          Error);
  DOCTEST_CHECK(profile.entries.size() == 3);
  profile.measure_rest(
      world.environment(), 1, 1, 2, [] { return false; }, [](std::size_t) {});
  DOCTEST_CHECK(profile.entries.size() == world.environment().action_space().size());
}

DOCTEST_TEST_CASE("an episode that ends while a profile is measured is begun again") {
  SimulatedWorld world(SmallTask::make("name: short\nphases: [{name: alone, duration_s: 0.3}]\n"));
  const Profile profile = Profile::measure(world.environment(), 1, 0, 10);
  for (const auto& entry : profile.entries) {
    DOCTEST_CHECK(entry.requests > 5);
  }
}

struct ProfileFile {
  void write(const std::string& text) const { write_file(path(), text); }
  std::filesystem::path path() const { return folder.path() / "profile.csv"; }
  /// What reading it says, without the folder.
  std::string error() const {
    try {
      Profile::read(path(), task.actions);
    } catch (const ConfigError& error) {
      std::string message = error.what();
      const std::string name = path().string();
      return message.starts_with(name) ? message.substr(name.size()) : message;
    }
    return "none";
  }
  TemporaryFolder folder;
  RivalTask task;
};

DOCTEST_TEST_CASE("a profile is read as it was written, gaps and all") {
  const ProfileFile file;
  Profile profile = RivalTask::profile();
  profile.entries[1].service_ms = 1.0 / 3.0;
  profile.entries[2].power_w.reset();
  profile.entries[2].energy_mj.reset();
  profile.write(file.path(), file.task.actions);
  const Profile read = Profile::read(file.path(), file.task.actions);
  DOCTEST_REQUIRE(read.entries.size() == 4);
  DOCTEST_CHECK(*read.entries[1].service_ms == 1.0 / 3.0);
  DOCTEST_CHECK_FALSE(read.entries[2].power_w.has_value());
  DOCTEST_CHECK(read.entries[3].requests == 100);
  DOCTEST_CHECK(*read.entries[3].energy_mj == 80.0);
  DOCTEST_CHECK(read.entries[3].top1 == 0.8);
  const std::string text = read_file(file.path());
  DOCTEST_CHECK(
      text.starts_with("action,width.app,frequency.cpu,requests,service_ms,service_sd_ms,"
                       "latency_p95_ms,power_w,energy_mj,top1\n"
                       "0,0.5,500MHz,100,12,0,12,2,40,0.6\n"));
}

DOCTEST_TEST_CASE("what is wrong in a profile is said with its line and column") {
  const ProfileFile file;
  RivalTask::profile().write(file.path(), file.task.actions);
  const std::string good = read_file(file.path());
  const auto error_with = [&](const std::string& was, const std::string& is) {
    std::string text = good;
    text.replace(text.find(was), was.size(), is);
    file.write(text);
    return file.error();
  };
  DOCTEST_CHECK(error_with(",12,0,12,2,", ",12,0,12,much,") ==
                ":2: column power_w: expected a number from 0 to 1e+12 or nothing, found 'much'");
  DOCTEST_CHECK(error_with("1,0.5,1000MHz", "1,0.5,900MHz") ==
                ":3: column frequency.cpu: expected '1000MHz' as in this run, found '900MHz'");
  DOCTEST_CHECK(error_with("2,1.0,500MHz,100", "2,1.0,500MHz,-1")
                    .starts_with(":4: column requests: expected a number from 0"));
  DOCTEST_CHECK(error_with("\n2,", "\n7,").starts_with(":4: column action: expected 2"));
  DOCTEST_CHECK(error_with("80,0.8", "80,1.8").starts_with(":5: column top1: expected"));
  DOCTEST_CHECK(error_with("width.app", "width.other").starts_with(":1: expected the columns"));
  file.write(good.substr(0, good.find("\n3,") + 1));
  DOCTEST_CHECK(file.error() == ":4: expected the 4 configurations of this run, found 3");
  file.write(good + "4,1.0,1000MHz,1,1,1,1,1,1,1\n");
  DOCTEST_CHECK(file.error().starts_with(":6: expected the 4 configurations"));
  std::filesystem::remove(file.path());
  DOCTEST_CHECK(file.error() != "none");
}

}  // namespace
}  // namespace rein
