#include "study/report/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "study/report/markup.hpp"

namespace rein::report {
namespace {

constexpr double kAreaWidth = 306.0;
constexpr double kHeight = 270.0;
constexpr double kCategoryAreaWidth = 238.0;
constexpr double kCategoryHeight = 24.0;
constexpr double kTop = 26.0;
constexpr double kBottom = 40.0;
constexpr double kRight = 14.0;
constexpr double kLeft = 60.0;
constexpr double kCategoryLeft = 134.0;
constexpr double kCharacter = 6.4;  // Width of one in a label.
constexpr double kMark = 4.5;
constexpr std::size_t kSeries = 7;  // As many as style.css has colours.

/// Values on an axis, and where they lie in the drawing.
struct Scale {
  double low = 0.0;
  double high = 1.0;
  double from = 0.0;
  double to = 1.0;
  double step = 1.0;         ///< Between ticks.
  bool logarithmic = false;  ///< Then low and high are of what is transformed.

  double at(double value) const {
    const double place = logarithmic ? transform(value) : value;
    return from + (place - low) / (high - low) * (to - from);
  }
  static double transform(double value) {
    return std::copysign(std::log1p(std::abs(value)), value);
  }
};

/// 1, 2 or 5 times a power of ten, so that about `count` of them fill the range.
double nice_step(double range, double count) {
  const double raw = range / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double digit = raw / power;
  return power * (digit <= 1.0 ? 1.0 : digit <= 2.0 ? 2.0 : digit <= 5.0 ? 5.0 : 10.0);
}

Scale scale_of(std::vector<double> values, double from, double to, double ticks) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) {
    values = {0.0, 1.0};
  }
  auto [low, high] = std::ranges::minmax(values);
  if (high - low < 1e-6) {
    low -= 0.5;
    high += 0.5;
  }
  const double margin = 0.06 * (high - low);
  low -= margin;
  high += margin;
  return {.low = low, .high = high, .from = from, .to = to, .step = nice_step(high - low, ticks)};
}

std::vector<double> ticks_of(const Scale& scale) {
  std::vector<double> ticks;
  if (scale.logarithmic) {
    for (const double tick : {-100.0, -30.0, -10.0, -3.0, -1.0, 0.0, 1.0, 3.0, 10.0, 30.0, 100.0}) {
      if (Scale::transform(tick) >= scale.low && Scale::transform(tick) <= scale.high) {
        ticks.push_back(tick);
      }
    }
    return ticks;
  }
  for (double tick = std::ceil(scale.low / scale.step); tick * scale.step <= scale.high;
       tick += 1.0) {
    ticks.push_back(tick * scale.step);
  }
  return ticks;
}

std::string text(double x, double y, const char* anchor, const std::string& content,
                 const char* attributes = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, attributes, escape_html(content));
}

std::string line(double x1, double y1, double x2, double y2, const char* name) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2,
      y2, name);
}

std::string number(double value) { return fmt::format("{:.4g}", value == 0.0 ? 0.0 : value); }

/// A circle, a square, a diamond or a triangle, so that no one needs the colours.
std::string mark(double x, double y, std::size_t series, const std::string& note) {
  const std::string title = note.empty() ? "" : fmt::format("<title>{}</title>", escape_html(note));
  const std::size_t colour = series % kSeries;
  if (series % 4 == 0) {
    return fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" class=\"mark s{}\">{}</circle>\n", x, y,
        kMark, colour, title);
  }
  constexpr double kCorners[][4][2] = {{{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}},
                                       {{0, -1.25}, {1.25, 0}, {0, 1.25}, {-1.25, 0}},
                                       {{0, -1.2}, {1.15, 0.9}, {0, 0.9}, {-1.15, 0.9}}};
  std::string points;
  for (const auto& corner : kCorners[series % 4 - 1]) {
    points += fmt::format("{:.1f},{:.1f} ", x + corner[0] * kMark, y + corner[1] * kMark);
  }
  return fmt::format("<polygon points=\"{}\" class=\"mark s{}\">{}</polygon>\n", points, colour,
                     title);
}

std::string y_axis(const Plot& plot, const Scale& y, double left, double right) {
  std::string svg;
  if (!plot.categories.empty()) {
    for (std::size_t i = 0; i < plot.categories.size(); ++i) {
      const double at = y.at(static_cast<double>(i));
      svg += line(left, at, right, at, "grid");
      svg += text(left - 8.0, at + 4.0, "end", plot.categories[i]);
    }
    return svg;
  }
  for (const double tick : ticks_of(y)) {
    svg += line(left, y.at(tick), right, y.at(tick), "grid");
    svg += text(left - 6.0, y.at(tick) + 4.0, "end", number(tick));
  }
  const double middle = (y.from + y.to) / 2.0;
  return svg + text(14.0, middle, "middle", plot.y_title,
                    fmt::format(" transform=\"rotate(-90 14 {:.1f})\"", middle).c_str());
}

std::string x_axis(const Plot& plot, const Scale& x, double top, double bottom) {
  std::string svg;
  for (const double tick : ticks_of(x)) {
    svg += line(x.at(tick), top, x.at(tick), bottom, "grid");
    svg += text(x.at(tick), bottom + 15.0, "middle", number(tick));
  }
  return svg + text((x.from + x.to) / 2.0, bottom + 32.0, "middle", plot.x_title);
}

/// Colours come again with dashes.
std::string line_class(std::size_t series) {
  return fmt::format("s{}{}", series % kSeries, series >= kSeries ? " again" : "");
}

/// With a gap wherever a number is not finite.
template <typename X, typename Y>
std::string polyline(const Plot::Line& line, const X& x, const Y& y) {
  std::string path;
  bool begun = false;
  for (const auto& [line_x, line_y] : line.points) {
    const bool known = std::isfinite(line_x) && std::isfinite(line_y);
    if (known) {
      path += fmt::format("{}{:.1f},{:.1f}", begun ? " " : " M", x(line_x), y(line_y));
    }
    begun = known;
  }
  return path.empty()
             ? ""
             : fmt::format(
                   "<path d=\"{}\" class=\"line {}\"><title>{}</title></path>\n", path.substr(1),
                   line.is_limit ? std::string("limit") : fmt::format("s{}", line.series % kSeries),
                   escape_html(line.note));
}

}  // namespace

std::string to_svg(const Plot& plot) {
  const bool by_category = !plot.categories.empty();
  double left = kLeft;
  double height = kHeight;
  if (by_category) {
    left = kCategoryLeft;
    for (const auto& category : plot.categories) {
      left = std::max(left, 16.0 + kCharacter * static_cast<double>(category.size()));
    }
    height = kTop + kBottom + kCategoryHeight * static_cast<double>(plot.categories.size());
  }
  const double right = left + (by_category ? kCategoryAreaWidth : kAreaWidth);
  const double width = right + kRight;
  const double bottom = height - kBottom;

  std::vector<double> xs;
  std::vector<double> ys;
  for (const auto& point : plot.points) {
    xs.insert(xs.end(), {point.x - point.spread_x, point.x + point.spread_x});
    ys.push_back(point.y);
  }
  const auto clipped = [&](double value) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return std::min(std::max(value, plot.y_min.value_or(-kInfinity)),
                    plot.y_max.value_or(kInfinity));
  };
  for (const auto& line : plot.lines) {
    for (const auto& [line_x, line_y] : line.points) {
      xs.push_back(line_x);
      ys.push_back(clipped(line_y));
    }
  }
  const bool logarithmic = plot.x_scale == Plot::Scale::kLogarithmic;
  if (logarithmic) {
    std::ranges::transform(xs, xs.begin(), Scale::transform);
  }
  Scale x = scale_of(xs, left, right, 5.0);
  x.logarithmic = logarithmic;
  const Scale y = by_category ? Scale{.low = -0.5,
                                      .high = static_cast<double>(plot.categories.size()) - 0.5,
                                      .from = kTop,
                                      .to = bottom}
                              : scale_of(ys, bottom, kTop, 5.0);

  std::string svg = fmt::format(
      "<svg class=\"figure\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "role=\"img\" aria-label=\"{2}\">\n",
      width, height, escape_html(plot.title));
  svg += text(left, 15.0, "start", plot.title, " class=\"title\"");
  svg += x_axis(plot, x, kTop, bottom) + y_axis(plot, y, left, right);
  for (const auto& line : plot.lines) {
    svg += polyline(
        line, [&](double value) { return x.at(value); },
        [&](double value) { return y.at(clipped(value)); });
  }
  for (const auto& point : plot.points) {
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) {
      continue;
    }
    if (point.spread_x > 0.0) {
      svg += line(x.at(point.x - point.spread_x), y.at(point.y), x.at(point.x + point.spread_x),
                  y.at(point.y), fmt::format("spread s{}", point.series % kSeries).c_str());
    }
    svg += mark(x.at(point.x), y.at(point.y), point.series, point.note);
  }
  return svg + "</svg>\n";
}

std::string legend_of_lines(const std::vector<std::pair<std::size_t, std::string>>& series) {
  std::string html = "<p class=\"series\">";
  for (const auto& [index, name] : series) {
    html += fmt::format(
        "<span><svg width=\"22\" height=\"14\"><path d=\"M1,7 21,7\" class=\"line {}\"/></svg>{}"
        "</span>\n",
        line_class(index), escape_html(name));
  }
  return html + "</p>\n";
}

std::string legend_of(const std::vector<std::string>& series) {
  std::string html = "<p class=\"series\">";
  for (std::size_t i = 0; i < series.size(); ++i) {
    html += fmt::format("<span><svg width=\"14\" height=\"14\">{}</svg>{}</span>\n",
                        mark(7.0, 7.0, i, ""), escape_html(series[i]));
  }
  return html + "</p>\n";
}

}  // namespace rein::report
