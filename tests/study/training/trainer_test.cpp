// Training in many drawn worlds: who is taught what, and going on where it stopped.
#include "study/training/trainer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "env/training_worlds.hpp"
#include "study/training/lesson.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

constexpr double kDurationS = 10.0;

/// The least power within a deadline: which configuration that is must be found out.
SimulatedTask small_task() {
  SimulatedTask task = SmallTask::make();
  task.objective = {.kind = Objective::Kind::kMinPower, .reference = 4.0};
  return task;
}

Budgets budgets() {
  Budgets budgets;
  budgets.latency = LatencyBudget{.deadline_ms = 20.0, .miss_rate = 0.0};
  return budgets;
}

TrainingWorlds small_worlds() { return {{{small_task(), budgets()}}, kDurationS, 1}; }

/// A learner, and all that is needed to train it.
struct School {
  explicit School(const std::filesystem::path& folder, Trainer::Options options = {})
      : trainer(
            options, lesson, [this](Random& of_copy) { return make(of_copy); },
            [this](std::uint64_t index) { return worlds.validation(index); },
            {Objective::Kind::kMinPower}, folder) {}

  std::unique_ptr<Learner> make(Random& of_agent) const {
    return make_agent(ConfigNode::parse("{kind: q_learning}", "run.yaml"),
                      problem_of(nominal->environment()), of_agent);
  }
  void run(const std::function<bool()>& stop = [] { return false; }) {
    trainer.run(
        *agent,
        [](std::size_t count, const std::function<void(std::size_t)>& work) {
          for (std::size_t i = 0; i < count; ++i) {
            work(i);
          }
        },
        stop, [](double, const std::vector<LearningPoint>&) {});
  }

  std::unique_ptr<SimulatedWorld> nominal = std::make_unique<SimulatedWorld>(small_task());
  TrainingWorlds worlds = small_worlds();
  Random random{1};
  PlayLesson lesson{[this](std::uint64_t index) { return worlds.training(index); }, 4, random};
  std::unique_ptr<Learner> agent = make(random);
  Trainer trainer;
};

/// Notes what it is taught.
class Pupil final : public Learner, public Policy {
 public:
  explicit Pupil(ActionSpace of_actions) : actions(std::move(of_actions)) {}

  std::string kind() const override { return "pupil"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override {
    begun.push_back(sessions);
    return std::make_unique<Numbered>(random, sessions++);
  }
  Decision decide(const View& view, Session& session) const override {
    attended.push_back(number(session));
    last_seen = view.observation;
    saw_the_last = saw_the_last && (view.last != nullptr) == (acted >= sessions);
    return {.action = actions.decode((acted++) % actions.size())};
  }

  const Policy& policy() const override { return *this; }
  const Problem& problem() const override { throw Error("none"); }
  void learn(const PeriodRecord& record, Session& session) override {
    streams.push_back(number(session));
    rewards.push_back(record.result.reward);
    if (acted > 0) {
      saw_itself = saw_itself && record.observation == last_seen;
      truncated += record.result.truncated ? 1 : 0;
    }
  }
  void end_episode(Session& session) override { ended.push_back(number(session)); }
  void archive(Archive&) override {}

  ActionSpace actions;
  mutable std::size_t sessions = 0;
  mutable std::size_t acted = 0;
  mutable Observation last_seen;
  bool saw_itself = true;
  mutable bool saw_the_last = true;
  int truncated = 0;
  mutable std::vector<std::size_t> begun;
  mutable std::vector<std::size_t> attended;
  std::vector<std::size_t> ended;
  std::vector<std::size_t> streams;
  std::vector<double> rewards;

 private:
  struct Numbered final : Session {
    Numbered(Random& source, std::size_t is) : Session(source), index(is) {}
    std::size_t index;
  };
  static std::size_t number(const Session& session) {
    return dynamic_cast<const Numbered&>(session).index;
  }
};

const std::function<void(double)> kQuiet = [](double) {};
const std::function<bool()> kNever = [] { return false; };

DOCTEST_TEST_CASE("several environments are played in turn, each as its own stream") {
  const TrainingWorlds worlds = small_worlds();
  std::vector<std::uint64_t> drawn;
  Random random(1);
  PlayLesson lesson(
      [&](std::uint64_t index) {
        drawn.push_back(index);
        return worlds.training(index);
      },
      3, random);
  Pupil pupil(worlds.training(0).environment->action_space());
  double last_share = 0.0;
  const auto periods = lesson.teach(
      pupil, 6, 3, kNever, [&](double share) { last_share = std::max(last_share, share); });
  DOCTEST_CHECK(drawn == std::vector<std::uint64_t>{6, 7, 8});
  DOCTEST_CHECK(pupil.begun == std::vector<std::size_t>{0, 1, 2});
  DOCTEST_CHECK(periods == pupil.streams.size());
  for (std::size_t i = 0; i < 30; ++i) {
    DOCTEST_REQUIRE(pupil.streams[i] == i % 3);
    DOCTEST_REQUIRE(pupil.attended[i] == i % 3);
  }
  DOCTEST_CHECK(pupil.saw_itself);
  DOCTEST_CHECK(pupil.saw_the_last);
  DOCTEST_CHECK(pupil.ended == std::vector<std::size_t>{0, 1, 2});
  DOCTEST_CHECK(pupil.truncated == 3);
  DOCTEST_CHECK(last_share > 0.9);
  DOCTEST_CHECK(last_share <= 1.0);
}

DOCTEST_TEST_CASE("recordings are shown one an episode, from the first again after the last") {
  const auto recording = [](double reward) {
    PeriodRecord record;
    record.observation = {0.0};
    record.result.reward = reward;
    return std::vector<PeriodRecord>(2, record);
  };
  Random random(1);
  ReplayLesson lesson({recording(1.0), recording(2.0)}, random);
  DOCTEST_CHECK(lesson.episodes_at_once() == 2);
  Pupil pupil(ActionSpace({}));
  DOCTEST_CHECK(lesson.teach(pupil, 1, 2, kNever, kQuiet) == 4);
  DOCTEST_CHECK(pupil.rewards == std::vector<double>{2.0, 2.0, 1.0, 1.0});
  DOCTEST_CHECK(pupil.begun.size() == 2);
  DOCTEST_CHECK(pupil.acted == 0);
}

DOCTEST_TEST_CASE("practice in drawn worlds makes a learner better in others") {
  const TemporaryFolder folder;
  School school(folder.path(), {.episodes = 40, .validate_every = 20});
  school.run();
  const auto& curve = school.trainer.curve();
  DOCTEST_REQUIRE(curve.size() == 3);
  DOCTEST_CHECK(curve[0].episodes == 0);
  DOCTEST_CHECK(curve[0].periods == 0);
  DOCTEST_CHECK(curve[1].episodes == 20);
  DOCTEST_CHECK(curve[2].episodes == 40);
  DOCTEST_CHECK(curve[2].reward > curve[0].reward + 0.1);

  // What was best in validation is kept, and the curve is a file.
  const auto best = std::ranges::max_element(curve, {}, &LearningPoint::reward);
  DOCTEST_CHECK((read_file(folder.path() / "best" / "agent.json") ==
                 read_file(folder.path() / "agent.json")) == (best->episodes == 40));
  const std::string csv = read_file(folder.path() / "training.csv");
  DOCTEST_CHECK(
      csv.starts_with("episodes,periods,reward,objective,violation,miss_share,seconds\n0,0,0."));
  DOCTEST_CHECK(std::ranges::count(csv, '\n') == 4);
}

/// Without the time that it took.
auto without_seconds(std::vector<LearningPoint> curve) {
  std::vector<std::vector<double>> points;
  for (const auto& point : curve) {
    points.push_back({static_cast<double>(point.episodes), static_cast<double>(point.periods),
                      point.reward, point.objective.value_or(-1.0), point.violation.value_or(-1.0),
                      point.miss_share.value_or(-1.0)});
  }
  return points;
}

DOCTEST_TEST_CASE("training that stops and goes on is to the bit what it is in one piece") {
  const TemporaryFolder whole_folder;
  const TemporaryFolder folder;
  const Trainer::Options options{
      .episodes = 24, .validate_every = 8, .validation_episodes = 2, .setting = "a: 1\n# two\n"};
  School whole(whole_folder.path(), options);
  whole.run();

  {
    School first(folder.path(), options);
    int asked = 0;
    first.run([&] { return first.trainer.episodes() == 12 && ++asked > 0; });
    DOCTEST_CHECK(first.trainer.episodes() == 12);
  }
  DOCTEST_CHECK(Trainer::is_begun(folder.path()));
  School second(folder.path(), options);
  second.random = Random(99);  // The checkpoint has the state that counts.
  second.trainer.resume(*second.agent);
  DOCTEST_CHECK(second.trainer.episodes() == 12);
  second.run();

  DOCTEST_CHECK(read_file(folder.path() / "agent.json") ==
                read_file(whole_folder.path() / "agent.json"));
  DOCTEST_CHECK(read_file(folder.path() / "best" / "agent.json") ==
                read_file(whole_folder.path() / "best" / "agent.json"));
  DOCTEST_CHECK(without_seconds(second.trainer.curve()) == without_seconds(whole.trainer.curve()));
}

DOCTEST_TEST_CASE("an interrupt had to wait for the end of a round of any length") {
  const TemporaryFolder whole_folder;
  const TemporaryFolder folder;
  const Trainer::Options options{
      .episodes = 8, .validate_every = 4, .validation_episodes = 2, .setting = "one"};
  School whole(whole_folder.path(), options);
  whole.run();

  {
    School first(folder.path(), options);
    int asked = 0;
    // In the middle of the first round, after the first validation.
    first.run([&] { return first.trainer.curve().size() == 1 && ++asked > 5; });
    DOCTEST_CHECK(asked == 6);
    DOCTEST_CHECK(first.trainer.episodes() == 0);
    DOCTEST_CHECK_FALSE(first.trainer.is_done());
  }
  School second(folder.path(), options);
  second.trainer.resume(*second.agent);
  second.run();
  DOCTEST_CHECK(second.trainer.is_done());
  DOCTEST_CHECK(read_file(folder.path() / "agent.json") ==
                read_file(whole_folder.path() / "agent.json"));
  DOCTEST_CHECK(without_seconds(second.trainer.curve()) == without_seconds(whole.trainer.curve()));
}

DOCTEST_TEST_CASE("the untrained agent was saved as the best before anything was trained") {
  const TemporaryFolder folder;
  School school(folder.path(), {.episodes = 4, .validate_every = 4, .setting = "one"});
  school.run([&] { return school.trainer.curve().size() == 1; });
  DOCTEST_CHECK_FALSE(std::filesystem::exists(folder.path() / "best"));
  school.run();
  DOCTEST_CHECK(std::filesystem::exists(folder.path() / "best" / "agent.json"));
}

DOCTEST_TEST_CASE("a validation that was interrupted is made up for, and teaches nothing") {
  const TemporaryFolder whole_folder;
  const TemporaryFolder folder;
  const Trainer::Options options{
      .episodes = 8, .validate_every = 4, .validation_episodes = 2, .setting = "one"};
  School whole(whole_folder.path(), options);
  whole.run();

  School first(folder.path(), options);
  first.run([] { return true; });
  DOCTEST_CHECK(first.trainer.episodes() == 0);
  DOCTEST_CHECK(first.trainer.curve().empty());
  School second(folder.path(), options);
  second.trainer.resume(*second.agent);
  second.run();
  DOCTEST_CHECK(without_seconds(second.trainer.curve()) == without_seconds(whole.trainer.curve()));
}

DOCTEST_TEST_CASE("training does not go on with another setting, or from a damaged state") {
  const TemporaryFolder folder;
  Trainer::Options options{
      .episodes = 4, .validate_every = 4, .validation_episodes = 1, .setting = "seed: 1"};
  School(folder.path(), options).run();
  options.setting = "seed: 2";
  School other(folder.path(), options);
  DOCTEST_CHECK_THROWS_WITH_AS(
      other.trainer.resume(*other.agent),
      doctest::Contains("setting: expected the training of the same run files"), ConfigError);
  write_file(folder.path() / "training.json", "{format: rein agent}");
  DOCTEST_CHECK_THROWS_AS(other.trainer.resume(*other.agent), ConfigError);
  DOCTEST_CHECK(other.trainer.episodes() == 0);
}

}  // namespace
}  // namespace rein
