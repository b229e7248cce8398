#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/statistics.hpp"
#include "study/evaluation/course.hpp"
#include "study/evaluation/episode_figures.hpp"
#include "study/evaluation/paired_comparison.hpp"

namespace rein::report {

/// Figures by name, in the order in which they were written.
using Averages = std::vector<std::pair<std::string, MeanAndSpread>>;

/// How soon an agent was as good as the oracle, over a number of episodes.
struct AdaptationFigures {
  Quartiles periods;             ///< After a change of conditions.
  double unadapted_share = 0.0;  ///< Of the changes: those after which it was not in time.
  Quartiles good_from_period;    ///< From there on to the episode's end.
};

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
    AdaptationFigures adaptation;
    /// What a static agent kept, in the order of the seeds.
    std::vector<std::string> configurations;
  };
  /// One agent over all worlds.
  struct Total {
    std::string agent;
    Averages figures;
    AdaptationFigures adaptation;
  };
  /// What regret and shares of one world are measured against: rein::Measure.
  struct WorldMeasure {
    std::string run;
    std::string scenario;
    std::string agent;
    double above_oracle = 0.0;
    std::optional<double> noise;  ///< Empty with one seed, and for the oracle.
  };
  /// One agent beside another.
  struct Comparison {
    std::string agent;
    std::string against;
    std::string run;  ///< Over all of them if empty.
    PairedComparison pairs;
  };
  /// Mean reward of an agent's periods around changes of conditions: ChangeCurve::means().
  struct Curve {
    std::string run;
    std::string agent;
    std::vector<std::optional<double>> rewards;
  };
  /// An agent's first episode in one world.
  struct ShownCourse {
    std::string run;
    std::string scenario;
    std::string agent;
    Course course;
  };

  std::string version;
  std::vector<std::uint64_t> seeds;
  std::uint64_t practice = 0;          ///< Episodes before the one that counts.
  std::vector<Total> totals;           ///< In the order of the agents.
  std::vector<Result> results;         ///< By run, then scenario, then agent.
  std::vector<WorldMeasure> measures;  ///< Of each world; empty in what older versions wrote.
  std::vector<Comparison> comparisons;
  std::vector<Curve> curves;
  std::vector<std::string> errors;  ///< Of episodes that could not be played.
  /// "completed", or how far it came: "interrupted: ...", and then agents were not all played with
  /// the same seeds.
  std::string ended = "completed";
  bool is_complete() const { return ended == "completed"; }

  std::vector<ShownCourse> courses;

  /// All but the courses.
  nlohmann::ordered_json to_json() const;
  nlohmann::ordered_json courses_to_json() const;
};

/// The figure of that name; empty if there is none.
MeanAndSpread find(const Averages& figures, const std::string& name);

/// Whether `folder` holds an evaluation, and not a run.
bool is_evaluation(const std::filesystem::path& folder);

/// From its summary.json, and courses.json where there is one.
/// @throws ConfigError naming file, line and key for what is missing or wrong.
Evaluation read_evaluation(const std::filesystem::path& folder);

}  // namespace rein::report
