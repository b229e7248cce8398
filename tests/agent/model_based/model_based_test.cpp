// The model-based learner on a machine made by hand and on a small simulated board.
//
// Whether a period was terminated or truncated means nothing to it: it plans for the period that
// comes, and nothing is bootstrapped from what follows.
#include "agent/model_based/model_based.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/archived.hpp"
#include "support/driven.hpp"
#include "support/responsive_machine.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

/// An agent that is driven by hand: what a period told, and what it decides on.
class Agent {
 public:
  Agent(const ModelBased::Options& options, const Problem& problem)
      : actions_(problem.actions), learner_(std::make_unique<ModelBased>(options, problem)) {
    begin_episode();
  }

  void begin_episode() { session_ = learner_->policy().begin_episode(*random_); }
  void end_episode() {
    learner_->end_episode(*session_);
    begin_episode();
  }
  ActionId act(const View& view) {
    return actions_.encode(learner_->policy().decide(view, *session_).action);
  }
  void show(const Asked& asked, ActionId action, const StepInfo& info) {
    follow(record_of(asked, actions_.decode(action), info));
  }
  void follow(const PeriodRecord& record) { learner_->policy().follow(record, now()); }

  ModelBasedPolicy::Now& now() const { return session_->as<ModelBasedPolicy::Now>(); }
  bool explored() const { return now().explored; }
  const std::vector<Forecast>& forecasts() const { return now().forecasts; }
  const ResponseModel& model() const { return now().model; }
  ModelBased& learner() const { return *learner_; }

 private:
  const ActionSpace& actions_;
  std::unique_ptr<Random> random_ = std::make_unique<Random>(1);
  std::unique_ptr<ModelBased> learner_;
  std::unique_ptr<Session> session_;
};

struct Bench {
  explicit Bench(const ModelBased::Options& options = {}, const Objective& objective = {})
      : agent(options, machine.problem(objective)) {}

  void observe(ActionId action, const StepInfo& info, const Asked& asked) {
    agent.show(asked, action, info);
  }
  ActionId live(const Asked& asked) {
    const ActionId action = agent.act(asked);
    observe(action, machine.period(action), asked);
    return action;
  }
  /// Sees every action for some periods, and again.
  void see_all() {
    for (int round = 0; round < 6; ++round) {
      for (ActionId action = 0; action < machine.actions.size(); ++action) {
        for (int i = 0; i < 3; ++i) {
          observe(action, machine.period(action), ResponsiveMachine::asked(20.0, 3.0));
        }
      }
    }
  }
  double margin_of_power() const { return agent.now().margins.power; }
  double margin_of_misses() const { return agent.now().margins.miss; }

  ResponsiveMachine machine;
  Agent agent;
};

DOCTEST_TEST_CASE("a changed budget moves it in the next decision, without learning") {
  Bench bench;
  bench.see_all();
  const auto takes = [&](double deadline_ms, double power_limit_w) {
    const ActionId action = bench.agent.act(ResponsiveMachine::asked(deadline_ms, power_limit_w));
    DOCTEST_CHECK_FALSE(bench.agent.explored());
    return action;
  };
  // In each case one action is the widest that keeps both.
  DOCTEST_CHECK(takes(8.0, 3.0) == bench.machine.id(1, 1, 2));
  DOCTEST_CHECK(takes(12.0, 1.5) == bench.machine.id(1, 1, 1));
  DOCTEST_CHECK(takes(4.0, 3.0) == bench.machine.id(0, 1, 2));
  DOCTEST_CHECK(takes(8.0, 1.5) == bench.machine.id(0, 1, 1));
  DOCTEST_CHECK(takes(8.0, 3.0) == bench.machine.id(1, 1, 2));
  DOCTEST_CHECK(bench.agent.forecasts()[bench.machine.id(1, 1, 2)].service_ms() ==
                doctest::Approx(6.0).epsilon(0.03));
}

DOCTEST_TEST_CASE("it takes what draws least where that is the objective") {
  const Objective objective{.kind = Objective::Kind::kMinPower, .reference = 3.0};
  Bench bench({}, objective);
  bench.see_all();
  const auto draws = [&](double deadline_ms) {
    return bench.machine.power_w(
        bench.agent.act(ResponsiveMachine::asked(deadline_ms, std::nullopt, objective)));
  };
  // Of what is fast enough: half width at 500, 1000 and 2000 MHz on the gpu.
  DOCTEST_CHECK(draws(12.0) == bench.machine.power_w(bench.machine.id(0, 1, 0)));
  DOCTEST_CHECK(draws(7.0) == bench.machine.power_w(bench.machine.id(0, 1, 1)));
  DOCTEST_CHECK(draws(4.0) == bench.machine.power_w(bench.machine.id(0, 1, 2)));
}

DOCTEST_TEST_CASE("it takes what is fastest where that is the objective") {
  const Objective objective{.kind = Objective::Kind::kMinLatency};
  Bench bench({}, objective);
  bench.see_all();
  DOCTEST_CHECK(bench.agent.act(ResponsiveMachine::asked(20.0, std::nullopt, objective)) ==
                bench.machine.id(0, 1, 2));
  // Within 1.5 W that is the half width at 1000 MHz.
  DOCTEST_CHECK(bench.agent.act(ResponsiveMachine::asked(20.0, 1.5, objective)) ==
                bench.machine.id(0, 1, 1));
}

DOCTEST_TEST_CASE("where nothing keeps the deadline the fastest of a width is taken") {
  Bench bench;
  bench.see_all();
  // Half the time is worth log(2), and all of the accuracy 1.
  DOCTEST_CHECK(bench.agent.act(ResponsiveMachine::asked(1.0, std::nullopt)) ==
                bench.machine.id(1, 1, 2));
}

DOCTEST_TEST_CASE("a battery's allowance, a request's energy and a floor are limits like others") {
  const ResponsiveMachine machine;
  const auto seen_all = [&](const Objective& objective) {
    Agent agent({}, machine.problem(objective));
    for (int i = 0; i < 216; ++i) {
      const ActionId action = static_cast<ActionId>(i / 3) % machine.actions.size();
      agent.show(ResponsiveMachine::asked(12.0, std::nullopt), action, machine.period(action));
    }
    return agent;
  };
  const Objective cheap{.kind = Objective::Kind::kMinPower, .reference = 3.0};
  Agent agent = seen_all(cheap);
  const auto act = [&](double deadline_ms, std::optional<double> floor) {
    return agent.act(
        Asked({.deadline_ms = deadline_ms, .min_top1 = floor, .rate_hz = 30.0}, cheap));
  };
  DOCTEST_CHECK(act(12.0, std::nullopt) == machine.id(0, 1, 0));
  // Only full width has the accuracy.
  DOCTEST_CHECK(act(12.0, 0.75) == machine.id(1, 1, 1));
  DOCTEST_CHECK(act(8.0, 0.75) == machine.id(1, 1, 2));

  Agent wide = seen_all({});
  const auto act_wide = [&](const Asked::Limits& limits) { return wide.act(Asked(limits)); };
  // 1.36 W at 30 requests a second are 45 mJ of each, and 2.04 W are 68 mJ.
  DOCTEST_CHECK(act_wide({.deadline_ms = 8.0, .rate_hz = 30.0}) == machine.id(1, 1, 2));
  DOCTEST_CHECK(act_wide({.deadline_ms = 12.0, .energy_limit_mj = 50.0, .rate_hz = 30.0}) ==
                machine.id(1, 1, 1));
  DOCTEST_CHECK(act_wide({.deadline_ms = 8.0, .energy_limit_mj = 50.0, .rate_hz = 30.0}) ==
                machine.id(0, 1, 1));
  DOCTEST_CHECK(act_wide({.deadline_ms = 12.0, .allowance_w = 1.5, .rate_hz = 30.0}) ==
                machine.id(1, 1, 1));
  DOCTEST_CHECK(act_wide({.deadline_ms = 8.0, .allowance_w = 1.5, .rate_hz = 30.0}) ==
                machine.id(0, 1, 1));
  // A battery gives what is saved now later, also where nothing keeps what it allows by far.
  DOCTEST_CHECK(machine.power_w(wide.act(
                    Asked({.deadline_ms = 60.0, .allowance_w = 0.4, .rate_hz = 30.0}))) < 1.14);
}

DOCTEST_TEST_CASE("a trial that told of what was over soon was made anew with each change") {
  const auto explored = [](int stays) {
    Bench bench;
    int count = 0;
    for (int i = 0; i < 400; ++i) {
      const bool works = (i / stays) % 2 == 1;
      bench.machine.slowdown = works ? 1.8 : 1.0;
      bench.machine.others = works ? 0.8 : 0.1;
      bench.live(ResponsiveMachine::asked(12.0, 1.5));
      count += i >= 200 && bench.agent.explored() ? 1 : 0;
    }
    // One change in so many periods, as far as it was told.
    DOCTEST_CHECK(bench.agent.now().change_rate < 1.5 / stays + 0.01);
    return count;
  };
  const int seldom = explored(50);
  DOCTEST_CHECK(explored(4) <= seldom + 2);
}

DOCTEST_TEST_CASE("where budgets stay broken more is hoped for, and tried") {
  const auto explored = [](double broken) {
    int count = 0;
    for (const double limit_w : {1.1, 1.2, 1.3, 1.5, 1.8}) {
      Bench bench({.trial_periods = 1000, .trial_budget = 1000.0, .trial_income = 100.0});
      for (int i = 0; i < 60; ++i) {
        bench.agent.now().broken = broken;
        bench.live(ResponsiveMachine::asked(8.0, limit_w));
        count += bench.agent.explored() ? 1 : 0;
      }
    }
    return count;
  };
  DOCTEST_CHECK(explored(20.0) == explored(0.0));
  DOCTEST_CHECK(explored(40.0) > explored(0.0));

  Bench bench;
  const Asked asked = ResponsiveMachine::asked(12.0, 1.5);
  StepInfo info = bench.machine.period(0);
  info.budgets = {{.id = {BudgetId::Kind::kPower}, .name = "power", .exceeded = true}};
  for (int i = 0; i < 30; ++i) {
    bench.observe(0, info, asked);
  }
  DOCTEST_CHECK(bench.agent.now().broken == 30.0);
  bench.observe(0, bench.machine.period(0), asked);
  DOCTEST_CHECK(bench.agent.now().broken == 15.0);
}

DOCTEST_TEST_CASE("objective and budget are planned each on the power that it is judged by") {
  ResponsiveMachine machine;
  machine.signals.push_back({"power_ours_w", "W", "test"});
  // What we pay for ourselves goes the other way: the GPU is the dearer place.
  const auto ours_w = [&](ActionId action) {
    const double busy = std::min(1.0, 0.03 * machine.service_ms(action));
    return busy * (machine.actions.decode(action)[1] == 0 ? 0.4 : 3.0);
  };
  const auto period = [&](ActionId action) {
    StepInfo info = machine.period(action);
    info.signals.push_back(ours_w(action));
    return info;
  };
  const Objective cheap{.kind = Objective::Kind::kMinPower, .reference = 3.0};
  Asked asked({.deadline_ms = 40.0, .power_limit_w = 0.5, .rate_hz = 30.0}, cheap);
  asked.task.power->signal = PowerSignal::kOurs;
  Problem problem = machine.problem(cheap);
  problem.task.power_signals = {PowerSignal::kMachine, PowerSignal::kOurs};
  Agent agent({}, problem);
  for (int i = 0; i < 216; ++i) {
    const ActionId action = static_cast<ActionId>(i / 3) % machine.actions.size();
    agent.show(asked, action, period(action));
  }
  // On the CPU, which our own half watt allows, the least of the whole machine's.
  DOCTEST_CHECK(agent.act(asked) == machine.id(0, 0, 0));
  DOCTEST_CHECK(agent.forecasts()[0].power(PowerSignal::kOurs).mean ==
                doctest::Approx(ours_w(0)).epsilon(0.05));
  DOCTEST_CHECK(agent.forecasts()[1].power(PowerSignal::kMachine).mean ==
                doctest::Approx(machine.power_w(1)).epsilon(0.05));
}

DOCTEST_TEST_CASE("what was learned of one power was taken for another's") {
  const TemporaryFolder folder;
  const ResponsiveMachine machine;
  ModelBased({}, machine.problem()).save(folder.path() / "agent.json");
  Problem problem = machine.problem();
  problem.task.power_signals = {PowerSignal::kOurs};
  ModelBased other({}, problem);
  DOCTEST_CHECK_THROWS_WITH_AS(
      other.load(folder.path() / "agent.json"),
      doctest::Contains("model.power_scales_w.power_ours_w: expected this key"), ConfigError);
}

DOCTEST_TEST_CASE("limits far below a watt, a millisecond or a millijoule are limits") {
  // The same machine in other units: everything is a thousandth.
  ResponsiveMachine machine;
  const auto period = [&](ActionId action) {
    StepInfo info = machine.period(action);
    info.signals[0] = *info.signals[0] * 1e-3;
    return info;
  };
  Agent agent({}, machine.problem());
  const auto asked = [](double deadline_ms, double power_limit_w) {
    return ResponsiveMachine::asked(deadline_ms, power_limit_w);
  };
  for (int i = 0; i < 216; ++i) {
    const ActionId action = static_cast<ActionId>(i / 3) % machine.actions.size();
    agent.show(asked(12.0, 3e-3), action, period(action));
  }
  DOCTEST_CHECK(agent.act(asked(8.0, 3e-3)) == machine.id(1, 1, 2));
  DOCTEST_CHECK(agent.act(asked(12.0, 1.5e-3)) == machine.id(1, 1, 1));
  DOCTEST_CHECK(agent.act(asked(8.0, 1.5e-3)) == machine.id(0, 1, 1));
  // An empty battery leaves the least that there is.
  const ActionId least =
      agent.act(Asked({.deadline_ms = 40.0, .allowance_w = 0.0, .rate_hz = 30.0}));
  DOCTEST_CHECK(machine.power_w(least) <= machine.power_w(machine.id(0, 0, 0)));
}

DOCTEST_TEST_CASE("it finds the best action by itself, and then explores no more") {
  Bench bench;
  int explored = 0;
  const auto observation = ResponsiveMachine::asked(12.0, 1.5);
  for (int i = 0; i < 150; ++i) {
    bench.live(observation);
    explored += bench.agent.explored() ? 1 : 0;
  }
  DOCTEST_CHECK(explored > 0);
  for (int i = 0; i < 100; ++i) {
    DOCTEST_REQUIRE(bench.live(observation) == bench.machine.id(1, 1, 1));
    DOCTEST_REQUIRE_FALSE(bench.agent.explored());
  }
}

DOCTEST_TEST_CASE("the best action itself was tried, and trials went on for ever") {
  constexpr std::size_t kMost = 4;
  const Objective objective{.kind = Objective::Kind::kMinPower, .reference = 3.0};
  Bench bench({.worth_trying = 0.0, .trial_periods = kMost, .inertia = 0.0}, objective);
  const Asked observation({.rate_hz = 1.0}, objective);
  std::vector<std::size_t> trials(bench.machine.actions.size());
  int late = 0;
  for (int i = 0; i < 400; ++i) {
    const ActionId taken = bench.live(observation);
    if (bench.agent.explored()) {
      ++trials[taken];
      late += i >= 300 ? 1 : 0;
    }
    DOCTEST_REQUIRE_FALSE(bench.agent.model().has_changed());
  }
  DOCTEST_CHECK(*std::ranges::max_element(trials) > 0);
  DOCTEST_CHECK(*std::ranges::max_element(trials) <= kMost);
  DOCTEST_CHECK(late == 0);
}

DOCTEST_TEST_CASE("trials cost no more than they may") {
  // Nothing at all; what a few cost.
  for (const double budget : {0.0, 30.0}) {
    DOCTEST_CAPTURE(budget);
    Bench bench({.trial_budget = budget, .trial_income = 0.0});
    int explored = 0;
    for (int i = 0; i < 100; ++i) {
      bench.live(ResponsiveMachine::asked(12.0, 1.5));
      explored += bench.agent.explored() ? 1 : 0;
      DOCTEST_REQUIRE(bench.agent.now().may_lose >= 0.0);
    }
    DOCTEST_CHECK((explored > 0) == (budget > 0.0));
  }
}

DOCTEST_TEST_CASE("where not all can be kept it gave up every request for an accuracy floor") {
  // Full width takes 6 ms at best: one deadline of 4 keeps only half of it, below the floor.
  const auto chosen_at = [](double price_of_accuracy) {
    Bench bench({.optimism = 0.0});
    bench.see_all();
    Asked asked({.deadline_ms = 4.0, .min_top1 = 0.75, .rate_hz = 30.0});
    asked.task.prices[BudgetId::Kind::kAccuracy] = price_of_accuracy;
    return bench.machine.actions.decode(bench.agent.act(asked)).front();
  };
  DOCTEST_CHECK(chosen_at(4.0) == 0);    // All requests are 10, the floor is 3.
  DOCTEST_CHECK(chosen_at(100.0) == 1);  // As the user has it.
}

DOCTEST_TEST_CASE("a forecast of misses that was wrong in one direction stayed wrong") {
  Bench bench({.optimism = 0.0});
  bench.see_all();
  const Asked asked = ResponsiveMachine::asked(8.0, std::nullopt);
  const ActionId wide = bench.live(asked);
  DOCTEST_REQUIRE(wide == bench.machine.id(1, 1, 2));
  // Every third is late, and nothing tells why.
  for (int i = 0; i < 40 && bench.agent.act(asked) == wide; ++i) {
    StepInfo info = bench.machine.period(wide);
    info.applications.front().service.late = 1;
    bench.observe(wide, info, asked);
  }
  DOCTEST_CHECK(bench.agent.now().margins.stretch > 0.1);
  DOCTEST_CHECK(bench.agent.act(asked) == bench.machine.id(0, 1, 2));
}

DOCTEST_TEST_CASE("while requests wait it tries nothing, and catches up") {
  Bench bench({.patience = 1000.0});
  const Asked observation = ResponsiveMachine::asked(20.0, std::nullopt);
  bench.see_all();
  const ActionId best = bench.live(observation);
  StepInfo waiting = bench.machine.period(best);
  waiting.applications.front().service.queued = 1;
  waiting.applications.front().service.waited_ms = 15.0;
  bench.observe(best, waiting, observation);
  const ActionId taken = bench.agent.act(observation);
  DOCTEST_CHECK_FALSE(bench.agent.explored());
  // 15 ms of 20 are gone.
  DOCTEST_CHECK(bench.machine.service_ms(best) > 5.0);
  DOCTEST_CHECK(bench.machine.service_ms(taken) < 5.0);
}

/// On two CPUs at 500 and 1000 MHz requests of 70 to 420 ms, one after the other.
SimulatedTask closed_loop_task(double deadline_ms, double power_limit_w) {
  SimulatedTask task = SmallTask::make();
  task.requests.arrival = RequestSpec::Arrival::kClosedLoop;
  task.network.levels[0].mflops = 1000.0;
  task.network.levels[1].mflops = 2000.0;
  for (auto& phase : task.scenario.phases) {
    phase.budgets.latency = LatencyBudget{.deadline_ms = deadline_ms, .miss_rate = 0.01};
    phase.budgets.power = PowerBudget{.limit_w = power_limit_w};
  }
  task.platform.bandwidth = false;
  task.objective = {};
  return task;
}

DOCTEST_TEST_CASE("in a closed loop all requests longer than the gap of a made-up rate were late") {
  SimulatedWorld world(closed_loop_task(400.0, 10.0));
  Environment& environment = world.environment();
  Agent agent({}, problem_of(environment));
  Observation observation = environment.reset(1);
  double power_w = 0.0;
  double foreseen_w = 0.0;
  std::size_t missed = 0;
  for (int i = 0; i < 200; ++i) {
    const ActionId action = agent.act(View(observation, environment.task()));
    const Forecast forecast = agent.forecasts()[action];
    const StepResult& result = environment.step(environment.action_space().decode(action));
    PeriodRecord record;
    record.action = environment.action_space().decode(action);
    record.result = result;
    agent.follow(record);
    observation = result.observation;
    if (i >= 100) {
      DOCTEST_REQUIRE(forecast.miss < 0.02);
      DOCTEST_REQUIRE(forecast.service_ms() > 100.0);
      power_w += result.info.signals[*find_signal(environment.signals(), "power_w")].value_or(0.0);
      foreseen_w += forecast.power(PowerSignal::kMachine).mean;
      missed += result.info.applications.front().service.missed();
    }
  }
  // The widest, which keeps the deadline at the higher clock.
  DOCTEST_CHECK(
      environment.action_space().decode(agent.act(View(observation, environment.task()))).front() ==
      1);
  DOCTEST_CHECK(missed == 0);
  DOCTEST_CHECK(foreseen_w == doctest::Approx(power_w).epsilon(0.03));
}

DOCTEST_TEST_CASE("in a closed loop an energy of a request was reckoned with a made-up rate") {
  ResponsiveMachine machine;
  const Objective objective{Objective::Kind::kMinEnergy, 100.0};
  Problem problem = machine.problem(objective);
  problem.task.arrival = RequestSpec::Arrival::kClosedLoop;
  Agent agent({.optimism = 0.0}, problem);
  const Asked observation(
      {.deadline_ms = 1000.0, .rate_hz = 30.0, .arrival = RequestSpec::Arrival::kClosedLoop},
      objective);
  for (int i = 0; i < 12; ++i) {
    for (ActionId action = 0; action < machine.actions.size(); ++action) {
      StepInfo info = machine.period(action);
      info.interval_s = 1e-3 * info.applications.front().service.busy_ms;
      agent.show(observation, action, info);
    }
  }
  // What draws least for as long as it takes.
  const auto chosen = agent.act(observation);
  const auto energy = [&](ActionId action) {
    return machine.power_w(action) * machine.service_ms(action);
  };
  for (ActionId action = 0; action < machine.actions.size(); ++action) {
    DOCTEST_CHECK(energy(chosen) <= 1.05 * energy(action));
  }
}

DOCTEST_TEST_CASE("without optimism or patience it never explores") {
  for (const auto& options : {ModelBased::Options{.optimism = 0.0}, {.patience = 0.0}}) {
    Bench bench(options);
    for (int i = 0; i < 60; ++i) {
      bench.live(ResponsiveMachine::asked(12.0, 1.5));
      DOCTEST_REQUIRE_FALSE(bench.agent.explored());
    }
  }
}

DOCTEST_TEST_CASE("the margin below a power limit grows by what exceeds it, and shrinks slowly") {
  Bench bench;
  const auto observation = ResponsiveMachine::asked(20.0, 3.0);
  StepInfo info = bench.machine.period(3);
  info.budgets = {{.id = {.kind = BudgetId::Kind::kPower}, .name = "power"}};
  DOCTEST_CHECK(bench.margin_of_power() == 0.006);
  bench.observe(3, info, observation);
  DOCTEST_CHECK(bench.margin_of_power() == 0.006);  // It is the least.
  info.budgets.front().exceeded = true;
  bench.observe(3, info, observation);
  DOCTEST_CHECK(bench.margin_of_power() == doctest::Approx(0.006 + 0.004 * (1.0 - 0.01)));
  info.budgets.front().exceeded = false;
  bench.observe(3, info, observation);
  DOCTEST_CHECK(bench.margin_of_power() == doctest::Approx(0.00996 - 0.004 * 0.01));
  // That requests are late has nothing to do with it.
  info.budgets.front() = {.id = {.kind = BudgetId::Kind::kLatency}, .exceeded = true};
  bench.observe(3, info, observation);
  DOCTEST_CHECK(bench.margin_of_power() == doctest::Approx(0.00988));
  // Nor does a limit that nothing keeps.
  info.budgets.front() = {.id = {.kind = BudgetId::Kind::kPower}, .exceeded = true};
  const auto hopeless = ResponsiveMachine::asked(20.0, 0.01);
  bench.agent.act(hopeless);
  bench.observe(3, info, hopeless);
  DOCTEST_CHECK(bench.margin_of_power() == doctest::Approx(0.00984));
  bench.agent.act(observation);
  for (int i = 0; i < 20; ++i) {
    bench.observe(3, info, observation);
  }
  DOCTEST_CHECK(bench.margin_of_power() == 0.06);
}

DOCTEST_TEST_CASE("the margin of misses goes down with each, and up with each that may miss") {
  Bench bench;
  const auto observation = ResponsiveMachine::asked(20.0, 3.0);
  StepInfo info = bench.machine.period(3);
  for (int i = 0; i < 5; ++i) {
    bench.observe(3, info, observation);
  }
  DOCTEST_CHECK(bench.margin_of_misses() == 0.5);  // Conditions have not held for long enough.
  bench.observe(3, info, observation);
  // Of three requests one in a hundred may miss.
  double margin = 0.5 * std::exp(0.3 * 0.03);
  DOCTEST_CHECK(bench.margin_of_misses() == doctest::Approx(margin));
  info.applications.front().service.late = 1;
  bench.observe(3, info, observation);
  margin *= std::exp(0.3 * (0.03 - 1.0));
  DOCTEST_CHECK(bench.margin_of_misses() == doctest::Approx(margin));
  for (int i = 0; i < 10; ++i) {
    bench.observe(3, info, observation);
  }
  DOCTEST_CHECK(bench.margin_of_misses() == 0.1);
}

DOCTEST_TEST_CASE("what a shield chose or the machine granted is in force, not what was wished") {
  // What is in force is ahead by as much as all of the accuracy.
  Bench bench({.optimism = 0.0, .inertia = 1.0});
  bench.see_all();
  const auto observation = ResponsiveMachine::asked(20.0, std::nullopt);
  bench.observe(bench.machine.id(1, 0, 2), bench.machine.period(bench.machine.id(1, 0, 2)),
                observation);
  const ActionId wide = bench.machine.id(1, 1, 2);
  const ActionId half = bench.machine.id(0, 1, 2);
  DOCTEST_REQUIRE(bench.agent.act(ResponsiveMachine::asked(7.0, std::nullopt)) == wide);
  DOCTEST_SUBCASE("a shield chose") {
    bench.observe(half, bench.machine.period(half), observation);
  }
  DOCTEST_SUBCASE("the machine refused") {
    bench.observe(wide, bench.machine.period(half), observation);
  }
  DOCTEST_CHECK(bench.agent.act(observation) == half);
  DOCTEST_CHECK(bench.agent.act(observation) == half);
}

DOCTEST_TEST_CASE("a clock that heat holds down is set to what was asked for all the same") {
  Bench bench({.optimism = 0.0, .inertia = 1.0});
  bench.see_all();
  const auto observation = ResponsiveMachine::asked(20.0, std::nullopt);
  const ActionId wide = bench.machine.id(1, 1, 2);
  StepInfo held = bench.machine.period(bench.machine.id(1, 1, 1));
  DOCTEST_REQUIRE(bench.agent.act(observation) == wide);
  bench.observe(wide, held, observation);
  DOCTEST_CHECK(bench.agent.now().in_force == wide);
  held.granted.back().refused = true;
  bench.observe(wide, held, observation);
  DOCTEST_CHECK(bench.agent.now().in_force == bench.machine.id(1, 1, 1));
}

DOCTEST_TEST_CASE("what is late by a shield's choice says nothing of the margin") {
  Bench bench;
  bench.see_all();
  const auto observation = ResponsiveMachine::asked(20.0, 3.0);
  const ActionId wish = bench.live(observation);
  for (int i = 0; i < 10; ++i) {
    bench.observe(wish, bench.machine.period(wish), observation);
  }
  DOCTEST_REQUIRE(bench.agent.act(observation) == wish);
  const double before = bench.margin_of_misses();
  StepInfo info = bench.machine.period(bench.machine.id(0, 0, 0));
  info.applications.front().service.late = 1;
  bench.observe(bench.machine.id(0, 0, 0), info, observation);
  DOCTEST_CHECK(bench.margin_of_misses() == before);
}

DOCTEST_TEST_CASE("a power limit that a shield's choice could not keep leaves the margin") {
  Bench bench;
  bench.see_all();
  const auto observation = ResponsiveMachine::asked(20.0, 1.5);
  bench.agent.act(observation);
  const ActionId chosen = bench.machine.id(1, 1, 2);  // Of 2.04 W.
  StepInfo info = bench.machine.period(chosen);
  info.budgets = {{.id = {.kind = BudgetId::Kind::kPower}, .name = "power", .exceeded = true}};
  bench.observe(chosen, info, observation);
  DOCTEST_CHECK(bench.margin_of_power() == 0.006);
}

DOCTEST_TEST_CASE("it learns nothing from what it is told without the period") {
  Bench bench;
  const auto observation = ResponsiveMachine::asked(20.0, 3.0);
  bench.agent.act(observation);  // Who knows nothing makes use of what is asked for.
  const auto before = archived(bench.agent.now().model);
  const PeriodRecord unknown = record_of(observation, bench.machine.actions.decode(3), {});
  const Decision decision = bench.agent.learner().policy().decide(
      View(observation.observation, observation.task, &unknown), bench.agent.now());
  DOCTEST_CHECK_NOTHROW(bench.machine.actions.check(decision.action));
  DOCTEST_CHECK(archived(bench.agent.now().model) == before);
}

DOCTEST_TEST_CASE("it says that what it knew does not fit this machine") {
  Bench bench;
  const auto take_turns = [&] {
    for (int i = 0; i < 40; ++i) {
      const auto action = static_cast<ActionId>(i * 7) % bench.machine.actions.size();
      for (int period = 0; period < 10; ++period) {
        bench.observe(action, bench.machine.period(action), ResponsiveMachine::asked(20.0, 3.0));
      }
    }
  };
  take_turns();
  bench.agent.end_episode();
  take_turns();
  DOCTEST_CHECK(bench.agent.now().notes.empty());
  bench.agent.end_episode();
  bench.machine.is_another = true;
  take_turns();
  DOCTEST_REQUIRE(!bench.agent.now().notes.empty());
  DOCTEST_CHECK(bench.agent.now().notes.front() ==
                "model_based: what was known beforehand does not fit this machine, and counts for "
                "less from now on");
}

DOCTEST_TEST_CASE("what an episode taught is kept when it ends, and not mixed with another's") {
  Bench bench;
  Random random(1);
  Agent& agent = bench.agent;
  const auto asked = ResponsiveMachine::asked(20.0, 3.0);
  const auto other = agent.learner().policy().begin_episode(random);
  const auto untaught = archived(other->as<ModelBasedPolicy::Now>().model);
  bench.see_all();
  DOCTEST_CHECK(archived(other->as<ModelBasedPolicy::Now>().model) == untaught);
  agent.act(asked);
  const double taught_ms = agent.forecasts()[11].service_ms();
  agent.end_episode();
  agent.act(asked);
  DOCTEST_CHECK(agent.learner().updates() == 1);
  DOCTEST_CHECK(agent.forecasts()[11].service_ms() == doctest::Approx(taught_ms).epsilon(0.1));
}

/// A small board on which others come and go.
SimulatedTask disturbed_task() {
  return SmallTask::make(
      "name: disturbed\n"
      "co_runners:\n"
      "  burner: {contention: {cpu: {all: 1}}}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 6}\n"
      "  - {name: burnt, duration_s: 6, co_runners: [burner]}\n"
      "  - {name: sooner, duration_s: 6, relative: {deadline: 0.4}}\n"
      "  - {name: less, duration_s: 6, co_runners: [burner], relative: {power: 0.6}}\n");
}

/// An agent in a world of its own, a period at a time.
struct Play {
  Play() : world(disturbed_task()), problem(problem_of(environment())), agent({}, problem) {
    observation = environment().reset(7);
  }
  Environment& environment() { return world.environment(); }
  ActionId live() {
    const ActionId action = agent.act(View(observation, environment().task()));
    PeriodRecord record;
    record.action = problem.actions.decode(action);
    record.result = environment().step(record.action);
    observation = record.result.observation;
    agent.follow(record);
    return action;
  }
  void begin(std::uint64_t seed) {
    observation = environment().reset(seed);
    agent.begin_episode();
  }

  SimulatedWorld world;
  Problem problem;
  Agent agent;
  Observation observation;
};

DOCTEST_TEST_CASE(
    "it goes on from its checkpoint as if never stopped, whenever its episode ended") {
  for (const int periods : {1, 40, 61, 62, 63, 90}) {
    DOCTEST_CAPTURE(periods);
    const TemporaryFolder folder;
    const auto file = folder.path() / "agent.json";
    Play original;
    for (int i = 0; i < periods; ++i) {
      original.live();
    }
    original.agent.end_episode();
    original.agent.learner().save(file);
    Play resumed;
    resumed.agent.learner().load(file);
    resumed.agent.learner().save(folder.path() / "again.json");
    DOCTEST_CHECK(read_file(folder.path() / "again.json") == read_file(file));
    original.begin(8);
    resumed.begin(8);
    for (int i = 0; i < 100; ++i) {
      DOCTEST_REQUIRE(original.live() == resumed.live());
    }
    original.agent.end_episode();
    resumed.agent.end_episode();
    original.agent.learner().save(file);
    resumed.agent.learner().save(folder.path() / "again.json");
    DOCTEST_CHECK(read_file(folder.path() / "again.json") == read_file(file));
  }
}

DOCTEST_TEST_CASE("a checkpoint that does not fit is refused, and leaves it as it was") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  Bench bench;
  bench.live(ResponsiveMachine::asked(12.0, 1.5));
  bench.agent.end_episode();
  bench.agent.learner().save(file);
  const std::string good = read_file(file);

  struct Edit {
    std::string from;
    std::string to;
  };
  for (const auto& edit :
       {Edit{"\"power\": 0.006", "\"power\": 0.5"}, {"\"lasting\": ", "\"lasting\": 1"}}) {
    DOCTEST_CAPTURE(edit.from);
    std::string text = good;
    DOCTEST_REQUIRE(text.find(edit.from) != std::string::npos);
    text.replace(text.find(edit.from), edit.from.size(), edit.to);
    write_file(file, text);
    DOCTEST_CHECK_THROWS_AS(bench.agent.learner().load(file), ConfigError);
    bench.agent.learner().save(file);
    DOCTEST_CHECK(read_file(file) == good);
  }
}

DOCTEST_TEST_CASE("parameters that are out of range are refused") {
  for (const std::string text :
       {"steepness: 0", "trial_periods: 0", "trial_budget: -1", "optimism: 11", "patience: -1",
        "worth_trying: 2", "inertia: 1.5"}) {
    DOCTEST_CAPTURE(text);
    const auto node = ConfigNode::parse("{" + text + "}", "run.yaml");
    DOCTEST_CHECK_THROWS_AS(ModelBased::Options::from_yaml(node), ConfigError);
  }
}

}  // namespace
}  // namespace rein
