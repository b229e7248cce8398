#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/evaluation.hpp"

namespace rein::report {

/// Figures by name, in the order in which they were written.
using Averages = std::vector<std::pair<std::string, MeanAndSpread>>;

/// What an evaluation came to: what its summary.json holds. docs/evaluate.md describes it.
struct Evaluation {
  /// One agent in one world.
  struct Result {
    std::string run;  ///< Name of the run file.
    std::string board;
    std::string scenario;
    std::string objective;
    std::string agent;
    std::size_t episodes = 0;
    Averages figures;
    /// What a static agent kept, in the order of the seeds.
    std::vector<std::string> configurations;
  };
  /// One agent over all worlds.
  struct Total {
    std::string agent;
    Averages figures;
  };

  std::string version;
  std::vector<std::uint64_t> seeds;
  std::uint64_t practice = 0;       ///< Episodes before the one that counts.
  std::vector<Total> totals;        ///< In the order of the agents.
  std::vector<Result> results;      ///< By run, then scenario, then agent.
  std::vector<std::string> errors;  ///< Of episodes that could not be played.

  nlohmann::ordered_json to_json() const;
};

/// The figure of that name; empty if there is none.
MeanAndSpread find(const Averages& figures, const std::string& name);

/// Whether `folder` holds an evaluation, and not a run.
bool is_evaluation(const std::filesystem::path& folder);

/// @throws ConfigError naming file, line and key for what is missing or wrong.
Evaluation read_evaluation(const std::filesystem::path& folder);

}  // namespace rein::report
