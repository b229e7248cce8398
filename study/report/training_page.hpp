#pragma once

#include <string>
#include <vector>

#include "study/training/trainer.hpp"

namespace rein::report {

/// What a training came to.
struct Training {
  std::string agent;
  std::vector<std::string> boards;
  Objective::Kind objective = Objective::Kind::kMaxAccuracy;
  std::string objective_name;
  std::vector<LearningPoint> curve;  ///< At least one point.
  std::uint64_t episodes = 0;        ///< Of training that are done ...
  std::uint64_t planned = 0;         ///< ... of so many.
  std::string config;                ///< YAML.
  std::string version;
};

/// The point at which `best/agent.json` was written.
const LearningPoint& best_of(const std::vector<LearningPoint>& curve);

/// "after 400 episodes", or what is known instead: that training made it no better, or that nobody
/// looked yet.
std::string describe_best(const Training& training);

/// The learning curve as a table of text.
std::string to_text(const Training& training);

/// A self-contained HTML page.
std::string make_page(const Training& training);

}  // namespace rein::report
