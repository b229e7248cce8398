#pragma once

#include <string>
#include <vector>

#include "agent/trainer.hpp"

namespace rein::report {

/// What a training came to.
struct Training {
  std::string agent;
  std::vector<std::string> boards;
  Objective::Kind objective = Objective::Kind::kMaxAccuracy;
  std::string objective_name;
  std::vector<LearningPoint> curve;  ///< At least one point.
  std::string config;                ///< YAML.
  std::string version;
};

/// The point at which `best/agent.json` was written.
const LearningPoint& best_of(const std::vector<LearningPoint>& curve);

/// The learning curve as a table of text.
std::string to_text(const Training& training);

/// A self-contained HTML page.
std::string make_page(const Training& training);

}  // namespace rein::report
