#pragma once

#include <filesystem>
#include <string>

#include "common/files.hpp"
#include "support/temporary_folder.hpp"

namespace rein {

/// A run file with its board and its scenario in a folder of its own, all in good order.
struct RunFiles {
  RunFiles() {
    write_file(board(), kBoard);
    write_file(scenario(), kScenario);
    write_file(run(), kRun);
  }
  std::filesystem::path board() const { return folder.path() / "board.yaml"; }
  std::filesystem::path scenario() const { return folder.path() / "scenario.yaml"; }
  std::filesystem::path run() const { return folder.path() / "run.yaml"; }

  /// Replaces the first `what` in a file.
  static void edit(const std::filesystem::path& file, const std::string& what,
                   const std::string& by) {
    std::string text = read_file(file);
    const auto at = text.find(what);
    if (at == std::string::npos) {
      throw std::logic_error("not in " + file.string() + ": " + what);
    }
    write_file(file, text.replace(at, what.size(), by));
  }

  static inline const std::string kBoard =
      "name: test board\n"
      "cpus: \"0\"\n"
      "places:\n"
      "  - {name: cpu0, cpus: \"0\", threads: 1}\n"
      "bandwidth: {levels_cpus: [0.5, 1]}\n"
      "power_model: {idle_w: 2, cpu_w: 3}\n";
  static inline const std::string kScenario =
      "name: test\n"
      "co_runners:\n"
      "  busy: {command: [sleep, \"1000\"], cpus: \"0\"}\n"
      "phases:\n"
      "  - {name: first, duration_s: 1}\n"
      "  - {name: second, duration_s: 1000, co_runners: [busy]}\n";
  static inline const std::string kRun =
      "board: board.yaml\n"
      "applications:\n"
      "  - name: app\n"
      "    network: {kind: slimmable, checkpoint: " REIN_SOURCE_DIR
      "/models/trained/fashion-mnist.rein}\n"
      "    images: {kind: fashion-mnist}\n"
      "    requests: {arrival: periodic, rate_hz: 50, batch: 1}\n"
      "budgets:\n"
      "  latency: {deadline_ms: 50}\n"
      "objective: max_accuracy\n"
      "agent: {kind: random}\n"
      "scenario: scenario.yaml\n"
      "period_ms: 20\n";

  TemporaryFolder folder;
};

}  // namespace rein
