#include "agent/core/examples.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "agent/core/managed_application.hpp"

namespace rein {

namespace {

constexpr std::size_t kExamples = 8;
constexpr std::uint64_t kSeed = 1;

/// What a decision is made on, and the decision.
struct Example {
  Observation observation;
  double deadline_ms = 100.0;
  double miss_rate = 0.01;
  double power_limit_w = 10.0;
  double rate_hz = 10.0;
  Action action;
};

Example draw_example(const Problem& problem, Random& random) {
  const auto within_decades = [&random](double least, double decades) {
    return least * std::pow(10.0, decades * random.uniform());
  };
  Example example;
  for (const Feature& feature : problem.observations.features()) {
    const Scale& scale = feature.scale;
    const double share = random.uniform();
    example.observation.push_back(random.uniform() < 0.25 ? scale.neutral
                                                          : std::lerp(scale.min, scale.max, share));
  }
  example.deadline_ms = within_decades(3.0, 2.5);
  example.power_limit_w = within_decades(0.5, 2.0);
  example.rate_hz = within_decades(1.0, 2.0);
  return example;
}

Action decide(const Example& example, const Policy& policy, const Problem& problem) {
  Task task;
  task.objective = problem.task.objective;
  task.prices = problem.task.prices;
  task.applications.resize(kManagedApplication + 1);
  ApplicationTask& application = task.applications[kManagedApplication];
  application.arrival = problem.task.arrival;
  application.rate_hz = example.rate_hz;
  application.latency =
      LatencyBudget{.deadline_ms = example.deadline_ms, .miss_rate = example.miss_rate};
  task.power = PowerBudget{.limit_w = example.power_limit_w, .signal = problem.task.power_signal};
  Random random(kSeed);
  const auto session = policy.begin_episode(random);
  return policy.decide(View(example.observation, task), *session).action;
}

}  // namespace

void archive_examples(Archive& archive, const Policy& policy, const Problem& problem,
                      const std::string& setting) {
  std::vector<Example> examples;
  std::string made_in = setting;
  if (!archive.is_reading()) {
    Random random(kSeed);
    for (std::size_t i = 0; i < kExamples; ++i) {
      examples.push_back(draw_example(problem, random));
      examples.back().action = decide(examples.back(), policy, problem);
    }
  }
  archive.text("setting", made_in);
  archive.list("views", examples, [&](Archive& each, Example& example) {
    each.numbers("observation", example.observation, problem.observations.size());
    each.number("deadline_ms", example.deadline_ms, Range::positive());
    each.number("miss_rate", example.miss_rate, Range::share());
    each.number("power_limit_w", example.power_limit_w, Range::positive());
    each.number("rate_hz", example.rate_hz, Range::positive());
    each.counts("action", example.action, problem.actions.knobs().size());
    if (!each.is_reading() || made_in != setting) {
      return;  // Under other parameters or for another task it may well decide otherwise.
    }
    const Action decided = decide(example, policy, problem);
    if (decided != example.action) {
      each.reject("action",
                  fmt::format("expected levels {} to be decided, as when it was saved, found {}: "
                              "the file was changed, or this rein decides otherwise",
                              fmt::join(example.action, " "), fmt::join(decided, " ")));
    }
  });
}

std::string hash_of(const Policy& policy) {
  Archive written;
  const_cast<Policy&>(policy).archive(written);  // What writes changes nothing.
  // FNV-1a (Fowler, Noll and Vo), of 64 bits.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : policy.kind() + written.json().dump()) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace rein
