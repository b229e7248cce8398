// What every kind of agent owes whoever runs it (agent/core/policy.hpp, learner.hpp).

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/power_reader.hpp"
#include "agent/loop/shield.hpp"
#include "agent/make_agent.hpp"
#include "support/draws.hpp"
#include "support/player.hpp"

namespace rein {
namespace {

/// What is not the same for all kinds.
struct Trait {
  std::set<std::string> kinds;
  bool of(const std::string& kind) const { return kinds.count(kind) > 0; }
};
/// Knows one world only, whatever it is asked.
const Trait kSeesItsOwnWorld{{"oracle"}};
/// Reckons with what is asked for, and so knows at once what a changed budget means. (So does
/// slackfit, whose margin leaves it no wider configuration to begin with here.)
const Trait kReckonsWithTheTask{{"model_based", "alert", "poet", "fulcrum", "oracle"}};
/// Draws from all that is allowed, however far from what is in force.
const Trait kReachesAll{{"random", "q_learning", "dqn", "actor_critic"}};

/// Allows what it was told to, which changes.
class ChangingMask final : public ActionMask {
 public:
  explicit ChangingMask(const ActionSpace& actions) : actions_(actions), allowed_(actions.size()) {}

  /// Any share of all: none, one, some, all.
  void change(Random& random) {
    constexpr double kShares[] = {0.0, 0.1, 0.5, 0.9, 1.0};
    const double share = kShares[random.index(std::size(kShares))];
    for (std::size_t i = 0; i < allowed_.size(); ++i) {
      allowed_[i] = random.uniform() < share;
    }
    if (random.index(4) == 0) {
      std::fill(allowed_.begin(), allowed_.end(), false);
      allowed_[random.index(allowed_.size())] = true;
    }
  }
  bool allows(const Action& action) const override { return allowed_[actions_.encode(action)]; }
  bool allows_any() const { return std::ranges::count(allowed_, true) > 0; }
  /// The first that is allowed, if any is, in place of what is not.
  Action replace(const Action& asked) const {
    const auto first = std::ranges::find(allowed_, true);
    return allows(asked) || first == allowed_.end()
               ? asked
               : actions_.decode(static_cast<ActionId>(first - allowed_.begin()));
  }

 private:
  const ActionSpace& actions_;
  std::vector<bool> allowed_;
};

void check(const Decision& decision, const ActionSpace& actions) {
  DOCTEST_REQUIRE_NOTHROW(actions.check(decision.action));
  DOCTEST_REQUIRE(decision.probability.has_value());
  DOCTEST_REQUIRE(*decision.probability > 0.0);
  DOCTEST_REQUIRE(*decision.probability <= 1.0);
  DOCTEST_REQUIRE(decision.exploration >= 0.0);
  DOCTEST_REQUIRE(decision.exploration <= 1.0);
}

/// One stream of a learner's: an episode of a world, a call at a time.
class Stream {
 public:
  /// All must outlive it. @param random  what is drawn from.
  Stream(Learner& learner, Environment& environment, Random& random, std::uint64_t seed = 1)
      : learner_(learner), environment_(environment) {
    record_.observation = environment_.reset(seed);
    session_ = learner_.policy().begin_episode(random);
  }

  const Decision& decide(const ActionMask* allowed = nullptr) {
    record_.decision = learner_.policy().decide(
        View(record_.observation, environment_.task(), last_ ? &*last_ : nullptr, allowed, true),
        *session_);
    record_.action = record_.decision.action;
    check(record_.decision, environment_.action_space());
    return record_.decision;
  }
  /// In place of what was asked for.
  void overrule(const Action& action) { record_.action = action; }
  void step() { record_.result = environment_.step(record_.action); }
  /// What is known of the last period from now on.
  PeriodRecord& record() { return record_; }
  void learn() { learner_.learn(record_, *session_); }
  /// @param is_known  the record is handed on.
  void go_on(bool is_known = true) {
    const Observation now = record_.result.observation;
    const std::uint64_t index = record_.index + 1;
    last_.reset();
    if (is_known) {
      last_ = record_;
    }
    record_.observation = now;
    record_.index = index;
  }
  Decision play() {
    Decision decision = decide();
    step();
    learn();
    go_on();
    return decision;
  }
  std::vector<Decision> play(std::size_t periods) {
    std::vector<Decision> decisions;
    for (std::size_t i = 0; i < periods; ++i) {
      decisions.push_back(play());
    }
    return decisions;
  }
  /// Somebody watches, who learns nothing.
  Decision watch() {
    Decision decision = decide();
    step();
    go_on();
    return decision;
  }
  void end() { learner_.end_episode(*session_); }

 private:
  Learner& learner_;
  Environment& environment_;
  std::unique_ptr<Session> session_;
  PeriodRecord record_;
  std::optional<PeriodRecord> last_;
};

Stream stream_of(Player& player, std::uint64_t seed = 1) {
  return {*player.agent, player.world.environment(), player.random, seed};
}

/// Hotter than it may be, whatever is done.
void hot(SimulatedTask& task) {
  for (auto& phase : task.scenario.phases) {
    phase.budgets.temperature = TemperatureBudget{.limit_c = 5.0};
  }
}
/// With a GPU, two clocks, and no reading of power or heat.
void with_gpu(SimulatedTask& task) {
  task.board = SmallBoards::parse(SmallBoards::gpu());
  task.platform.frequencies = task.board.domains;
  task.platform.bandwidth = false;
}
const Change kWorlds[] = {unchanged, hot, with_gpu};

constexpr std::size_t kStreams = 3;
constexpr std::size_t kPeriods = 30;

/// A world for each stream, and what each draws from.
struct Worlds {
  Worlds() {
    for (std::size_t i = 0; i < kStreams; ++i) {
      worlds.push_back(std::make_unique<SimulatedWorld>(Player::task(unchanged)));
      randoms.emplace_back(100 + i);
    }
  }
  std::vector<Stream> streams(Learner& learner) {
    std::vector<Stream> all;
    for (std::size_t i = 0; i < kStreams; ++i) {
      all.emplace_back(learner, worlds[i]->environment(), randoms[i], 10 + i);
    }
    return all;
  }
  std::vector<std::unique_ptr<SimulatedWorld>> worlds;
  std::vector<Random> randoms;
};

DOCTEST_TEST_CASE("streams of any policy do not meet: each is as if it were alone") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    if (kSeesItsOwnWorld.of(kind)) {
      continue;
    }
    Player player(kind);
    player.play();
    std::vector<std::vector<Decision>> together(kStreams);
    Worlds worlds;
    auto streams = worlds.streams(*player.agent);
    for (std::size_t period = 0; period < kPeriods; ++period) {
      for (std::size_t i = 0; i < kStreams; ++i) {
        together[i].push_back(streams[i].watch());
      }
    }
    for (std::size_t i = 0; i < kStreams; ++i) {
      Worlds others;
      auto alone = others.streams(*player.agent);
      bool is_same = true;
      for (std::size_t period = 0; period < kPeriods; ++period) {
        is_same = alone[i].watch() == together[i][period] && is_same;
      }
      DOCTEST_CHECK(is_same);
    }
  }
}

DOCTEST_TEST_CASE("any agent learns from several streams in turn, and goes the same way twice") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    std::vector<std::vector<Decision>> runs;
    std::vector<std::string> learned;
    for (int run = 0; run < 2; ++run) {
      Player player(kind);
      Worlds worlds;
      auto streams = worlds.streams(*player.agent);
      runs.emplace_back();
      for (std::size_t i = 0; i < kPeriods * kStreams; ++i) {
        runs.back().push_back(streams[i % kStreams].play());
      }
      for (auto& stream : streams) {
        stream.end();
      }
      learned.push_back(player.saved());
    }
    const bool is_decided_alike = runs[0] == runs[1];
    const bool is_learned_alike = learned[0] == learned[1];
    DOCTEST_CHECK(is_decided_alike);
    DOCTEST_CHECK(is_learned_alike);
  }
}

/// Loads it into both, which then have to go the same way.
void check_resumes(const std::string& checkpoint, Player& one, Player& other) {
  constexpr std::size_t kAfter = 5;
  std::vector<std::vector<Decision>> runs;
  std::vector<std::string> learned;
  for (Player* player : {&one, &other}) {
    DOCTEST_REQUIRE(player->load(checkpoint) == "");
    const bool is_read = player->saved() == checkpoint;
    DOCTEST_REQUIRE(is_read);
    Stream stream = stream_of(*player, 7);
    runs.push_back(stream.play(kAfter));
    stream.end();
    learned.push_back(player->saved());
  }
  const bool is_decided_alike = runs[0] == runs[1];
  const bool is_learned_alike = learned[0] == learned[1];
  DOCTEST_CHECK(is_decided_alike);
  DOCTEST_CHECK(is_learned_alike);
}

void check_saved_anywhere(const std::string& kind, const Change& world) {
  Player player(kind, 1, world);
  Player unsaved(kind, 1, world);
  Player one(kind, 2, world);
  Player other(kind, 3, world);
  for (std::uint64_t episode = 0; episode < 2; ++episode) {
    DOCTEST_CAPTURE(episode);
    check_resumes(player.saved(), one, other);
    Stream stream = stream_of(player, episode);
    Stream twin = stream_of(unsaved, episode);
    for (std::size_t period = 0; period < 6; ++period) {
      DOCTEST_CAPTURE(period);
      stream.decide();
      check_resumes(player.saved(), one, other);
      stream.step();
      stream.learn();
      check_resumes(player.saved(), one, other);
      stream.go_on();
      twin.play();
    }
    stream.play(30);
    stream.end();
    twin.play(30);
    twin.end();
  }
  const bool is_changed_by_saving = player.saved() != unsaved.saved();
  DOCTEST_CHECK_FALSE(is_changed_by_saving);
  // Between two episodes nothing is lost: who saved goes on like who was loaded.
  DOCTEST_REQUIRE(one.load(player.saved()) == "");
  Stream original = stream_of(player, 9);
  Stream loaded = stream_of(one, 9);
  const bool is_decided_alike = original.play(20) == loaded.play(20);
  original.end();
  loaded.end();
  const bool is_learned_alike = player.saved() == one.saved();
  DOCTEST_CHECK(is_decided_alike);
  DOCTEST_CHECK(is_learned_alike);
}

DOCTEST_TEST_CASE("any agent is saved and goes on from there between any two calls") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    check_saved_anywhere(kind, unchanged);
    check_saved_anywhere(kind, with_gpu);
  }
}

DOCTEST_TEST_CASE("what any agent draws is allowed, whatever is masked from period to period") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    for (const auto& world : kWorlds) {
      Player player(kind, 1, world);
      ChangingMask mask(player.actions());
      Random random(4);
      Stream stream = stream_of(player);
      for (std::size_t period = 0; period < 38; ++period) {
        DOCTEST_CAPTURE(period);
        mask.change(random);
        const Decision decision = stream.decide(&mask);
        const bool has_to = decision.probability < 1.0 || kReachesAll.of(kind);
        DOCTEST_CHECK((!has_to || !mask.allows_any() || mask.allows(decision.action)));
        stream.overrule(mask.replace(decision.action));
        stream.step();
        stream.learn();
        stream.go_on();
      }
      stream.end();
    }
  }
}

/// So little power and heat that a shield has something to do.
void tight(SimulatedTask& task) {
  for (auto& phase : task.scenario.phases) {
    phase.budgets.power = PowerBudget{.limit_w = 1.55};
    phase.budgets.temperature = TemperatureBudget{.limit_c = 36.0};
  }
}

DOCTEST_TEST_CASE("a shield never has to replace what an agent drew") {
  std::size_t overruled = 0;
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    Player player(kind, 1, tight);
    Shield shield({.budget_periods = 5}, problem_of(player.world.environment()));
    for (int episode = 0; episode < 3; ++episode) {
      Stream stream = stream_of(player);
      shield.begin_episode();
      for (std::size_t period = 0; period < 35; ++period) {
        shield.expect(player.world.environment().task());
        const Decision decision = stream.decide(&shield);
        const auto verdict = shield.check(decision.action);
        const bool is_replaced = verdict.action != decision.action;
        DOCTEST_CHECK((!is_replaced || (decision.probability == 1.0 && !kReachesAll.of(kind))));
        DOCTEST_CHECK((!is_replaced || !shield.allows_all()));
        overruled += is_replaced ? 1 : 0;
        stream.overrule(verdict.action);
        stream.step();
        stream.learn();
        shield.observe(stream.record());
        stream.go_on();
      }
      stream.end();
    }
  }
  DOCTEST_CHECK(overruled > 0);
}

/// The budgets of the second half of an episode.
struct Demand {
  std::string name;
  void (*set)(Budgets&);
  bool (*is_kept)(const StepInfo&, std::optional<double> power_w);
};

DOCTEST_TEST_CASE("who reckons with what is asked for follows a changed budget at once") {
  const Demand demands[] = {
      {"deadline", [](Budgets& budgets) { budgets.latency->deadline_ms = 6.0; },
       [](const StepInfo& info, std::optional<double>) {
         const auto& latencies = info.applications.front().service.latencies_ms;
         return std::ranges::all_of(latencies, [](double ms) { return ms <= 6.0; });
       }},
      {"power", [](Budgets& budgets) { budgets.power->limit_w = 1.4; },
       [](const StepInfo&, std::optional<double> power_w) { return power_w && *power_w < 1.4; }}};
  for (const auto& kind : agent_kinds()) {
    if (!kReckonsWithTheTask.of(kind)) {
      continue;
    }
    for (const auto& demand : demands) {
      DOCTEST_CAPTURE(kind);
      DOCTEST_CAPTURE(demand.name);
      constexpr std::size_t kBefore = 60;  // Also to learn in.
      constexpr std::size_t kSoon = 25;
      Player player(kind, 1, [&demand](SimulatedTask& task) {
        task.duration_s = 12.0;
        task.scenario.phases.back().co_runners.clear();
        task.scenario.phases.front().duration_s = 6.0;
        for (auto& phase : task.scenario.phases) {
          phase.budgets.latency->deadline_ms = 12.0;  // The fast clock, or a narrow network.
        }
        demand.set(task.scenario.phases.back().budgets);
      });
      const PowerReader power(player.world.environment().signals());
      Stream stream = stream_of(player);
      const Action before = stream.play(kBefore).back().action;
      stream.play(kSoon);
      const auto after = stream.play(20);
      DOCTEST_CHECK(after.back().action != before);
      const StepInfo& info = stream.record().result.info;
      DOCTEST_CHECK(demand.is_kept(info, power.value(info, PowerSignal::kMachine)));
    }
  }
}

/// What may be lacking of a record, or odd about it.
struct Lack {
  std::string name;
  std::function<void(PeriodRecord&, Random&)> make;
  bool is_known = true;  ///< It is handed on.
};

const std::vector<Lack>& lacks() {
  const auto of_info = [](void (*change)(StepInfo&)) {
    return [change](PeriodRecord& record, Random&) { change(record.result.info); };
  };
  const auto of_services = [](void (*change)(ServiceReport&)) {
    return [change](PeriodRecord& record, Random&) {
      for (ApplicationInfo& application : record.result.info.applications) {
        change(application.service);
      }
    };
  };
  static const std::vector<Lack> all = {
      {"no record", [](PeriodRecord&, Random&) {}, false},
      {"no information", of_info([](StepInfo& info) { info = {}; })},
      {"only what it earned", of_info([](StepInfo& info) {
         const auto terms = info.reward_terms;
         info = {};
         info.reward_terms = terms;
       })},
      {"no applications", of_info([](StepInfo& info) { info.applications.clear(); })},
      {"no task", of_info([](StepInfo& info) { info.task = {}; })},
      {"no signals", of_info([](StepInfo& info) { info.signals.clear(); })},
      {"no valid signal",
       of_info([](StepInfo& info) { info.signals.assign(info.signals.size(), std::nullopt); })},
      {"all signals stale", of_info([](StepInfo& info) {
         for (std::size_t i = 0; i < info.signals.size(); ++i) {
           info.stale.push_back(i);
         }
       })},
      {"no power", of_info([](StepInfo& info) {
         for (auto& signal : info.signals) {
           signal = 0.0;
         }
       })},
      {"nothing granted", of_info([](StepInfo& info) { info.granted.clear(); })},
      {"all refused", of_info([](StepInfo& info) {
         for (auto& grant : info.granted) {
           grant.level = 0;
           grant.value.reset();
           grant.refused = true;
         }
       })},
      {"left out", of_info([](StepInfo& info) {
         for (auto& grant : info.granted) {
           grant = {.refused = true, .left_out = true};
         }
       })},
      {"no time", of_info([](StepInfo& info) { info.interval_s = 0.0; })},
      {"no requests", of_services([](ServiceReport& service) { service = {}; })},
      {"all dropped", of_services([](ServiceReport& service) {
         service = {};
         service.dropped = 3;
       })},
      {"served in no time", of_services([](ServiceReport& service) {
         service.busy_ms = 0.0;
         std::ranges::fill(service.latencies_ms, 0.0);
       })},
      {"another action", [](PeriodRecord& record, Random& random) {
         for (std::size_t& level : record.action) {
           level = random.index(2);
         }
       }}};
  return all;
}

DOCTEST_TEST_CASE("any agent survives a record that lacks anything, and is none the worse") {
  for (const auto& kind : agent_kinds()) {
    for (const auto& lack : lacks()) {
      DOCTEST_CAPTURE(kind);
      DOCTEST_CAPTURE(lack.name);
      Random random(5);
      Player player(kind);
      Stream stream = stream_of(player);
      for (std::size_t period = 0; period < 38; ++period) {
        stream.decide();
        stream.step();
        const PeriodRecord whole = stream.record();
        const bool lacks_it = period >= 6 && period % 8 < 4;
        if (lacks_it) {
          lack.make(stream.record(), random);
        }
        if (!lacks_it || lack.is_known) {
          DOCTEST_REQUIRE_NOTHROW(stream.learn());
        }
        stream.go_on(!lacks_it || lack.is_known);
      }
      stream.end();
      // What it learned of it can be read back, which no number could that is none.
      DOCTEST_CHECK(Player(kind, 2).load(player.saved()) == "");
    }
  }
}

DOCTEST_TEST_CASE("any agent survives an episode of which nothing is ever known") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    Player player(kind);
    Stream stream = stream_of(player);
    for (std::size_t period = 0; period < 38; ++period) {
      stream.decide();
      stream.step();
      stream.record().result.info = {};
      DOCTEST_REQUIRE_NOTHROW(stream.learn());
      stream.go_on(period % 2 == 0);
    }
    DOCTEST_REQUIRE_NOTHROW(stream.end());
  }
}

DOCTEST_TEST_CASE("any agent is shown what somebody else did, and who can learns from it") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    Player other("random", 3);
    Stream others = stream_of(other);
    Player player(kind);
    const auto session = player.agent->policy().begin_episode(player.random);
    const std::string before = player.saved();
    for (std::size_t period = 0; period < 38; ++period) {
      others.decide();
      others.step();
      PeriodRecord seen = others.record();  // As a trace has it.
      seen.result.info = {};
      seen.result.info.reward_terms = others.record().result.info.reward_terms;
      DOCTEST_REQUIRE_NOTHROW(player.agent->learn(seen, *session));
      others.go_on();
    }
    DOCTEST_REQUIRE_NOTHROW(player.agent->end_episode(*session));
    const bool has_learned = player.saved() != before;
    DOCTEST_CHECK((has_learned || !player.agent->learns_from_others()));
  }
}

/// Decides an episode's second period again and again: each time in a session that has seen the
/// same first one.
class SecondDecision {
 public:
  explicit SecondDecision(Player& player)
      : player_(player), task_(player.world.environment().task()) {
    Environment& environment = player.world.environment();
    Random random(6);
    first_.observation = environment.reset(1);
    task_ = environment.task();
    const auto session = policy().begin_episode(random);
    first_.decision = policy().decide(View(first_.observation, task_), *session);
    first_.action = first_.decision.action;
    first_.result = environment.step(first_.action);
  }

  Decision operator()(const ActionMask* allowed) {
    const auto session = policy().begin_episode(random_);
    policy().decide(View(first_.observation, task_), *session);
    Decision decision = policy().decide(
        View(first_.result.observation, player_.world.environment().task(), &first_, allowed, true),
        *session);
    check(decision, player_.actions());
    return decision;
  }

 private:
  const Policy& policy() const { return player_.agent->policy(); }

  Player& player_;
  Task task_;
  PeriodRecord first_;
  Random random_{11};
};

DOCTEST_TEST_CASE("the probability that any agent notes is that of what it draws") {
  std::size_t drawing = 0;
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    for (const auto& world : kWorlds) {
      Player player(kind, 1, world);
      player.play();
      SecondDecision decide(player);
      const Forbids few(player.actions(), {0, 3, 4, 9, 19});
      const Forbids more(player.actions(), {0, 3, 4, 9, 20, 23});
      for (const ActionMask* mask : std::vector<const ActionMask*>{nullptr, &few, &more}) {
        const Decision once = decide(mask);
        const bool draws = once.probability < 1.0;
        drawing += draws ? 1 : 0;
        // Who does not draw decides the same each time.
        const Draws drawn(player.actions(), draws ? 20'000 : 30, [&] { return decide(mask); });
        drawn.check(0.01);
        DOCTEST_CHECK((draws || drawn.is_drawn(player.actions().encode(once.action))));
      }
    }
  }
  DOCTEST_CHECK(drawing > 20);
}

}  // namespace
}  // namespace rein
