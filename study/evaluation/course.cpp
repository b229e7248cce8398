#include "study/evaluation/course.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace rein::report {
namespace {

struct Column {
  const char* name;
  std::optional<double> CoursePoint::*value;
};

constexpr Column kColumns[] = {{"top1", &CoursePoint::top1},
                               {"latency_ms", &CoursePoint::latency_ms},
                               {"deadline_ms", &CoursePoint::deadline_ms},
                               {"power_w", &CoursePoint::power_w},
                               {"power_limit_w", &CoursePoint::power_limit_w}};

}  // namespace

nlohmann::ordered_json to_json(const Course& course) {
  nlohmann::ordered_json json;
  json["time_s"] = nlohmann::ordered_json::array();
  for (const auto& point : course) {
    json["time_s"].push_back(point.time_s);
  }
  for (const auto& column : kColumns) {
    auto& values = json[column.name] = nlohmann::ordered_json::array();
    for (const auto& point : course) {
      const auto& value = point.*column.value;
      values.push_back(value ? nlohmann::ordered_json(*value) : nullptr);
    }
  }
  return json;
}

Course read_course(const ConfigNode& node) {
  Course course;
  for (const double time_s : node.at("time_s").numbers()) {
    course.push_back({.time_s = time_s});
  }
  for (const auto& column : kColumns) {
    const auto values = node.at(column.name).items();
    if (values.size() != course.size()) {
      node.at(column.name).fail(std::to_string(course.size()) + " values, as many as of time_s");
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i].is_null()) {
        course[i].*column.value = values[i].number();
      }
    }
  }
  return course;
}

}  // namespace rein::report
