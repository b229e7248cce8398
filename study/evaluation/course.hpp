#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "common/config_node.hpp"

namespace rein::report {

/// A stretch of an episode in a few numbers. What is not known, or not limited, is empty.
struct CoursePoint {
  double time_s = 0.0;               ///< Its beginning.
  std::optional<double> top1;        ///< Mean of what was served.
  std::optional<double> latency_ms;  ///< The longest.
  std::optional<double> deadline_ms;
  std::optional<double> power_w;  ///< Mean.
  std::optional<double> power_limit_w;
};

/// An episode for a small plot.
using Course = std::vector<CoursePoint>;

/// A column for each member.
nlohmann::ordered_json to_json(const Course& course);
/// @throws ConfigError
Course read_course(const ConfigNode& node);

}  // namespace rein::report
