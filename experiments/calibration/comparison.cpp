#include "comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace rein {

namespace {

/// Rows that were held back may be so many times as far off.
constexpr double kHeldBack = 2.0;

/// "4.8 (at most 5)"; sets `kept` to false if it is more.
std::string against(double error, double bound, bool& kept) {
  if (bound == 0.0) {
    return fmt::format("{:.2f}", error);
  }
  const bool is_within = error <= bound;
  kept = kept && is_within;
  return fmt::format("{:.2f} (at most {:g}{})", error, bound, is_within ? "" : ": BROKEN");
}

}  // namespace

void Comparison::add(std::string condition, double published, double simulated, bool is_fit) {
  rows_.push_back({std::move(condition), published, simulated, is_fit});
}

double Comparison::error_of(const Row& row) const {
  return error_ == Error::kAbsolute ? row.simulated - row.published
                                    : 100.0 * (row.simulated / row.published - 1.0);
}

bool Comparison::print_summary(bool fit) const {
  double sum = 0.0;
  double worst = 0.0;
  std::size_t count = 0;
  for (const auto& row : rows_) {
    // Written so that a value that is no number is the worst.
    const double error = std::abs(error_of(row));
    if (row.is_fit == fit) {
      sum += error;
      worst = error <= worst ? worst : error;
      ++count;
    }
  }
  if (count == 0) {
    return true;
  }
  bool kept = true;
  const double factor = fit ? 1.0 : kHeldBack;
  const std::string mean = against(sum / static_cast<double>(count), factor * bounds_.mean, kept);
  const std::string most = against(worst, factor * bounds_.worst, kept);
  fmt::print("  {:<9} {:>3} rows, error in {}: mean {}, worst {}\n", fit ? "fitted" : "held back",
             count, error_ == Error::kAbsolute ? unit_ : "%", mean, most);
  return kept;
}

bool Comparison::print() const {
  std::size_t width = 9;
  for (const auto& row : rows_) {
    width = std::max(width, row.condition.size());
  }
  fmt::print("\n{}, {}\n", title_, unit_);
  fmt::print("  {:<{}}  published  simulated   error\n", "condition", width);
  for (const auto& row : rows_) {
    fmt::print("  {:<{}}  {:>9.4g}  {:>9.4g}  {:>+6.2f}{}{}\n", row.condition, width, row.published,
               row.simulated, error_of(row), error_ == Error::kRelative ? " %" : "",
               row.is_fit ? "" : "  held back");
  }
  const bool fit = print_summary(true);
  const bool held = print_summary(false);
  return fit && held;
}

}  // namespace rein
