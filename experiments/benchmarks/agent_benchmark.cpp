// What a decision and a step of learning cost on one core: a network of ours beside LibTorch's, and
// the agents in the simulated worlds of the shipped runs.
#include <benchmark/benchmark.h>

#ifdef REIN_HAS_LIBTORCH
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "support/torch_losses.hpp"
#endif

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/make_agent.hpp"
#include "agent/neural/fused_network.hpp"
#include "agent/neural/q_loss.hpp"
#include "study/run/run_config.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {
namespace {

const NetworkLayout kLayout({16, 64, 64, 12});

/// Evaluate and take the best of 12.
void BM_DecisionFused(benchmark::State& state) {
  Random random(1);
  const AlignedFloats weights = kLayout.draw(random);
  FusedNetwork network(kLayout, 1);
  std::fill_n(network.input(0), kLayout.inputs(), 0.5F);
  for (auto _ : state) {
    network.evaluate(weights, 1);
    const float* output = network.output(0);
    benchmark::DoNotOptimize(std::max_element(output, output + kLayout.outputs()));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_DecisionFused);

#ifdef REIN_HAS_LIBTORCH
void BM_DecisionTorch(benchmark::State& state) {
  const c10::InferenceMode inference;
  at::set_num_threads(1);
  const auto weights = [](std::int64_t outputs, std::int64_t inputs) {
    return at::rand({outputs, inputs});
  };
  const at::Tensor layers[] = {weights(64, 16), weights(64, 64), weights(12, 64)};
  const at::Tensor biases[] = {at::rand({64}), at::rand({64}), at::rand({12})};
  const at::Tensor input = at::full({1, 16}, 0.5);
  for (auto _ : state) {
    at::Tensor row = at::relu(at::linear(input, layers[0], biases[0]));
    row = at::relu(at::linear(row, layers[1], biases[1]));
    benchmark::DoNotOptimize(at::linear(row, layers[2], biases[2]).argmax(1).item<std::int64_t>());
  }
}
BENCHMARK(BM_DecisionTorch);
#endif

/// An agent in the world of a shipped run.
class Play {
 public:
  /// @param controls  instead of the run's; empty: the run's.
  Play(const std::string& run, const std::string& agent, const std::string& controls = "")
      : config_(load(run, controls)),
        world_(task_of(config_)),
        agent_(make_agent(ConfigNode::parse(agent, "agent"), problem_of(world_.environment()),
                          random_)),
        session_(agent_->policy().begin_episode(random_)) {
    now_.observation = world_.environment().reset(seed_);
  }

  Learner& agent() { return *agent_; }
  Session& session() { return *session_; }
  View view() { return {now_.observation, world_.environment().task(), last()}; }
  Decision decide() { return agent_->policy().decide(view(), *session_); }
  std::string describe() {
    const Environment& environment = world_.environment();
    return std::to_string(environment.action_space().size()) + " actions, " +
           std::to_string(environment.observation_spec().size()) + " features";
  }

  /// One period, and what the agent learns from it.
  const PeriodRecord& step() {
    now_.decision = decide();
    now_.action = now_.decision.action;
    now_.result = world_.environment().step(now_.action);
    agent_->learn(now_, *session_);
    std::swap(now_, last_);
    if (last_.result.terminated || last_.result.truncated) {
      now_.index = 0;
      now_.observation = world_.environment().reset(++seed_);
      agent_->end_episode(*session_);
      session_ = agent_->policy().begin_episode(random_);
    } else {
      now_.index = last_.index + 1;
      now_.observation = last_.result.observation;
    }
    return last_;
  }

 private:
  static RunConfig load(const std::string& run, const std::string& controls) {
    RunOverrides overrides;
    if (!controls.empty()) {
      overrides.settings.push_back("controls=" + controls);
    }
    return RunConfig::load(REIN_SOURCE_DIR "/configs/runs/" + run + ".yaml", overrides);
  }
  const PeriodRecord* last() const { return now_.index == 0 ? nullptr : &last_; }

  RunConfig config_;
  SimulatedWorld world_;
  Random random_{1};
  std::unique_ptr<Learner> agent_;
  std::unique_ptr<Session> session_;
  std::uint64_t seed_ = 1;
  PeriodRecord now_, last_;
};

const char* const kRuns[] = {"jetson-nano", "jetson-xavier-nx", "jetson-orin-nx", "odroid-xu3",
                             "raspberry-pi-4"};
const char* const kTabular[] = {"{kind: q_learning}",
                                "{kind: q_learning, double: true, trace_decay: 0.8}"};
const char* const kAgents[] = {"dqn", "actor_critic", "q_learning", "model_based"};

/// An agent's choice, after some periods of learning.
void BM_Decision(benchmark::State& state) {
  const std::string kind = kAgents[state.range(0)];
  Play play(kRuns[state.range(1)], "{kind: " + kind + "}");
  for (int i = 0; i < 1000; ++i) {
    play.step();
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(play.decide());
  }
  state.SetLabel(kind + ", " + kRuns[state.range(1)] + ", " + play.describe());
}
BENCHMARK(BM_Decision)->ArgsProduct({{0, 1, 2, 3}, {0, 1, 2, 3, 4}});

/// A period of the model-based learner with a shipped checkpoint: decision, simulation (a
/// microsecond or two) and learning.
void BM_ModelBasedPeriod(benchmark::State& state) {
  const std::string run = kRuns[state.range(0)];
  Play play(run, "{kind: model_based}");
  play.agent().load(REIN_SOURCE_DIR "/configs/trained/model_based/" + run + ".json");
  for (auto _ : state) {
    play.step();
  }
  state.SetLabel("model_based, " + run + ", " + play.describe());
}
BENCHMARK(BM_ModelBasedPeriod)->DenseRange(0, 4);

/// A choice among 50,000 actions: a board with every clock it has, and bandwidths.
void BM_ModelBasedOfMany(benchmark::State& state) {
  Play play("odroid-xu3", "{kind: model_based}",
            "{frequency: {little: all, big: all}, bandwidth_levels_cpus: [1, 2, 3, 4, 8]}");
  for (int i = 0; i < 50; ++i) {
    play.step();
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(play.decide());
  }
  state.SetLabel("model_based, " + play.describe());
}
BENCHMARK(BM_ModelBasedOfMany)->Unit(benchmark::kMillisecond);

/// Periods of a run's world, as an agent lived through them while it learned from them.
class Recording {
 public:
  Recording(const std::string& run, const std::string& agent, std::size_t periods) {
    Play play(run, agent);
    lived_.reserve(periods);
    for (std::size_t i = 0; i < periods; ++i) {
      lived_.push_back(play.step());
    }
  }

  /// The agent decides in each period, and learns from what was done in it.
  void show_to(Play& play, std::size_t period) const {
    static const Task kNothingAsked;
    const PeriodRecord& lived = lived_[period % lived_.size()];
    benchmark::DoNotOptimize(play.agent().policy().decide(
        View(lived.observation, kNothingAsked, nullptr), play.session()));
    play.agent().learn(lived, play.session());
  }

 private:
  std::vector<PeriodRecord> lived_;
};

/// A decision and an update of the tabular learner, in the order in which they were recorded.
void BM_TabularDecisionAndUpdate(benchmark::State& state) {
  constexpr std::size_t kPeriods = 10000;
  const std::string agent = kTabular[state.range(0)];
  const std::string run = kRuns[state.range(1)];
  const Recording recording(run, agent, kPeriods);
  Play play(run, agent);
  std::size_t period = 0;
  while (period < kPeriods) {
    recording.show_to(play, period++);
  }
  for (auto _ : state) {
    recording.show_to(play, period++);
  }
  state.SetLabel(agent + ", " + run + ", " + play.describe());
}
BENCHMARK(BM_TabularDecisionAndUpdate)->ArgsProduct({{0, 1}, {0, 2, 3}});

/// A period of the simulated world with an agent that learns from it.
void train(benchmark::State& state, const std::string& run, const std::string& agent) {
  Play play(run, agent);
  for (int i = 0; i < 1000; ++i) {
    play.step();
  }
  for (auto _ : state) {
    play.step();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(run + ", " + play.describe());
}

/// One update of a batch of 32, 64-64, in each period.
void BM_DqnTrainingStep(benchmark::State& state) {
  train(state, kRuns[state.range(0)], "{kind: dqn, hidden: [64, 64], batch: 32}");
}
BENCHMARK(BM_DqnTrainingStep)->DenseRange(0, 4);

/// The gradients of a batch of 32 in a network 16-64-64-12, ours or LibTorch's.
void find_gradients(benchmark::State& state, QLoss& loss) {
  constexpr std::size_t kBatch = 32;
  Random random(1);
  const auto draw = [&](std::size_t count) {
    std::vector<float> numbers(count);
    std::ranges::generate(numbers, [&] { return static_cast<float>(random.bell()); });
    return numbers;
  };
  const QBatch batch{.observations = draw(kBatch * kLayout.inputs()),
                     .next_observations = draw(kBatch * kLayout.inputs()),
                     .parts = std::vector<BranchAction>(kBatch, 3),
                     .rewards = draw(kBatch),
                     .continues = std::vector<float>(kBatch, 1.0F)};
  const AlignedFloats weights = kLayout.draw(random);
  const AlignedFloats target = kLayout.draw(random);
  AlignedFloats gradients;
  for (auto _ : state) {
    benchmark::DoNotOptimize(loss.differentiate(batch, weights, target, gradients));
  }
}

const QHead kPlainHead{ActionBranches::joint(12), /*duelling=*/false};

void BM_QGradientsFused(benchmark::State& state) {
  find_gradients(state, *make_fused_q_loss(kLayout, kPlainHead, {}, 32));
}
BENCHMARK(BM_QGradientsFused);

#ifdef REIN_HAS_LIBTORCH
void BM_QGradientsTorch(benchmark::State& state) {
  at::set_num_threads(1);
  find_gradients(state, *make_torch_q_loss(kLayout, kPlainHead, {}));
}
BENCHMARK(BM_QGradientsTorch);
#endif

void BM_ActorCriticTrainingStep(benchmark::State& state) {
  train(state, kRuns[state.range(0)], "{kind: actor_critic}");
}
BENCHMARK(BM_ActorCriticTrainingStep)->DenseRange(0, 4);

}  // namespace
}  // namespace rein

BENCHMARK_MAIN();
