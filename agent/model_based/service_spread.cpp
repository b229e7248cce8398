#include "agent/model_based/service_spread.hpp"

#include <algorithm>
#include <cmath>

#include "common/index.hpp"

namespace rein {

ServiceSpread::ServiceSpread(const PlannerOptions& options) {
  tune(options);
  const double requests = options.spread_first_requests;
  for (std::size_t i = 0; i < kBins; ++i) {
    const double x = (kLowest + kWidth * (static_cast<double>(i) + 0.5)) / first_spread_;
    weights_[i] = requests * 0.99 * std::exp(-0.5 * x * x) * kWidth / first_spread_ * 0.3989;
  }
  const auto twice = static_cast<std::size_t>((std::log(2.0) - kLowest) / kWidth);
  weights_[twice] += requests * 0.01;
  sum_up();
}

void ServiceSpread::tune(const PlannerOptions& options) {
  memory_ = options.spread_requests;
  usual_ = options.spread_usual;
  first_spread_ = options.spread_first;
}

void ServiceSpread::add(double ratio, double weight) {
  const double place = (std::log(ratio) - kLowest) / kWidth;
  const std::size_t bin = index_at(place, kBins - 1);
  if (total_ > memory_) {
    // Instead of making older ones lighter each time, now and then.
    fade(0.9);
  }
  weights_[bin] += weight;
  total_ += weight;
}

void ServiceSpread::fade(double share) {
  std::ranges::for_each(weights_, [share](double& each) { each *= share; });
  total_ *= share;
}

void ServiceSpread::sum_up() {
  double sum = 0.0;
  double moment = 0.0;
  double square = 0.0;
  double usual = 0.0;
  above_[kBins] = 0.0;
  for (std::size_t i = kBins; i-- > 0;) {
    sum += weights_[i];
    above_[i] = sum;
    const double x = kLowest + kWidth * (static_cast<double>(i) + 0.5);
    if (std::abs(x) < usual_) {
      usual += weights_[i];
      moment += weights_[i] * x;
      square += weights_[i] * x * x;
    }
  }
  total_ = sum;
  std::ranges::for_each(above_, [sum](double& each) { each /= sum; });
  const double mean = usual > 0.0 ? moment / usual : 0.0;
  variance_ = usual > 0.0 ? square / usual - mean * mean : first_spread_ * first_spread_;
}

double ServiceSpread::exceedance_at(double log_ratio) const {
  const double place = (log_ratio - kLowest) / kWidth;
  if (place <= 0.0) {
    return 1.0;
  }
  const std::size_t bin = index_at(place, kBins);
  if (bin == kBins) {
    return 0.0;
  }
  const double share = place - static_cast<double>(bin);
  return above_[bin] * (1.0 - share) + above_[bin + 1] * share;
}

double ServiceSpread::exceedance(double ratio) const { return exceedance_at(std::log(ratio)); }

void ServiceSpread::points(std::size_t count, std::vector<Share>& points) const {
  points.clear();
  const double most = 1.0 / static_cast<double>(count);
  Share part;
  double sum = 0.0;
  for (std::size_t i = 0; i < kBins; ++i) {
    const double share = above_[i] - above_[i + 1];
    part.share += share;
    part.value += share * std::exp(kLowest + kWidth * (static_cast<double>(i) + 0.5));
    sum += share;
    // The tail is in smaller parts.
    const double enough = sum < 1.0 - most ? most : 0.2 * most;
    const bool ends = part.share >= enough || i + 1 == kBins;
    if (ends && part.share > 0.0) {
      points.push_back({part.value / part.share, part.share});
      part = {};
    }
  }
}

void ServiceSpread::archive(Archive& archive) {
  archive.numbers("weights", std::span<double>(weights_));
  if (archive.is_reading()) {
    sum_up();
  }
}

}  // namespace rein
