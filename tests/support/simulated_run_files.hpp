#pragma once

#include <filesystem>
#include <string>

#include "common/files.hpp"
#include "support/simulated_board.hpp"
#include "support/temporary_folder.hpp"

namespace rein {

/// A run on SmallBoards::cpus() with all that it names in a folder of its own, all in good order.
struct SimulatedRunFiles {
  SimulatedRunFiles() {
    write_file(board(), SmallBoards::cpus(
                            "  latency_noise: {sigma: 0.05, tail_share: 0.05, tail_scale: 0.5,\n"
                            "                  tail_shape: 0.2, tail_persistence: 0.7}\n"));
    write_file(network(), kNetwork);
    write_file(scenario(), kScenario);
    write_file(run(), kRun);
  }
  std::filesystem::path board() const { return folder.path() / "board.yaml"; }
  std::filesystem::path network() const { return folder.path() / "network.yaml"; }
  std::filesystem::path scenario() const { return folder.path() / "scenario.yaml"; }
  std::filesystem::path run() const { return folder.path() / "small.yaml"; }

  static inline const std::string kNetwork =
      "name: net\n"
      "kind: cnn\n"
      "levels:\n"
      "  - {width: 0.5, top1: 0.6, mflops: 50}\n"
      "  - {width: 1.0, top1: 0.8, mflops: 100}\n";
  static inline const std::string kScenario =
      "name: test\n"
      "co_runners:\n"
      "  busy: {contention: {cpu: {all: 1}}}\n"
      "phases:\n"
      "  - {name: first, duration_s: 4}\n"
      "  - {name: second, duration_s: 4, co_runners: [busy]}\n";
  static inline const std::string kRun =
      "platform: {kind: simulated}\n"
      "board: board.yaml\n"
      "applications:\n"
      "  - name: app\n"
      "    network: {kind: simulated, levels: network.yaml}\n"
      "    requests: {arrival: poisson, rate_hz: 30, batch: 1}\n"
      "budgets:\n"
      "  latency: {deadline_ms: 15}\n"
      "  power: {limit_w: 3}\n"
      "objective: max_accuracy\n"
      "agent: {kind: q_learning}\n"
      "scenario: scenario.yaml\n"
      "period_ms: 100\n";

  TemporaryFolder folder;
};

}  // namespace rein
