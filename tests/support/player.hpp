#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/loop/control_loop.hpp"
#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "env/simulated_world.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {

using Change = std::function<void(SimulatedTask&)>;

inline void unchanged(SimulatedTask&) {}

/// An agent of a kind in a world of its own, of which it gets whatever its kind needs.
struct Player {
  explicit Player(const std::string& kind, std::uint64_t seed = 1, const Change& change = unchanged,
                  const std::string& options = "")
      : world(task(change)), random(seed) {
    const bool has_network = kind == "dqn" || kind == "actor_critic";
    const auto node = ConfigNode::parse(
        "{kind: " + kind + (has_network ? ", hidden: [4]" : "") + options + "}", "run.yaml");
    const Problem problem = problem_of(world.environment());
    agent = make_agent(node, problem, random,
                       {.clairvoyant = &world.clairvoyant(),
                        .find_best_static = [&problem] { return problem.actions.decode(3); },
                        .measure_profile = [&change] { return measured(change); }});
  }

  static SimulatedTask task(const Change& change) {
    SimulatedTask task = SmallTask::make(
        "name: busy\nco_runners:\n  busy: {contention: {cpu: {all: 1}, on_ms: 30, off_ms: 70}}\n"
        "phases:\n  - {name: one, duration_s: 2}\n"
        "  - {name: two, duration_s: 60, co_runners: [busy]}\n");
    task.duration_s = 4.0;
    change(task);
    return task;
  }
  static Profile measured(const Change& change) {
    SimulatedTask task = Player::task(change);
    task.scenario = Scenario::alone(SmallTask::budgets(), 60.0);
    SimulatedWorld alone(task);
    return Profile::measure(alone.environment(), 1, 1, 3);
  }

  Player& play() {
    ControlLoop(world.environment(), *agent, random, world.clock(), {}).run(1, [] {
      return false;
    });
    return *this;
  }
  std::string saved() const {
    agent->save(folder.path() / "saved.json");
    return read_file(folder.path() / "saved.json");
  }
  /// @return what it was refused with; empty if it was loaded.
  std::string load(const std::string& text) {
    const auto file = folder.path() / "agent.json";
    write_file(file, text);
    try {
      agent->load(file);
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      DOCTEST_CHECK(message.starts_with(file.string() + ":"));
      DOCTEST_CHECK(message.find('\n') == std::string::npos);
      return message.substr(file.string().size() + 1);
    }
    return "";
  }
  const ActionSpace& actions() { return world.environment().action_space(); }

  TemporaryFolder folder;
  SimulatedWorld world;
  Random random;
  std::unique_ptr<Learner> agent;
};

}  // namespace rein
