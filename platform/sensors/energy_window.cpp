#include "platform/sensors/energy_window.hpp"

namespace rein {

namespace {

/// Samples that are nearer together are not worth remembering.
constexpr Duration kApart = EnergyWindow::kLength / 50;

}  // namespace

std::optional<double> EnergyWindow::mean_w(TimePoint now, double energy_j) {
  if (!points_.empty() && now < points_.back().at) {
    restart();
  }
  while (points_.size() > 1 && now - points_[1].at >= kLength) {
    points_.erase(points_.begin());
  }
  std::optional<double> mean;
  if (!points_.empty() && now - points_.front().at >= kLength) {
    mean = (energy_j - points_.front().j) / to_seconds(now - points_.front().at);
  }
  if (points_.empty() || now - points_.back().at >= kApart) {
    points_.push_back({now, energy_j});
  }
  return mean;
}

}  // namespace rein
