// What a profile of the machine makes of the model, before anything is seen.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "agent/model_based/response_model.hpp"
#include "support/responsive_machine.hpp"

namespace rein {
namespace {

/// Of these actions, measured at 30 requests a second.
Profile profile_of(const ResponsiveMachine& machine, const std::vector<ActionId>& measured) {
  Profile profile;
  for (const ActionId action : measured) {
    ProfileEntry entry;
    entry.action = action;
    entry.requests = 60;
    entry.service_ms = machine.service_ms(action);
    entry.power_w = machine.power_w(action);
    entry.energy_mj = machine.power_w(action) / 30.0 * 1e3;
    profile.entries.push_back(entry);
  }
  return profile;
}

std::vector<ActionId> all_of(const ResponsiveMachine& machine) {
  std::vector<ActionId> all(machine.actions.size());
  std::iota(all.begin(), all.end(), ActionId{0});
  return all;
}

std::vector<Forecast> forecasts(ResponseModel& model) {
  std::vector<Forecast> result;
  model.forecast({.deadline_ms = 20.0, .rate_hz = 30.0}, 0.0, result);
  return result;
}

DOCTEST_TEST_CASE("what was measured is forecast, and no more sure than a machine like it can be") {
  const ResponsiveMachine machine;
  const Problem problem = machine.problem();
  ResponseModel model(
      problem, ResponseModel::Prior::of_profile(problem, profile_of(machine, all_of(machine))));
  const auto expected = forecasts(model);
  for (const ActionId action : all_of(machine)) {
    DOCTEST_CAPTURE(action);
    DOCTEST_CHECK(expected[action].service_ms() ==
                  doctest::Approx(machine.service_ms(action)).epsilon(0.01));
    DOCTEST_CHECK(expected[action].power(PowerSignal::kMachine).mean ==
                  doctest::Approx(machine.power_w(action)).epsilon(0.01));
    const double spread = std::sqrt(expected[action].log_service.variance);
    DOCTEST_CHECK(spread > 0.2);
    DOCTEST_CHECK(spread < 0.8);
  }
}

DOCTEST_TEST_CASE(
    "a configuration that a profile lacked could be anything, and was tried for that") {
  const ResponsiveMachine machine;
  const Problem problem = machine.problem();
  // All but one at a time.
  for (ActionId missing = 0; missing < machine.actions.size(); ++missing) {
    DOCTEST_CAPTURE(missing);
    std::vector<ActionId> measured = all_of(machine);
    std::erase(measured, missing);
    ResponseModel model(problem,
                        ResponseModel::Prior::of_profile(problem, profile_of(machine, measured)));
    const auto expected = forecasts(model);
    DOCTEST_CHECK(expected[missing].service_ms() ==
                  doctest::Approx(machine.service_ms(missing)).epsilon(0.1));
    DOCTEST_CHECK(expected[missing].power(PowerSignal::kMachine).mean ==
                  doctest::Approx(machine.power_w(missing)).epsilon(0.15));
    DOCTEST_CHECK(std::sqrt(expected[missing].log_service.variance) < 0.8);
  }
}

DOCTEST_TEST_CASE("a period without requests was taken for a change: what idle draws was guessed") {
  const ResponsiveMachine machine;
  const Problem problem = machine.problem();
  ResponseModel model(
      problem, ResponseModel::Prior::of_profile(problem, profile_of(machine, all_of(machine))));
  forecasts(model);
  const ActionId action = machine.id(1, 0, 2);
  // What it draws while nothing is served is 1.5 W, three quarters of what was measured.
  for (int i = 0; i < 12; ++i) {
    StepInfo info = machine.period(action);
    if (i % 2 == 1) {
      info.applications.front().service = {};
      info.signals.front() = 1.5;
    } else {
      info.applications.front().service.busy_ms = 36.0;
      info.signals.front() = 1.5 + 1.5 * 0.36;
    }
    model.observe(info, action);
  }
  DOCTEST_CHECK(model.changes() == 0);
  DOCTEST_CHECK(forecasts(model)[action].power(PowerSignal::kMachine).mean ==
                doctest::Approx(machine.power_w(action)).epsilon(0.03));
}

}  // namespace
}  // namespace rein
