#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rein::report {

/// Points in a plane, as an SVG that needs no script.
struct Plot {
  struct Point {
    double x = 0.0;
    double y = 0.0;          ///< With categories: the index of one.
    std::size_t series = 0;  ///< Which colour and shape it has.
    std::string note;        ///< Shown where the pointer is.
    double spread_x = 0.0;   ///< Drawn as a line to both sides.
  };
  std::string title;
  std::string x_title;
  std::string y_title;                  ///< Not used with categories.
  std::vector<std::string> categories;  ///< Instead of numbers on the y axis, from the top down.
  std::vector<Point> points;
  bool joined = false;  ///< A line from each point to the next of its series.
};

/// Everything escaped. Axes hold all points; a number that is not finite is left out.
std::string to_svg(const Plot& plot);

/// What colours and shapes mean: one entry a series.
std::string legend_of(const std::vector<std::string>& series);

}  // namespace rein::report
