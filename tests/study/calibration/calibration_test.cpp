// Boards whose parameters are known are measured as `rein profile` does, with all their noise; the
// board that does not know them is calibrated to what was measured.
#include "study/calibration/calibration.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "study/calibration/least_squares.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {
namespace {

RunConfig run_named(const std::string& name, const std::vector<std::string>& settings = {}) {
  return RunConfig::load(REIN_SOURCE_DIR "/configs/runs/" + name + ".yaml", {.settings = settings});
}

Profile measure(SimulatedTask task, const Budgets& budgets) {
  constexpr double kLongS = 1e9;
  task.scenario = Scenario::alone(budgets, kLongS);
  task.duration_s = kLongS;
  SimulatedWorld world(task);
  return Profile::measure(world.environment(), /*seed=*/7, /*settle=*/2, /*periods=*/10);
}

/// Calibrates the board of a run to one that is not quite the same.
Calibration calibrate_to(const RunConfig& config, const std::function<void(Board&)>& change) {
  const SimulatedTask nominal = task_of(config);
  SimulatedTask real = nominal;
  change(real.board);
  return calibrate(nominal, config.budgets, measure(real, config.budgets));
}

double ratio_of(const Calibration& calibration, const std::string& name) {
  const auto found = std::ranges::find(calibration.parameters, name, &Calibration::Parameter::name);
  DOCTEST_REQUIRE(found != calibration.parameters.end());
  return found->after / found->before;
}

/// Of one column, as a share.
double mean_change(const Profile& before, const Profile& after,
                   std::optional<double> ProfileEntry::*column) {
  double sum = 0.0;
  for (std::size_t i = 0; i < before.entries.size(); ++i) {
    sum += std::abs(*(after.entries[i].*column) / *(before.entries[i].*column) - 1.0);
  }
  return sum / static_cast<double>(before.entries.size());
}

DOCTEST_TEST_CASE("a board that is slower and draws more is found again from its profile") {
  const Calibration calibration = calibrate_to(run_named("jetson-xavier-nx"), [](Board& board) {
    for (auto& device : board.simulation->devices) {
      for (auto& kind : device.kinds) {
        kind.compute_ms *= 1.3;
      }
    }
    for (auto& rail : board.simulation->rails) {
      rail.base_w *= 1.5;
    }
  });
  DOCTEST_CAPTURE(calibration.describe());
  DOCTEST_CAPTURE(calibration.to_json());
  DOCTEST_CHECK(calibration.service_time.before > 0.1);
  DOCTEST_CHECK(calibration.service_time.after < 0.02);
  DOCTEST_REQUIRE(calibration.power);
  DOCTEST_CHECK(calibration.power->before > 0.1);
  DOCTEST_CHECK(calibration.power->after < 0.02);
  DOCTEST_CHECK(ratio_of(calibration, "gpu.cnn.compute_ms") == doctest::Approx(1.3).epsilon(0.05));
  // What the profile told may differ less than what it did not.
  const Randomisation usual;
  DOCTEST_CHECK(calibration.spread.speed == doctest::Approx(usual.speed / 3.0));
  DOCTEST_CHECK(calibration.spread.power == doctest::Approx(usual.power / 3.0));
  DOCTEST_CHECK(calibration.spread.contention == usual.contention);
  DOCTEST_CHECK(calibration.spread.heat == usual.heat);
}

DOCTEST_TEST_CASE("a board that is as its file says hardly changes") {
  for (const std::string run : {"raspberry-pi-4", "pc", "jetson-xavier-nx"}) {
    DOCTEST_CAPTURE(run);
    const RunConfig config = run_named(run);
    const Calibration calibration = calibrate_to(config, [](Board&) {});
    DOCTEST_CAPTURE(calibration.to_json());
    DOCTEST_CHECK(calibration.service_time.before < 0.02);
    DOCTEST_CHECK(calibration.service_time.after < 0.02);
    // Without noise, since other requests would be in its tail.
    SimulatedTask nominal = task_of(config);
    nominal.board.simulation->noise = {};
    const Profile before = measure(nominal, config.budgets);
    SimulatedTask calibrated = nominal;
    calibrated.board = calibration.board;
    calibrated.board.simulation->noise = {};
    const Profile after = measure(calibrated, config.budgets);
    DOCTEST_CHECK(mean_change(before, after, &ProfileEntry::service_ms) < 0.01);
    DOCTEST_CHECK(mean_change(before, after, &ProfileEntry::power_w) < 0.01);
  }
}

DOCTEST_TEST_CASE("where power is estimated, it is the model that is calibrated") {
  const RunConfig config = run_named("quickstart-simulated", {"budgets.power.signal=power_w"});
  const Calibration calibration =
      calibrate_to(config, [](Board& board) { board.power_model = {.idle_w = 4.0, .cpu_w = 2.0}; });
  DOCTEST_CHECK(calibration.board.power_model.idle_w == doctest::Approx(4.0).epsilon(0.02));
  DOCTEST_CHECK(calibration.board.power_model.cpu_w == doctest::Approx(2.0).epsilon(0.05));
  const auto& before = config.board.simulation->devices.front();
  const auto& after = calibration.board.simulation->devices.front();
  DOCTEST_CHECK(after.dynamic_w == before.dynamic_w);
  // Nothing was told about what the board draws.
  DOCTEST_CHECK(calibration.spread.power == Randomisation{}.power);
}

DOCTEST_TEST_CASE("a profile of our own power tells nothing about idling") {
  const RunConfig config = run_named("quickstart-simulated");
  DOCTEST_REQUIRE(config.budgets.power->signal == PowerSignal::kOurs);
  const Calibration calibration =
      calibrate_to(config, [](Board& board) { board.power_model = {.idle_w = 4.0, .cpu_w = 2.0}; });
  DOCTEST_CHECK(calibration.board.power_model.idle_w == config.board.power_model.idle_w);
  DOCTEST_CHECK(calibration.board.power_model.cpu_w == doctest::Approx(2.0).epsilon(0.05));
}

DOCTEST_TEST_CASE("a machine that differs from itself leaves the usual spread") {
  const RunConfig config = run_named("quickstart-simulated");
  Profile measured = measure(task_of(config), config.budgets);
  for (auto& entry : measured.entries) {
    *entry.service_ms *= entry.action % 2 == 0 ? 1.2 : 1.0 / 1.2;
    *entry.service_sd_ms = 0.2 * *entry.service_ms;
  }
  const Calibration calibration = calibrate(task_of(config), config.budgets, measured);
  DOCTEST_CHECK(calibration.service_time.after > 0.1);
  DOCTEST_CHECK(calibration.spread.speed == Randomisation{}.speed);
}

DOCTEST_TEST_CASE("configurations that served nothing, and a missing power, are left out") {
  const RunConfig config = run_named("quickstart-simulated");
  Profile measured = measure(task_of(config), config.budgets);
  for (auto& entry : measured.entries) {
    entry.power_w.reset();
  }
  measured.entries.front() = {.action = 0, .requests = 0, .top1 = 0.9156};
  DOCTEST_CHECK_FALSE(tells_service_time(measured.entries.front()));
  const Calibration calibration = calibrate(task_of(config), config.budgets, measured);
  DOCTEST_CHECK(calibration.configurations == 23);
  DOCTEST_CHECK_FALSE(calibration.power);
  DOCTEST_CHECK(calibration.board.power_model.idle_w == config.board.power_model.idle_w);
}

DOCTEST_TEST_CASE("a board whose sensors are silent is calibrated by its speed alone") {
  const RunConfig config = run_named("jetson-xavier-nx");
  SimulatedTask nominal = task_of(config);
  for (auto& sensor : nominal.board.simulation->sensors) {
    sensor.silent = true;
  }
  const Calibration calibration =
      calibrate(nominal, config.budgets, measure(task_of(config), config.budgets));
  DOCTEST_CHECK_FALSE(calibration.power);
  DOCTEST_CHECK(calibration.service_time.after < 0.02);
}

DOCTEST_TEST_CASE("devices of the same make stay alike") {
  RunConfig config = run_named("raspberry-pi-4");
  const Calibration whole = calibrate_to(config, [](Board& board) {
    board.simulation->devices.front().kinds.front().compute_ms *= 1.3;
  });
  const auto is_of_memory = [](const Calibration::Parameter& parameter) {
    return parameter.name.starts_with("memory");
  };
  DOCTEST_CHECK(std::ranges::none_of(whole.parameters, is_of_memory));
  // A second cluster, which no place uses.
  DomainSpec twin = config.board.domains.front();
  twin.name = "twin";
  config.board.domains.push_back(twin);
  SimulatedDevice device = config.board.simulation->devices.front();
  device.domain = "twin";
  config.board.simulation->devices.push_back(device);
  SimulatedTask nominal = task_of(config);
  const Calibration both = calibrate(nominal, config.budgets,
                                     measure(task_of(run_named("raspberry-pi-4")), config.budgets));
  const auto& devices = both.board.simulation->devices;
  DOCTEST_CHECK(is_same_make(devices.front(), devices.back()));
  DOCTEST_CHECK(both.parameters.size() == whole.parameters.size());
}

DOCTEST_TEST_CASE("the least squares of a bent valley are found, with bounds and without") {
  // Rosenbrock 1960; its least is at (1, 1).
  const Residuals valley = [](const std::vector<double>& at) {
    return std::vector<double>{10.0 * (at[1] - at[0] * at[0]), 1.0 - at[0]};
  };
  const auto free = least_squares({{-1.2, -5.0, 5.0}, {1.0, -5.0, 5.0}}, valley);
  DOCTEST_CHECK(free[0] == doctest::Approx(1.0).epsilon(0.01));
  DOCTEST_CHECK(free[1] == doctest::Approx(1.0).epsilon(0.02));
  const auto bound = least_squares({{-1.2, -5.0, 0.5}, {1.0, -5.0, 5.0}}, valley);
  DOCTEST_CHECK(bound[0] == 0.5);
  DOCTEST_CHECK(bound[1] == doctest::Approx(0.25).epsilon(0.02));
}

DOCTEST_TEST_CASE("an unknown that nothing depends on stays at its start") {
  const auto found =
      least_squares({{0.3, -1.0, 1.0}, {0.0, -10.0, 10.0}},
                    [](const std::vector<double>& at) { return std::vector<double>{at[1] - 2.0}; });
  DOCTEST_CHECK(found[0] == 0.3);
  DOCTEST_CHECK(found[1] == doctest::Approx(2.0));
}

}  // namespace
}  // namespace rein
