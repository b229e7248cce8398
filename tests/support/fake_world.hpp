#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/network_worker.hpp"
#include "env/serving_environment.hpp"
#include "support/fake_machine.hpp"

namespace rein {

/// A ServingEnvironment over a FakeMachine, with a scenario from text.
struct FakeWorld {
  static inline const std::string kScenario =
      "name: fake\n"
      "co_runners:\n"
      "  first: {command: [busy], cpus: \"0\"}\n"
      "  second: {command: [busy], cpus: \"1\"}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 2}\n"
      "  - {name: one, duration_s: 2, co_runners: [first]}\n"
      "  - {name: both, duration_s: 2, co_runners: [first, second]}\n"
      "  - {name: tight, duration_s: 2, budgets: {latency: {deadline_ms: 5}}}\n";

  static Budgets budgets() {
    Budgets budgets;
    budgets.latency = LatencyBudget{.deadline_ms = 12.0, .miss_rate = 0.05};
    budgets.power = PowerBudget{.limit_w = 4.0, .window_s = 0.5, .signal = PowerSignal::kOurs};
    return budgets;
  }

  explicit FakeWorld(const std::string& scenario_text = kScenario,
                     const RequestSpec& requests = default_requests(),
                     const FakeMachine& fake_machine = {})
      : machine(fake_machine),
        scenario(Scenario::from_yaml(ConfigNode::parse(scenario_text, "scenario"), budgets())),
        player(scenario, co_runners()),
        worker(network, images, requests.batch),
        environment(platform, worker, "app", requests, player, machine.clock, {}) {}

  static RequestSpec default_requests() {
    return {.arrival = RequestSpec::Arrival::kPeriodic,
            .rate_hz = 40.0,
            .batch = 4,
            .queue_limit = 4,
            .drop_expired = true};
  }

  std::vector<std::unique_ptr<CoRunner>> co_runners() {
    std::vector<std::unique_ptr<CoRunner>> result;
    for (const auto& spec : scenario.co_runners) {
      auto co_runner = std::make_unique<FakeCoRunner>(machine, spec.cpus);
      fakes.push_back(co_runner.get());
      result.push_back(std::move(co_runner));
    }
    return result;
  }

  /// By label: width, place, bandwidth.
  Action action(const std::string& width, const std::string& place,
                const std::string& bandwidth = "2cpu") const {
    const auto& knobs = environment.action_space().knobs();
    return {knobs[0].find(width), knobs[1].find(place), knobs[2].find(bandwidth)};
  }

  FakeMachine machine;
  FakePlatform platform{machine};
  FakeNetwork network{machine};
  ImageSet images = fake_images();
  Scenario scenario;
  std::vector<FakeCoRunner*> fakes;  ///< Owned by the player.
  ScenarioPlayer player;
  NetworkWorker worker;
  ServingEnvironment environment;
};

}  // namespace rein
