// The oracle, asking about futures that are written down here, and about a small simulated board.
#include "agent/oracle/oracle.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "agent/core/unlearning.hpp"
#include "agent/loop/budget_tally.hpp"
#include "agent/loop/control_loop.hpp"
#include "agent/loop/run_summary.hpp"
#include "agent/make_agent.hpp"
#include "agent/oracle/best_static.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "support/driven.hpp"
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
  Foreseen foresee(const Trial& trial) override {
    ++asked[{trial.action.front(), trial.periods}];
    return {.change = mean(trial, trial.change), .all = mean(trial, trial.periods)};
  }
  Outlook mean(const Trial& trial, std::size_t periods) const {
    const Future& future = futures.at(trial.action.front());
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
  std::optional<std::uint64_t> conditions() const override { return now; }
  std::optional<std::uint64_t> now;  ///< Conditions.
  std::vector<Future> futures;
  std::map<std::pair<ActionId, std::size_t>, int> asked;
};

struct DrivenOracle;

struct Bench {
  explicit Bench(std::vector<Future> futures)
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
  DrivenOracle oracle(Oracle::Options options = {});

  WrittenFuture future;
  ActionSpace actions;
  ObservationSpec observations{{Feature{.name = "f"}}};
};

/// In an episode of its own.
struct DrivenOracle {
  DrivenOracle(const Problem& problem, Clairvoyant& clairvoyant, const Oracle::Options& options)
      : agent(std::make_unique<Oracle>(options, problem, clairvoyant), problem, random),
        driven(agent, problem.actions, random) {}
  ActionId act() { return driven.act(Observation{0.0}); }
  Random random{1};
  Unlearning agent;
  Driven driven;
};

DrivenOracle Bench::oracle(Oracle::Options options) { return {problem(), future, options}; }

DOCTEST_TEST_CASE("the oracle takes the best reward of what keeps the budgets") {
  Bench task({{{0.5}}, {{0.9}, {0.1}}, {{0.7}}, {.rewards = {0.8}, .overuse = 0.01}});
  DOCTEST_CHECK(task.oracle().act() == 2);
}

DOCTEST_TEST_CASE("the oracle stays a little below a limit, and less where it is already") {
  Bench task({{{0.5}}, {.rewards = {0.9}, .overuse = -0.01}});
  DrivenOracle oracle = task.oracle();
  DOCTEST_CHECK(oracle.act() == 1);
  task.future.futures[1].overuse = -0.005;
  DOCTEST_CHECK(oracle.act() == 1);
  DOCTEST_CHECK(task.oracle().act() == 0);
  task.future.futures[1].overuse = -0.003;
  DOCTEST_CHECK(oracle.act() == 0);
}

DOCTEST_TEST_CASE("where nothing keeps the budgets the oracle breaks them least") {
  Bench task({{{0.9}, {0.4}}, {{0.1}, {0.2}}, {{0.5}, {0.2}}, {{0.8}, {0.3}}});
  DOCTEST_CHECK(task.oracle().act() == 2);
  Bench as_good({{{0.1}, {0.2}}, {{0.5}, {0.204}}, {{0.9}, {0.21}}});
  DOCTEST_CHECK(as_good.oracle().act() == 1);
}

DOCTEST_TEST_CASE("of equals the oracle takes the lowest and stays with the one in force") {
  Bench task({{{0.5}}, {{0.7}}, {{0.7}}});
  DrivenOracle oracle = task.oracle();
  DOCTEST_CHECK(oracle.act() == 1);
  task.future.futures[1].rewards = {0.6};
  DOCTEST_CHECK(oracle.act() == 2);
  task.future.futures[1].rewards = {0.7};
  DOCTEST_CHECK(oracle.act() == 2);
}

DOCTEST_TEST_CASE("what a change costs is weighed against what follows, and is no violation") {
  // A request that is late for sure, and then 0.12 more a period for 99 periods: worth it. For 0.08
  // it is not.
  Bench worth({{{0.5}}, {{-9.0, 0.62}, {1.0, 0.0}}});
  DOCTEST_CHECK(worth.oracle().act() == 1);
  Bench not_worth({{{0.5}}, {{-9.0, 0.58}, {1.0, 0.0}}});
  DOCTEST_CHECK(not_worth.oracle().act() == 0);
}

DOCTEST_TEST_CASE("while requests wait the oracle does what is best for them, and then settles") {
  // 0.9 in the long run, but late for two periods; 0.5 and in time.
  Bench task({{{0.5}}, {{-4.0, -4.0, 0.9}}});
  DrivenOracle oracle = task.oracle();
  StepInfo info;
  info.applications.resize(1);
  const auto observe = [&](double waited_ms) {
    info.applications.front().service.waited_ms = waited_ms;
    oracle.driven.show(record_of({}, {1}, info));
  };
  DOCTEST_CHECK(oracle.act() == 1);
  observe(7.0);
  DOCTEST_CHECK(oracle.act() == 0);
  observe(0.0);
  DOCTEST_CHECK(oracle.act() == 1);
  // What is hardly better is not worth it.
  task.future.futures[0].rewards = {-3.98};
  observe(7.0);
  DOCTEST_CHECK(oracle.act() == 1);
}

DOCTEST_TEST_CASE("what looks feasible for ten periods and is not does not hide what is") {
  // Requests that take longer than the first look; heat.
  std::vector<Future> futures(40, Future{{0.9}, std::vector<double>(20, 0.0)});
  for (auto& future : futures) {
    future.violations.push_back(1.0);
  }
  futures[7] = {{0.3}};
  Bench task(std::move(futures));
  DOCTEST_CHECK(task.oracle({.horizon = 50, .candidates = 4}).act() == 7);
  // With a shorter horizon it cannot be seen.
  DOCTEST_CHECK(task.oracle({.horizon = 15, .candidates = 4}).act() == 0);
}

DOCTEST_TEST_CASE("the oracle looks far ahead only for the best candidates") {
  std::vector<Future> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back({{0.009 * i}});
  }
  Bench task(std::move(futures));
  DOCTEST_CHECK(task.oracle({.horizon = 50, .candidates = 8}).act() == 99);
  const auto far = std::ranges::count_if(
      task.future.asked, [](const auto& entry) { return entry.first.second == 50; });
  DOCTEST_CHECK(far == 8);
}

DOCTEST_TEST_CASE("actions whose bound is no better than what is in force are not looked at") {
  Bench task({{{0.5}}, {{0.9}}, {{0.4}}});
  Problem problem = task.problem();
  problem.reward_bounds = {0.5, 0.9, 0.4};
  DrivenOracle oracle(problem, task.future, {});
  DOCTEST_CHECK(oracle.act() == 1);
  task.future.asked.clear();
  DOCTEST_CHECK(oracle.act() == 1);
  DOCTEST_CHECK(std::ranges::all_of(task.future.asked,
                                    [](const auto& entry) { return entry.first.first == 1; }));
}

DOCTEST_TEST_CASE("where nothing changes the oracle keeps what it settled on for ten periods") {
  Bench task({{{0.5}}, {{0.7}}});
  task.future.now = 1;
  DrivenOracle oracle = task.oracle();
  for (int period = 0; period < 10; ++period) {
    DOCTEST_CHECK(oracle.act() == 1);
    oracle.driven.show(record_of({}, {1}, {}));
    const int asked = task.future.asked[{1, 50}];
    DOCTEST_CHECK(asked == 1);
    task.future.futures[0].rewards = {0.9};  // It has not looked.
  }
  DOCTEST_CHECK(oracle.act() == 0);
  // Other conditions are looked at there and then.
  task.future.futures[1].rewards = {1.0};
  oracle.driven.show(record_of({}, {0}, {}));
  DOCTEST_CHECK(oracle.act() == 0);
  oracle.driven.show(record_of({}, {0}, {}));
  task.future.now = 2;
  DOCTEST_CHECK(oracle.act() == 1);
  oracle.driven.show(record_of({}, {1}, {}));
  // So is every period of what is not known to stay.
  task.future.now.reset();
  task.future.futures[1].rewards = {0.1};
  DOCTEST_CHECK(oracle.act() == 0);
}

/// Where requests come by chance: what an action earns for a period, and then another one.
class WrittenChance final : public Clairvoyant {
 public:
  struct Kind {
    double settled = 0.0;    ///< Reward if it is kept.
    double violation = 0.0;  ///< Likewise, and in a period.
    double period = 0.0;     ///< Reward of a period, whatever follows.
    double overuse = -1.0;
  };
  explicit WrittenChance(std::vector<Kind> of_actions) : kinds(std::move(of_actions)) {}
  Foreseen foresee(const Trial& trial) override {
    const Kind& kind = kinds.at(trial.action.front());
    most_futures = std::max(most_futures, trial.futures);
    double reward = kind.settled;
    if (trial.then != nullptr) {
      const auto later = static_cast<double>(trial.periods_then);
      reward = (kind.period + later * kinds.at(trial.then->front()).settled) / (1.0 + later);
    }
    const Outlook outlook{
        .reward = reward, .violation = kind.violation, .overuse = kind.overuse, .together = reward};
    return {outlook, outlook};
  }
  bool is_by_chance() const override { return true; }
  std::vector<Kind> kinds;
  std::size_t most_futures = 0;
};

ActionId decide_by_chance(const std::vector<WrittenChance::Kind>& kinds) {
  const Bench task(std::vector<Future>(kinds.size()));
  WrittenChance chance(kinds);
  const ActionId action = DrivenOracle(task.problem(), chance, {}).act();
  DOCTEST_CHECK(chance.most_futures > 1);
  return action;
}

DOCTEST_TEST_CASE(
    "where requests come by chance the oracle leaves what it settled on for a period") {
  // 0.7 in the long run. A period that earns 0.9 instead of it is 0.05 better in the mean of four,
  // one that earns 0.72 is 0.005 better, which is not worth it.
  DOCTEST_CHECK(
      decide_by_chance({{.settled = 0.5, .period = 0.9}, {.settled = 0.7, .period = 0.7}}) == 0);
  DOCTEST_CHECK(
      decide_by_chance({{.settled = 0.5, .period = 0.72}, {.settled = 0.7, .period = 0.7}}) == 1);
  // Not if it breaks a budget that would be kept, or uses more of the machine's than is there.
  DOCTEST_CHECK(decide_by_chance({{.settled = 0.5, .violation = 0.1, .period = 0.9},
                                  {.settled = 0.7, .period = 0.7}}) == 1);
  DOCTEST_CHECK(decide_by_chance({{.settled = 0.5, .period = 0.9, .overuse = 0.1},
                                  {.settled = 0.7, .period = 0.7}}) == 1);
}

DOCTEST_TEST_CASE("where chance breaks a latency's budget with all actions, rewards decide") {
  const auto decide = [](double above_limit) {
    return decide_by_chance(
        {{.settled = 0.1, .violation = 0.10, .period = 0.1},
         {.settled = 0.6, .violation = 0.12, .period = 0.6},
         {.settled = above_limit, .violation = 0.11, .period = above_limit, .overuse = 0.05}});
  };
  DOCTEST_CHECK(decide(0.55) == 1);
  DOCTEST_CHECK(decide(0.65) == 2);
  // One that keeps all is taken before any that does not.
  DOCTEST_CHECK(decide_by_chance({{.settled = 0.1, .period = 0.1},
                                  {.settled = 0.6, .violation = 0.12, .period = 0.6}}) == 0);
}

DOCTEST_TEST_CASE("an oracle looks as far as its checkpoint says") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  Bench task({{{0.5}}, {{0.7}}, {{0.7}}});
  DrivenOracle original = task.oracle({.horizon = 20, .candidates = 3});
  original.agent.save(file);
  DrivenOracle resumed = task.oracle();
  resumed.agent.load(file);
  resumed.act();
  DOCTEST_CHECK(task.future.asked.count({1, 20}) == 1);
  resumed.agent.save(folder.path() / "again.json");
  DOCTEST_CHECK(read_file(folder.path() / "again.json") == read_file(file));

  std::string text = read_file(file);
  text.replace(text.find("\"horizon\": 20"), 13, "\"horizon\": 2");
  write_file(file, text);
  DOCTEST_CHECK_THROWS_AS(resumed.agent.load(file), ConfigError);
}

DOCTEST_TEST_CASE("an oracle or a best static configuration needs a simulated board, and says so") {
  Bench task({Future{{0.5}}});
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

void check_against_all_that_is_kept(const SimulatedTask& task, bool also_accuracy) {
  const auto always = [] { return false; };
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const Problem problem = problem_of(environment);
  Random random(1);
  Unlearning oracle(std::make_unique<Oracle>(Oracle::Options{}, problem, world.clairvoyant()),
                    problem, random);
  RunSummary summary(environment, 50.0);
  ControlLoop(environment, oracle, random, world.clock(),
              {.sinks = {[&](const PeriodRecord& record) { summary.add(record); }}})
      .run(1, always);
  const double violation = summary.budgets().worst_rate();
  for (ActionId id = 0; id < problem.actions.size(); ++id) {
    const Action action = problem.actions.decode(id);
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
    if (also_accuracy && tally.worst_rate() <= violation) {
      DOCTEST_CHECK(statistics.accuracy_top1() <= summary.whole().accuracy_top1() + 1e-9);
    }
  }
}

DOCTEST_TEST_CASE("no configuration that is kept beats the oracle on a small board") {
  check_against_all_that_is_kept(varied_task(), true);
}

DOCTEST_TEST_CASE("under Poisson arrivals a configuration that was kept beat the oracle") {
  SimulatedTask task = varied_task();
  task.requests.arrival = RequestSpec::Arrival::kPoisson;
  for (const bool drops_expired : {false, true}) {
    task.requests.drop_expired = drops_expired;
    DOCTEST_CAPTURE(drops_expired);
    check_against_all_that_is_kept(task, false);
  }
}

}  // namespace
}  // namespace rein
