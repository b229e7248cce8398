#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "study/evaluation/episode_task.hpp"
#include "study/evaluation/variants.hpp"
#include "study/run/run_config.hpp"

namespace rein {

/// What `rein evaluate` was told.
struct EvaluationPlan {
  std::vector<std::filesystem::path> files;  ///< Run files; of a suite those that were drawn.
  std::string suite;                         ///< Its name; none if empty.
  std::uint64_t suite_seed = 1;
  std::size_t worlds = 20;                       ///< Of the suite.
  std::vector<Variant> variants;                 ///< Of different names.
  std::vector<std::filesystem::path> scenarios;  ///< Empty: each run's own.
  std::vector<std::string> settings;             ///< "dotted.key=value", for every run file.
  std::optional<double> duration_s;
  std::uint64_t seeds = 5;  ///< From 1 to this.
  std::uint64_t practice = 0;
  std::string compared;            ///< A variant beside which each other is put; none if empty.
  std::vector<std::string> shown;  ///< Variants whose course is drawn beside the oracle's.
  std::filesystem::path output;
  bool traces = false;

  /// Everything but where it is written, as YAML.
  std::string to_yaml() const;
};

/// The others are measured against it, so it is always played. A kind, and a variant's name.
inline const std::string kReferenceAgent = "oracle";

/// Every run file with every scenario.
/// @throws ConfigError for whatever is wrong in the files; UsageError for names that are not
/// unique.
std::list<EvaluatedWorld> read_worlds(const EvaluationPlan& plan);

/// By world, then by seed, then by agent, with folders below that of the output. The worlds must
/// outlive them.
/// @throws ConfigError for an agent's parameters and for a checkpoint that does not fit; UsageError
///         for what is set and counts for none of them.
std::vector<EpisodeTask> make_tasks(const EvaluationPlan& plan,
                                    const std::list<EvaluatedWorld>& worlds);

}  // namespace rein
