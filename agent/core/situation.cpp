#include "agent/core/situation.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {
/// Longer than any request takes, and finite, so that it can be reckoned with.
constexpr double kForeverMs = 1e9;
}  // namespace

double Situation::gap_ms() const { return is_closed_loop ? kForeverMs : 1e3 / rate_hz; }

double Situation::time_for_request_ms() const {
  return std::min(deadline_ms.value_or(kForeverMs), gap_ms());
}

SituationReader::Column SituationReader::find(const ObservationSpec& observations,
                                              const std::string& begin, const std::string& end) {
  Column column;
  for (std::size_t i = 0; i < observations.size() && !column.index; ++i) {
    const Feature& feature = observations.features()[i];
    if (feature.name.starts_with(begin) && feature.name.ends_with(end)) {
      column = {i, feature.neutral};
    }
  }
  return column;
}

std::optional<double> SituationReader::Column::of(const Observation& observation) const {
  return index && observation[*index] != neutral ? std::optional(observation[*index])
                                                 : std::nullopt;
}

SituationReader::SituationReader(const ObservationSpec& observations, RequestSpec::Arrival arrival)
    : deadline_(find(observations, "deadline.")),
      miss_rate_(find(observations, "miss_rate.")),
      power_limit_(find(observations, "power.limit")),
      energy_limit_(find(observations, "energy.limit")),
      allowance_(find(observations, "energy.allowance")),
      min_top1_(find(observations, "accuracy.", ".limit")),
      temperature_limit_(find(observations, "temperature.limit")),
      rate_(find(observations, "arrival_rate.")),
      queue_(find(observations, "queue.")),
      is_closed_loop_(arrival == RequestSpec::Arrival::kClosedLoop) {}

Situation SituationReader::read(const Observation& observation) const {
  const auto decades = [&](const Column& column, double count) {
    const auto value = column.of(observation);
    return value ? std::optional(std::pow(10.0, *value * count)) : std::nullopt;
  };
  Situation now;
  now.deadline_ms = decades(deadline_, 4.0);
  now.miss_rate = miss_rate_.of(observation).value_or(1.0);
  now.power_limit_w = decades(power_limit_, 4.0);
  now.allowance_w = decades(allowance_, 4.0);
  // A battery's limit is what it holds, of which its allowance is what counts.
  now.energy_limit_mj = now.allowance_w ? std::nullopt : decades(energy_limit_, 4.0);
  now.min_top1 = min_top1_.of(observation);
  now.temperature_limit_c = decades(temperature_limit_, 4.0);
  now.rate_hz = decades(rate_, 5.0).value_or(1.0);
  now.is_closed_loop = is_closed_loop_;
  now.queue = queue_.of(observation).value_or(0.0);
  return now;
}

}  // namespace rein
