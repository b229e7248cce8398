// The oracle, asking about futures that are written down here, and about a small simulated board.
#include "agent/oracle/oracle.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "agent/loop/budget_tally.hpp"
#include "agent/loop/run_summary.hpp"
#include "agent/make_agent.hpp"
#include "agent/oracle/best_static.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

/// What an action leads to, period by period; the last one goes on for ever.
struct Future {
  std::vector<double> rewards;
  std::vector<double> violations = {0.0};
  double overuse = -1.0;
};

class WrittenFuture final : public Clairvoyant {
 public:
  explicit WrittenFuture(std::vector<Future> of_actions) : futures(std::move(of_actions)) {}
  Outlook foresee(ActionId action, std::size_t periods) override {
    const Future& future = futures.at(action);
    ++asked[{action, periods}];
    Outlook outlook{.overuse = future.overuse};
    const auto at = [](const std::vector<double>& values, std::size_t i) {
      return values[std::min(i, values.size() - 1)];
    };
    for (std::size_t i = 0; i < periods; ++i) {
      outlook.reward += at(future.rewards, i) / static_cast<double>(periods);
      outlook.violation += at(future.violations, i) / static_cast<double>(periods);
    }
    return outlook;
  }
  std::vector<Future> futures;
  std::map<std::pair<ActionId, std::size_t>, int> asked;
};

struct Task {
  explicit Task(std::vector<Future> futures)
      : future(std::move(futures)), actions({make_knob(future.futures.size())}) {}
  static Knob make_knob(std::size_t levels) {
    Knob knob{"k", "1", Knob::Kind::kMapping, {}};
    for (std::size_t i = 0; i < levels; ++i) {
      knob.levels.push_back({std::to_string(i), static_cast<double>(i)});
    }
    return knob;
  }
  Problem problem() const {
    return {actions, observations, std::vector<double>(actions.size(), 1.0)};
  }
  Oracle oracle(Oracle::Options options = {}) { return {options, problem(), future}; }

  WrittenFuture future;
  ActionSpace actions;
  ObservationSpec observations{{Feature{.name = "f"}}};
};

DOCTEST_TEST_CASE("the oracle takes the best reward of what keeps the budgets") {
  Task task({{{0.5}}, {{0.9}, {0.1}}, {{0.7}}, {.rewards = {0.8}, .overuse = 0.01}});
  DOCTEST_CHECK(task.oracle().act(Observation{0.0}) == 2);
}

DOCTEST_TEST_CASE("the oracle stays a little below a limit, and less where it is already") {
  Task task({{{0.5}}, {.rewards = {0.9}, .overuse = -0.01}});
  Oracle oracle = task.oracle();
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  task.future.futures[1].overuse = -0.005;
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  DOCTEST_CHECK(task.oracle().act(Observation{0.0}) == 0);
  task.future.futures[1].overuse = -0.003;
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 0);
}

DOCTEST_TEST_CASE("where nothing keeps the budgets the oracle breaks them least") {
  Task task({{{0.9}, {0.4}}, {{0.1}, {0.2}}, {{0.5}, {0.2}}, {{0.8}, {0.3}}});
  DOCTEST_CHECK(task.oracle().act(Observation{0.0}) == 2);
  Task as_good({{{0.1}, {0.2}}, {{0.5}, {0.204}}, {{0.9}, {0.21}}});
  DOCTEST_CHECK(as_good.oracle().act(Observation{0.0}) == 1);
}

DOCTEST_TEST_CASE("of equals the oracle takes the lowest and stays with the one in force") {
  Task task({{{0.5}}, {{0.7}}, {{0.7}}});
  Oracle oracle = task.oracle();
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  task.future.futures[1].rewards = {0.6};
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 2);
  task.future.futures[1].rewards = {0.7};
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 2);
}

DOCTEST_TEST_CASE("what a change costs is weighed against what follows, and is no violation") {
  // A request that is late for sure, and then 0.12 more a period for 99 periods: worth it. For 0.08
  // it is not.
  Task worth({{{0.5}}, {{-9.0, 0.62}, {1.0, 0.0}}});
  DOCTEST_CHECK(worth.oracle().act(Observation{0.0}) == 1);
  Task not_worth({{{0.5}}, {{-9.0, 0.58}, {1.0, 0.0}}});
  DOCTEST_CHECK(not_worth.oracle().act(Observation{0.0}) == 0);
}

DOCTEST_TEST_CASE("while requests wait the oracle does what is best for them, and then settles") {
  // 0.9 in the long run, but late for two periods; 0.5 and in time.
  Task task({{{0.5}}, {{-4.0, -4.0, 0.9}}});
  Oracle oracle = task.oracle();
  StepInfo info;
  info.applications.resize(1);
  const std::vector<RewardTerm> terms;
  const Observation nothing{0.0};
  const auto observe = [&](double waited_ms) {
    info.applications.front().service.waited_ms = waited_ms;
    oracle.observe({nothing, 1, 0.0, terms, nothing, false, false, &info});
  };
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  observe(7.0);
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 0);
  observe(0.0);
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  // What is hardly better is not worth it.
  task.future.futures[0].rewards = {-3.98};
  observe(7.0);
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
}

DOCTEST_TEST_CASE("what looks feasible for ten periods and is not does not hide what is") {
  // Requests that take longer than the first look; heat.
  std::vector<Future> futures(40, Future{{0.9}, std::vector<double>(20, 0.0)});
  for (auto& future : futures) {
    future.violations.push_back(1.0);
  }
  futures[7] = {{0.3}};
  Task task(std::move(futures));
  DOCTEST_CHECK(task.oracle({.horizon = 50, .candidates = 4}).act(Observation{0.0}) == 7);
  // With a shorter horizon it cannot be seen.
  DOCTEST_CHECK(task.oracle({.horizon = 15, .candidates = 4}).act(Observation{0.0}) == 0);
}

DOCTEST_TEST_CASE("the oracle looks far ahead only for the best candidates") {
  std::vector<Future> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back({{0.009 * i}});
  }
  Task task(std::move(futures));
  DOCTEST_CHECK(task.oracle({.horizon = 50, .candidates = 8}).act(Observation{0.0}) == 99);
  const auto far = std::ranges::count_if(
      task.future.asked, [](const auto& entry) { return entry.first.second == 50; });
  DOCTEST_CHECK(far == 8);
}

DOCTEST_TEST_CASE("actions whose bound is no better than what is in force are not looked at") {
  Task task({{{0.5}}, {{0.9}}, {{0.4}}});
  Problem problem = task.problem();
  problem.reward_bounds = {0.5, 0.9, 0.4};
  Oracle oracle({}, problem, task.future);
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  task.future.asked.clear();
  DOCTEST_CHECK(oracle.act(Observation{0.0}) == 1);
  DOCTEST_CHECK(std::ranges::all_of(task.future.asked,
                                    [](const auto& entry) { return entry.first.first == 1; }));
}

DOCTEST_TEST_CASE("an oracle goes on from its checkpoint as if never stopped") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  Task task({{{0.5}}, {{0.7}}, {{0.7}}});
  Oracle original = task.oracle({.horizon = 20, .candidates = 3});
  task.future.futures[1].rewards = {0.6};
  DOCTEST_CHECK(original.act(Observation{0.0}) == 2);
  task.future.futures[1].rewards = {0.7};
  original.save(file);
  Oracle resumed = task.oracle();
  resumed.load(file);
  DOCTEST_CHECK(resumed.act(Observation{0.0}) == 2);  // It is in force; a new one takes 1.
  resumed.save(folder.path() / "again.json");
  DOCTEST_CHECK(read_file(folder.path() / "again.json") == read_file(file));

  std::string text = read_file(file);
  text.replace(text.find("\"in_force\": 2"), 13, "\"in_force\": 3");
  write_file(file, text);
  DOCTEST_CHECK_THROWS_AS(resumed.load(file), ConfigError);
}

DOCTEST_TEST_CASE("an oracle or a best static configuration needs a simulated board, and says so") {
  Task task({Future{{0.5}}});
  Random random(1);
  for (const std::string kind : {"oracle", "best_static"}) {
    const auto node = ConfigNode::parse("agent: {kind: " + kind + "}", "run.yaml").at("agent");
    DOCTEST_CHECK_THROWS_WITH_AS(make_agent(node, task.problem(), random),
                                 ("run.yaml:1:15: agent.kind: " + kind +
                                  " needs a simulated board: `platform: {kind: simulated}`")
                                     .c_str(),
                                 ConfigError);
  }
  const auto short_sighted =
      ConfigNode::parse("agent: {kind: oracle, horizon: 2}", "run.yaml").at("agent");
  DOCTEST_CHECK_THROWS_WITH_AS(
      make_agent(short_sighted, task.problem(), random, {.clairvoyant = &task.future}),
      "run.yaml:1:32: agent.horizon: expected a whole number from 10 to 1000, found '2'",
      ConfigError);
}

/// A small board that is hot, disturbed and asked for more and less.
SimulatedTask varied_task() {
  return SmallTask::make(
      "name: varied\n"
      "co_runners:\n"
      "  burner: {contention: {cpu: {fastest: 1}}}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 10}\n"
      "  - {name: burnt, duration_s: 10, co_runners: [burner]}\n"
      "  - {name: sooner, duration_s: 10, relative: {deadline: 0.4}}\n"
      "  - {name: less, duration_s: 10, relative: {power: 0.6}}\n"
      "  - {name: often, duration_s: 10, relative: {rate: 3}}\n");
}

DOCTEST_TEST_CASE("no configuration that is kept beats the oracle on a small board") {
  const SimulatedTask task = varied_task();
  const auto always = [] { return false; };
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const Problem problem = problem_of(environment);
  Oracle oracle({}, problem, world.clairvoyant());
  RunSummary summary(environment, 50.0);
  ControlLoop(environment, oracle, world.clock(),
              {[&](const PeriodRecord& record) { summary.add(record); }})
      .run(1, always);
  const double violation = summary.budgets().worst_rate();
  for (ActionId action = 0; action < problem.actions.size(); ++action) {
    DOCTEST_CAPTURE(problem.actions.describe(action));
    Statistics statistics;
    BudgetTally tally;
    environment.reset(1);
    for (bool ended = false; !ended;) {
      const StepResult& result = environment.step(action);
      statistics.add(result, std::nullopt, std::nullopt);
      tally.add(result.info);
      ended = result.truncated;
    }
    DOCTEST_CHECK(statistics.reward() <= summary.whole().reward() + 0.01);
    if (tally.worst_rate() <= violation) {
      DOCTEST_CHECK(statistics.accuracy_top1() <= summary.whole().accuracy_top1() + 1e-9);
    }
  }
}

}  // namespace
}  // namespace rein
