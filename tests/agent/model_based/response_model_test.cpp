// The response model, beginning with what is known of knobs alone, on a machine made by hand.
#include "agent/model_based/response_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/archived.hpp"
#include "support/responsive_machine.hpp"

namespace rein {
namespace {

struct Bench {
  std::vector<Forecast> forecasts() {
    std::vector<Forecast> result;
    model.forecast(now, 0.0, result);
    return result;
  }
  Forecast forecast(ActionId action) { return forecasts()[action]; }
  Hope hope(ActionId action) { return model.hope(action, forecast(action), 1.0); }
  void live(ActionId action, int periods = 1) {
    for (int i = 0; i < periods; ++i) {
      model.observe(machine.period(action), action);
    }
  }
  /// How far off the forecast of the action is, as a share of what it is.
  double error(ActionId action) {
    return std::abs(forecast(action).service_ms() / machine.service_ms(action) - 1.0);
  }
  /// Others come, who take a share of the CPU, or go.
  void disturb(double slowdown, double others) {
    machine.slowdown = slowdown;
    machine.others = others;
  }

  ResponsiveMachine machine;
  Problem problem = machine.problem();
  ResponseModel model{problem, ResponseModel::Prior::of_knobs(problem)};
  Situation now{.deadline_ms = 20.0, .rate_hz = 30.0};
};

DOCTEST_TEST_CASE("others' shares of CPUs are the hints") {
  const ResponsiveMachine machine;
  DOCTEST_CHECK(find_cpu_shares(machine.signals).front().others == 1);
}

DOCTEST_TEST_CASE("what was measured of an action is forecast of it") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  const double unsure = bench.forecast(action).log_service.variance;
  bench.live(action, 20);
  const Forecast forecast = bench.forecast(action);
  DOCTEST_CHECK(bench.error(action) < 0.01);
  DOCTEST_CHECK(forecast.power(PowerSignal::kMachine).mean ==
                doctest::Approx(bench.machine.power_w(action)).epsilon(0.02));
  DOCTEST_CHECK(forecast.log_service.variance < 0.001 * unsure);
  DOCTEST_CHECK(forecast.miss < 0.05);
  DOCTEST_CHECK(bench.model.changes() == 0);
  DOCTEST_CHECK(bench.model.stayed() == 20);
  // 12 ms with 33 ms between requests: a deadline decides.
  bench.now.deadline_ms = 8.0;
  DOCTEST_CHECK(bench.forecast(action).miss > 0.95);
}

DOCTEST_TEST_CASE("slower clocks and wider networks are forecast to take longer") {
  Bench bench;
  const auto check = [&] {
    for (const std::size_t place : {0, 1}) {
      for (const std::size_t clock : {0, 1, 2}) {
        DOCTEST_CHECK(bench.forecast(bench.machine.id(1, place, clock)).service_ms() >
                      bench.forecast(bench.machine.id(0, place, clock)).service_ms());
      }
      for (const std::size_t clock : {0, 1}) {
        DOCTEST_CHECK(bench.forecast(bench.machine.id(1, place, clock)).service_ms() >
                      bench.forecast(bench.machine.id(1, place, clock + 1)).service_ms());
      }
    }
  };
  check();
  bench.live(bench.machine.id(1, 0, 2), 10);
  check();
}

DOCTEST_TEST_CASE("one action tells of others, and a second width of more") {
  Bench bench;
  const ActionId other = bench.machine.id(1, 0, 1);
  const double before = bench.forecast(other).log_service.variance;
  bench.live(bench.machine.id(1, 0, 2), 10);
  const double after_one = bench.forecast(other).log_service.variance;
  DOCTEST_CHECK(after_one < 0.12 * before);
  bench.live(bench.machine.id(1, 0, 0), 10);
  DOCTEST_CHECK(bench.forecast(other).log_service.variance < after_one);
  DOCTEST_CHECK(bench.error(other) < 0.1);  // In between.
}

DOCTEST_TEST_CASE("a change of conditions is recognised, and so is the return to earlier ones") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  bench.live(action, 30);
  bench.disturb(1.6, 0.7);
  bench.live(action);
  DOCTEST_CHECK(bench.model.changes() == 1);
  DOCTEST_CHECK(bench.model.has_changed());
  DOCTEST_CHECK(bench.model.stayed() == 0);
  bench.live(action);
  DOCTEST_CHECK_FALSE(bench.model.has_changed());
  DOCTEST_CHECK(bench.error(action) < 0.05);
  bench.live(action, 15);
  bench.disturb(1.0, 0.1);
  bench.live(action);
  DOCTEST_CHECK(bench.model.changes() == 2);
  DOCTEST_CHECK(bench.error(action) < 0.05);
  bench.live(action, 10);
  DOCTEST_CHECK(bench.model.changes() == 2);
  DOCTEST_CHECK(archived(bench.model).at("known").size() == 2);
  // It is told at once what was learned the first time, also of what is not in force.
  bench.disturb(1.6, 0.7);
  bench.live(action);
  DOCTEST_CHECK(bench.model.changes() == 3);
  DOCTEST_CHECK(bench.error(action) < 0.03);
}

DOCTEST_TEST_CASE("a period that is out of proportion by itself is no change") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  // Two widths tell what serving adds to the power, so that it is known not to have changed.
  bench.live(bench.machine.id(0, 0, 2), 10);
  bench.live(action, 30);
  bench.machine.slowdown = 1.5;  // Slower, while others do what they did.
  bench.live(action);
  bench.machine.slowdown = 1.0;
  DOCTEST_CHECK(bench.model.changes() == 0);
  DOCTEST_CHECK(bench.error(action) < 0.03);
  bench.live(action, 3);
  DOCTEST_CHECK(bench.model.changes() == 0);
  DOCTEST_CHECK(bench.error(action) < 0.02);
}

DOCTEST_TEST_CASE("a knob that is held below what was asked for is a ceiling for some periods") {
  Bench bench;
  const ActionId asked = bench.machine.id(1, 0, 2);
  const ActionId held = bench.machine.id(1, 0, 1);
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == asked);
  bench.model.observe(bench.machine.period(held), asked);
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == held);
  DOCTEST_CHECK(bench.model.granted(bench.machine.id(0, 1, 2)).nearest() ==
                bench.machine.id(0, 1, 1));
  DOCTEST_CHECK(bench.model.granted(bench.machine.id(0, 1, 0)).nearest() ==
                bench.machine.id(0, 1, 0));
  DOCTEST_CHECK(bench.forecast(asked).service_ms() == bench.forecast(held).service_ms());
  // As long as nobody asks for more it is believed in for 20 periods.
  bench.live(held, 19);
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == held);
  bench.live(held);
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == asked);
}

DOCTEST_TEST_CASE("a ceiling is gone once more is granted, and what is refused is none") {
  Bench bench;
  const ActionId asked = bench.machine.id(1, 0, 2);
  bench.model.observe(bench.machine.period(bench.machine.id(1, 0, 1)), asked);
  bench.live(asked);
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == asked);
  StepInfo refused = bench.machine.period(bench.machine.id(1, 0, 1));
  refused.granted[2].refused = true;
  bench.model.observe(refused, asked);
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == asked);
  bench.model.observe(bench.machine.period(bench.machine.id(1, 0, 1)), asked);
  bench.model.begin_episode();
  DOCTEST_CHECK(bench.model.granted(asked).nearest() == asked);
}

DOCTEST_TEST_CASE("bursts that nobody can follow make it restless until they end") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  bench.live(action, 20);
  DOCTEST_CHECK_FALSE(bench.model.is_restless());
  const double calm = bench.forecast(action).log_service.variance;
  bool was_restless = false;
  for (int i = 0; i < 40; ++i) {
    bench.disturb(i % 2 == 0 ? 1.0 + 0.1 * static_cast<double>(i % 7) + 0.4 : 1.0,
                  i % 2 == 0 ? 0.9 : 0.1);
    bench.live(action);
    was_restless |= bench.model.is_restless();
  }
  DOCTEST_CHECK(was_restless);
  DOCTEST_CHECK(bench.model.is_restless());
  DOCTEST_CHECK(bench.forecast(action).log_service.variance > calm);
  bench.disturb(1.0, 0.1);
  bench.live(action, 40);
  DOCTEST_CHECK_FALSE(bench.model.is_restless());
  DOCTEST_CHECK(bench.error(action) < 0.05);
}

DOCTEST_TEST_CASE(
    "a neighbour that comes back every few periods is reckoned with while it is away") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);  // 12 ms, until 20
  bench.live(action, 20);
  DOCTEST_CHECK(bench.forecast(action).miss < 0.01);
  for (int i = 0; i < 12; ++i) {
    bench.disturb(2.0, 0.9);
    bench.live(action, 4);
    bench.disturb(1.0, 0.1);
    bench.live(action, 8);
  }
  // It works for 4 periods of 12: one of the 8 in which it pauses is the last before it comes.
  DOCTEST_CHECK(bench.error(action) < 0.05);
  DOCTEST_CHECK(bench.forecast(action).miss == doctest::Approx(1.0 / 8.0).epsilon(0.3));
  // Where it never came back it is forgotten.
  bench.live(action, 300);
  DOCTEST_CHECK(bench.forecast(action).miss < 0.05);
}

DOCTEST_TEST_CASE("nothing is hoped for of what is known as well as it can be") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  const auto power_w = [&] { return bench.forecast(action).power(PowerSignal::kMachine).mean; };
  const auto hoped_w = [&] { return bench.hope(action).power(PowerSignal::kMachine).mean; };
  DOCTEST_CHECK(bench.hope(action).miss < bench.forecast(action).miss);
  DOCTEST_CHECK(hoped_w() < 0.8 * power_w());
  bench.live(action, 200);
  DOCTEST_CHECK(bench.hope(action).miss ==
                doctest::Approx(bench.forecast(action).miss).epsilon(0.05));
  DOCTEST_CHECK(hoped_w() == doctest::Approx(power_w()).epsilon(0.005));
}

DOCTEST_TEST_CASE("who knows nothing takes what is asked for possible") {
  Bench one;
  Bench other;
  other.now.deadline_ms = 2000.0;
  other.now.rate_hz = 0.3;
  const auto middle_ms = [](Bench& bench) {
    std::vector<double> services_ms;
    for (const Forecast& forecast : bench.forecasts()) {
      services_ms.push_back(forecast.service_ms());
    }
    std::ranges::nth_element(services_ms, services_ms.begin() + services_ms.size() / 2);
    return services_ms[services_ms.size() / 2];
  };
  DOCTEST_CHECK(middle_ms(one) == doctest::Approx(10.0).epsilon(0.3));
  DOCTEST_CHECK(middle_ms(other) == doctest::Approx(1000.0).epsilon(0.4));
  // It is one guess, not a new one in each period.
  const double once = one.forecast(0).log_service.variance;
  DOCTEST_CHECK(one.forecast(0).log_service.variance == once);
}

DOCTEST_TEST_CASE(
    "a change of unknown length was taken for the action's own time, and for a change") {
  Bench bench;
  const ActionId one = bench.machine.id(1, 1, 2);     // 6 ms
  const ActionId slower = bench.machine.id(1, 1, 1);  // 10.4 ms
  bench.live(one, 20);
  const double before_ms = bench.forecast(slower).service_ms();
  StepInfo first = bench.machine.period(slower);
  ServiceReport& service = first.applications.front().service;
  service.services_ms = {bench.machine.service_ms(slower) + 90.0};
  service.busy_ms = service.services_ms.front();
  service.arrived = service.served = 1;
  bench.model.observe(first, slower);
  DOCTEST_CHECK(bench.forecast(slower).service_ms() < 1.5 * before_ms);
  DOCTEST_CHECK(bench.model.changes() == 0);
  bench.live(slower, 3);
  DOCTEST_CHECK(bench.error(slower) < 0.02);
  // The clocks' change is known from now on.
  DOCTEST_CHECK(bench.forecast(one).change_ms == doctest::Approx(90.0).epsilon(0.05));
  DOCTEST_CHECK(bench.forecast(slower).change_ms == 0.0);
}

DOCTEST_TEST_CASE(
    "a sensor of power that is slower than a period was taken for the last period's") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  // Every third period there is a reading: of all three, of which one had requests.
  const double busy = 3.0 * bench.machine.service_ms(action) / 100.0;
  const auto live = [&](int times, int with_requests) {
    for (int i = 0; i < 3 * times; ++i) {
      StepInfo info = bench.machine.period(action);
      info.signals.front() = 1.5 + 1.5 * busy / 3.0;
      if (i % 3 != with_requests) {
        info.applications.front().service = {};
      }
      if (i % 3 != 2) {
        info.stale = {0};
      }
      bench.model.observe(info, action);
    }
  };
  bench.now.rate_hz = 10.0;
  for (const int with_requests : {0, 2, 1}) {
    DOCTEST_CAPTURE(with_requests);
    live(20, with_requests);
    DOCTEST_CHECK(bench.model.changes() == 0);
    DOCTEST_CHECK(bench.forecast(action).power(PowerSignal::kMachine).mean ==
                  doctest::Approx(1.5 + 1.5 * busy / 3.0).epsilon(0.03));
  }
}

DOCTEST_TEST_CASE("what was known of another machine is widened where it does not fit") {
  Bench bench;
  const auto take_turns = [&](int times, bool others_come) {
    for (int i = 0; i < times; ++i) {
      const auto action = static_cast<ActionId>(i * 7) % bench.machine.actions.size();
      bench.live(action, 5);
      if (others_come && i % 5 == 0) {
        bench.disturb(i % 10 == 0 ? 1.6 : 1.0, i % 10 == 0 ? 0.6 : 0.1);
      }
      bench.live(action, 5);
    }
  };
  take_turns(60, false);
  DOCTEST_CHECK(bench.model.widened() == 0);
  // Other programs do not contradict it.
  take_turns(40, true);
  bench.disturb(1.0, 0.1);
  DOCTEST_CHECK(bench.model.widened() == 0);
  const double sure = bench.forecast(0).log_service.variance;
  bench.model.begin_episode();
  bench.machine.is_another = true;
  take_turns(20, false);
  DOCTEST_CHECK(bench.model.widened() > 0);
  DOCTEST_CHECK(bench.forecast(0).log_service.variance > sure);
}

DOCTEST_TEST_CASE("requests that wait make those of slow actions late") {
  Bench bench;
  const ActionId slow = bench.machine.id(1, 0, 2);  // 12 ms of 33 between requests
  const ActionId fast = bench.machine.id(0, 1, 2);  // 3 ms
  bench.live(slow, 20);
  bench.live(fast, 20);
  StepInfo waiting = bench.machine.period(fast);
  waiting.applications.front().service.queued = 1;
  waiting.applications.front().service.waited_ms = 14.0;
  bench.model.observe(waiting, fast);
  DOCTEST_CHECK(bench.model.is_behind());
  const auto excess = [&](ActionId action) {
    const Forecast settled = bench.forecast(fast);
    const Forecast forecast = bench.forecast(action);
    bench.model.look_ahead(bench.now, settled);
    return bench.model.excess(forecast);
  };
  // The one that waits ends 26 ms after it came; 17 ms after with the fast one.
  DOCTEST_CHECK(excess(slow) == doctest::Approx(1.0).epsilon(0.1));
  DOCTEST_CHECK(excess(fast) < 0.1);
  bench.live(fast);
  DOCTEST_CHECK_FALSE(bench.model.is_behind());
  DOCTEST_CHECK(excess(slow) < 0.1);
}

DOCTEST_TEST_CASE("what the first request after a change takes longer is learned") {
  Bench bench;
  const ActionId one = bench.machine.id(0, 1, 2);
  const ActionId other = bench.machine.id(1, 1, 2);  // 6 ms, until 20
  bench.live(one, 10);
  bench.live(other, 10);
  for (int i = 0; i < 4; ++i) {
    for (const ActionId action : {one, other}) {
      StepInfo changed = bench.machine.period(action);
      ServiceReport& service = changed.applications.front().service;
      service.services_ms.front() += 30.0;
      service.busy_ms += 30.0;
      bench.model.observe(changed, action);
      bench.live(action, 4);
    }
  }
  DOCTEST_CHECK(bench.error(one) < 0.02);
  DOCTEST_CHECK(bench.error(other) < 0.02);
  // One request.
  bench.live(one);
  DOCTEST_CHECK(bench.forecast(one).change_miss == 0.0);
  DOCTEST_CHECK(bench.forecast(other).change_miss == doctest::Approx(1.0).epsilon(0.2));
}

DOCTEST_TEST_CASE("a bandwidth that is used up says nothing of the service time") {
  const ResponsiveMachine machine;
  const ActionSpace actions{
      {machine.actions.knobs()[0],
       {"mapping.app", "threads", Knob::Kind::kMapping, {{"cpu0", 1}, {"all2", 2}}},
       {"bandwidth.cpu", "CPUs", Knob::Kind::kBandwidth, {{"0.5cpu", 0.5}, {"2cpu", 2}}}}};
  const Problem whole = machine.problem();
  const Problem problem{actions, whole.observations, std::vector<double>(actions.size(), 1.0),
                        whole.signals, whole.task};
  ResponseModel model(problem, ResponseModel::Prior::of_knobs(problem));
  const auto id = [&](std::size_t place, std::size_t bandwidth) {
    return actions.encode({1, place, bandwidth});
  };
  const auto period = [&](ActionId action, double service_ms) {
    StepInfo info = machine.period(0);
    info.granted.clear();
    for (const std::size_t level : actions.decode(action)) {
      info.granted.push_back({.label = {}, .level = level, .value = std::nullopt});
    }
    ServiceReport& service = info.applications.front().service;
    service.services_ms.assign(3, service_ms);
    service.busy_ms = 3.0 * service_ms;
    return info;
  };
  for (int i = 0; i < 20; ++i) {
    model.observe(period(id(1, 1), 15.0), id(1, 1));
  }
  std::vector<Forecast> forecasts;
  const Situation now{.deadline_ms = 40.0, .rate_hz = 30.0};
  model.forecast(now, 0.0, forecasts);
  // Two threads of 15 ms each 33 ms need 0.9 CPUs.
  DOCTEST_CHECK(forecasts[id(1, 1)].miss < 0.05);
  DOCTEST_CHECK(forecasts[id(1, 0)].miss > 0.9);
  const double known_ms = forecasts[id(1, 0)].service_ms();
  for (int i = 0; i < 5; ++i) {
    model.observe(period(id(1, 0), 33.0), id(1, 0));
  }
  model.forecast(now, 0.0, forecasts);
  DOCTEST_CHECK(forecasts[id(1, 0)].service_ms() == doctest::Approx(known_ms).epsilon(0.01));
  DOCTEST_CHECK(model.changes() == 0);
}

DOCTEST_TEST_CASE("a period without power, hints or requests leaves all forecasts finite") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  const auto check = [&] {
    for (const Forecast& forecast : bench.forecasts()) {
      DOCTEST_CHECK(std::isfinite(forecast.log_service.mean));
      DOCTEST_CHECK(forecast.log_service.variance > 0.0);
      DOCTEST_CHECK(std::isfinite(forecast.power(PowerSignal::kMachine).mean));
      DOCTEST_CHECK(forecast.power(PowerSignal::kMachine).variance > 0.0);
      DOCTEST_CHECK(forecast.miss >= 0.0);
      DOCTEST_CHECK(forecast.miss <= 1.0);
    }
  };
  StepInfo nothing = bench.machine.period(action);
  nothing.signals.assign(2, std::nullopt);
  nothing.applications.front().service = {};
  bench.model.observe(nothing, action);
  check();
  StepInfo unpowered = bench.machine.period(action);
  unpowered.signals[0] = 0.0;
  bench.model.observe(unpowered, action);
  check();
  bench.live(action, 10);
  const double before = bench.forecast(action).service_ms();
  bench.model.observe(nothing, action);
  check();
  DOCTEST_CHECK(bench.forecast(action).service_ms() == doctest::Approx(before).epsilon(1e-3));
  StepInfo empty = nothing;
  empty.interval_s = 0.0;
  bench.model.observe(empty, action);
  check();
}

DOCTEST_TEST_CASE("a reading from before the period is taken for none") {
  const ResponsiveMachine machine;
  const Problem problem = machine.problem();
  const ActionId action = machine.id(1, 1, 2);
  const auto forecast_after = [&](bool is_stale, double power_w) {
    ResponseModel model(problem, ResponseModel::Prior::of_knobs(problem));
    StepInfo info = machine.period(action);
    for (int i = 0; i < 20; ++i) {
      model.observe(info, action);
    }
    info.signals = {power_w, 0.9};
    info.stale = is_stale ? std::vector<std::size_t>{0, 1} : std::vector<std::size_t>{};
    model.observe(info, action);
    std::vector<Forecast> forecasts;
    model.forecast(Situation{}, 0.0, forecasts);
    return forecasts[action].power(PowerSignal::kMachine).mean;
  };
  DOCTEST_CHECK(forecast_after(true, 9.0) == forecast_after(true, 0.1));
  DOCTEST_CHECK(forecast_after(false, 9.0) > forecast_after(true, 9.0) + 1.0);
}

DOCTEST_TEST_CASE("an episode begins with what lasts and without what passed") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  bench.live(action, 30);
  const double sure = bench.forecast(action).log_service.variance;
  bench.model.begin_episode();
  const Forecast forecast = bench.forecast(action);
  DOCTEST_CHECK(forecast.log_service.variance > 0.35 * 0.35);  // Of who else is there.
  DOCTEST_CHECK(forecast.log_service.variance > sure);
  const ActionId slower = bench.machine.id(1, 0, 0);
  DOCTEST_CHECK(bench.forecast(slower).service_ms() > forecast.service_ms());
}

DOCTEST_TEST_CASE("a model goes on from what it wrote as if it never stopped, and so does a copy") {
  Bench bench;
  const ActionId action = bench.machine.id(1, 0, 2);
  bench.live(action, 30);
  bench.disturb(1.6, 0.7);
  bench.live(action);
  DOCTEST_REQUIRE(bench.model.has_changed());
  const ResponseModel kept(bench.model);
  bench.model.begin_episode();  // What is written is what holds from episode to episode.
  const auto again = std::make_unique<ResponseModel>(bench.problem, ResponseModel::Prior{});
  read_archived(*again, archived(bench.model).dump(), "model.json");
  DOCTEST_CHECK(archived(*again) == archived(bench.model));
  DOCTEST_CHECK(again->changes() == 1);
  ResponseModel copy(bench.model);
  const auto compare = [&] {
    std::vector<Forecast> forecasts;
    again->forecast(bench.now, 0.0, forecasts);
    for (ActionId each = 0; each < forecasts.size(); ++each) {
      const Forecast expected = bench.forecast(each);
      DOCTEST_REQUIRE(forecasts[each].log_service.mean == expected.log_service.mean);
      DOCTEST_REQUIRE(forecasts[each].miss == expected.miss);
      DOCTEST_REQUIRE(forecasts[each].power(PowerSignal::kMachine).mean ==
                      expected.power(PowerSignal::kMachine).mean);
    }
    DOCTEST_REQUIRE(archived(copy) == archived(bench.model));
  };
  compare();
  for (int i = 0; i < 40; ++i) {
    const ActionId next = i % 5 == 0 ? bench.machine.id(0, 1, 1) : action;
    bench.disturb(i < 20 ? 1.6 : 1.0, i < 20 ? 0.7 : 0.1);
    bench.live(next);
    again->observe(bench.machine.period(next), next);
    copy.observe(bench.machine.period(next), next);
    compare();
  }
  // What was copied before knows nothing of all that.
  DOCTEST_CHECK(kept.has_changed());
  DOCTEST_CHECK(kept.changes() == 1);
  DOCTEST_CHECK(archived(*again) == archived(bench.model));
}

}  // namespace
}  // namespace rein
