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

double ServiceSpread::late(double service, double deadline, double gap) const {
  // A model that was loaded may say anything; what is no number is late.
  if (!(service < gap)) {
    return 1.0;  // Each waits longer than the one before.
  }
  double share = exceedance_at(std::log(deadline / service));
  const std::size_t first = index_at((std::log(gap / service) - kLowest) / kWidth, kBins);
  for (std::size_t i = first; i < kBins; ++i) {
    const double chance = above_[i] - above_[i + 1];
    if (chance <= 0.0) {
      continue;
    }
    const double ratio = std::exp(kLowest + kWidth * (static_cast<double>(i) + 0.5));
    const double wait = std::max(0.0, ratio * service - gap);
    const double left = deadline - wait;
    const double then = left > 0.0 ? exceedance_at(std::log(left / service)) : 1.0;
    share += chance * std::max(0.0, then - exceedance_at(std::log(deadline / service)));
  }
  return std::min(1.0, share);
}

double ServiceSpread::late_behind(double waited, std::size_t count, double service, double deadline,
                                  double gap, double otherwise) const {
  double sum = 0.0;
  std::size_t i = 0;
  for (; i < count && waited > 0.0; ++i) {
    const double left = deadline - waited;
    sum += left > 0.0 ? exceedance_at(std::log(left / service)) : 1.0;
    waited += service - gap;
  }
  return sum + static_cast<double>(count - i) * otherwise;
}

double ServiceSpread::Lateness::operator()(double log_service) const {
  const double place = std::clamp((log_service - first_) / kStep, 0.0, kPoints - 1.001);
  const std::size_t point = index_at(place, kPoints - 2);
  const double share = place - static_cast<double>(point);
  return shares_[point] * (1.0 - share) + shares_[point + 1] * share;
}

ServiceSpread::Lateness ServiceSpread::lateness(double deadline, double gap) const {
  // Above it all requests are late.
  const double last = std::log(std::min(deadline, gap)) - kLowest;
  Lateness result;
  result.first_ = last - Lateness::kStep * (Lateness::kPoints - 1);
  for (std::size_t i = 0; i < Lateness::kPoints; ++i) {
    const double log_service = result.first_ + Lateness::kStep * static_cast<double>(i);
    result.shares_[i] = late(std::exp(log_service), deadline, gap);
  }
  return result;
}

void ServiceSpread::archive(Archive& archive) {
  archive.numbers("weights", std::span<double>(weights_));
  if (archive.is_reading()) {
    sum_up();
  }
}

}  // namespace rein
