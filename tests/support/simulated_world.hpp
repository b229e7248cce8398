#pragma once

#include <string>

#include "env/simulated_world.hpp"
#include "support/simulated_board.hpp"

namespace rein {

/// A task on SmallBoards::cpus(), plain enough to work out by hand: on one thread at 1000 MHz a
/// request takes 6 ms at half width and 11 ms at full, on two 4 and 7 ms.
struct SmallTask {
  static SimulatedNetwork network() {
    return SimulatedNetwork::from_yaml(
        ConfigNode::parse("name: net\nkind: cnn\nlevels:\n"
                          "  - {width: 0.5, top1: 0.6, mflops: 50}\n"
                          "  - {width: 1.0, top1: 0.8, mflops: 100}\n",
                          "net.yaml"));
  }

  /// A deadline of 20 ms and 3 W.
  static Budgets budgets() {
    Budgets budgets;
    budgets.latency = LatencyBudget{.deadline_ms = 20.0, .miss_rate = 0.0};
    budgets.power = PowerBudget{.limit_w = 3.0};
    return budgets;
  }

  static inline const std::string kAlone = "name: alone\nphases: [{name: alone, duration_s: 60}]\n";

  /// 20 requests a second; all knobs. @param board_more  goes on with the board's `simulation`.
  static SimulatedTask make(const std::string& scenario = kAlone,
                            const std::string& board_more = "") {
    SimulatedTask task{
        .board = SmallBoards::parse(SmallBoards::cpus(board_more)),
        .application = "app",
        .network = network(),
        .requests = {.rate_hz = 20.0, .batch = 1},
        .scenario = Scenario::from_yaml(ConfigNode::parse(scenario, "scenario.yaml"), budgets()),
        .objective = {},
        .prices = {},
        .platform = {.application = "app", .places = {}, .frequencies = {}, .bandwidth = true}};
    task.platform.frequencies = task.board.domains;
    return task;
  }
};

/// The action with these levels, by label: width, mapping, and the rest at their highest.
inline Action action_of(const Environment& environment, const std::string& width,
                        const std::string& mapping) {
  const ActionSpace& actions = environment.action_space();
  auto levels = actions.decode(actions.size() - 1);
  levels[0] = actions.knobs()[0].find(width);
  levels[1] = actions.knobs()[1].find(mapping);
  return levels;
}

}  // namespace rein
