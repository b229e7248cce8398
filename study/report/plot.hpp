#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rein::report {

/// Points and lines in a plane, as an SVG that needs no script.
struct Plot {
  enum class Scale {
    kLinear,
    kLogarithmic,  ///< But linear about 0, on both sides of which values may be: log(1 + |x|).
  };
  struct Point {
    double x = 0.0;
    double y = 0.0;          ///< With categories: the index of one.
    std::size_t series = 0;  ///< Which colour and shape it has.
    std::string note;        ///< Shown where the pointer is.
    double spread_x = 0.0;   ///< Drawn as a line to both sides.
  };
  struct Line {
    std::vector<std::pair<double, double>> points;  ///< x and y; one that is not finite is a gap.
    std::size_t series = 0;                         ///< Which colour and dashes it has.
    bool is_limit = false;                          ///< Dashed and black instead.
    std::string note;
  };
  std::string title;
  std::string x_title;
  std::string y_title;                  ///< Not used with categories.
  std::vector<std::string> categories;  ///< Instead of numbers on the y axis, from the top down.
  std::vector<Point> points;
  std::vector<Line> lines;
  Scale x_scale = Scale::kLinear;
  /// What lies beyond is drawn at the edge.
  std::optional<double> y_min;
  std::optional<double> y_max;
};

/// Everything escaped. Axes hold all points and lines; a number that is not finite is left out.
std::string to_svg(const Plot& plot);

/// What the lines of these series and names are.
std::string legend_of_lines(const std::vector<std::pair<std::size_t, std::string>>& series);

/// What colours and shapes mean: one entry a series.
std::string legend_of(const std::vector<std::string>& series);

}  // namespace rein::report
