#include "agent/model_based/heat_model.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

constexpr double kRoomC = 25.0;
// What the first reading is thought to be above the room's, by the first period's power.
constexpr double kLeastRiseK = 4.0;
constexpr double kMostRiseK = 40.0;
// Standard deviations.
constexpr double kSurroundingsK = 12.0;
constexpr double kBeganK = 6.0;  ///< Of how a slow stage began.
constexpr double kReadingK = 0.6;
constexpr double kDriftK = 0.15;     ///< Of the surroundings in a second.
constexpr double kSecondary = 0.35;  ///< Of what an input heats beside power, as a share of it.
/// For which what is measured above what is believed stays.
constexpr double kLeftS = 10.0;

}  // namespace

HeatModel::HeatModel(std::size_t zones) : zones_(zones), ahead_(zones) {}

void HeatModel::begin(Zone& zone, double temperature_c) const {
  const double rise_k = std::clamp(temperature_c - kRoomC, kLeastRiseK, kMostRiseK);
  zone = {.is_known = true};
  zone.mean[0] = temperature_c - rise_k;
  zone.covariance[0] = kSurroundingsK * kSurroundingsK;
  for (std::size_t i = 0; i < kInputs * kStages; ++i) {
    const bool is_power = i < kStages && scale_[0] > 0.0;
    const double part_k = rise_k / kStages;
    const std::size_t term = 1 + i;
    zone.mean[term] = is_power ? part_k : 0.0;
    const double spread_k = is_power ? part_k : kSecondary * part_k;
    zone.covariance[term * kTerms + term] = spread_k * spread_k;
  }
  for (std::size_t term = kTerms - kSlow; term < kTerms; ++term) {
    zone.covariance[term * kTerms + term] = kBeganK * kBeganK;
  }
}

HeatModel::Row HeatModel::row() const {
  Row row{};
  row[0] = 1.0;
  std::ranges::copy(stages_, row.begin() + 1);
  std::ranges::copy(fading_, row.end() - kSlow);
  return row;
}

void HeatModel::update(Zone& zone, double temperature_c) const {
  const Row at = row();
  Row gain{};
  double expected_c = 0.0;
  double variance = kReadingK * kReadingK;
  for (std::size_t i = 0; i < kTerms; ++i) {
    for (std::size_t j = 0; j < kTerms; ++j) {
      gain[i] += zone.covariance[i * kTerms + j] * at[j];
    }
    expected_c += at[i] * zone.mean[i];
  }
  for (std::size_t i = 0; i < kTerms; ++i) {
    variance += at[i] * gain[i];
  }
  const double surprise = (temperature_c - expected_c) / variance;
  double believed_c = 0.0;
  for (std::size_t i = 0; i < kTerms; ++i) {
    zone.mean[i] += gain[i] * surprise;
    believed_c += at[i] * zone.mean[i];
    for (std::size_t j = 0; j < kTerms; ++j) {
      zone.covariance[i * kTerms + j] -= gain[i] * gain[j] / variance;
    }
  }
  zone.left_c = temperature_c - believed_c;
}

void HeatModel::observe(const std::vector<std::optional<double>>& temperatures_c,
                        const Inputs& inputs, double interval_s) {
  if (!knows_) {
    scale_ = inputs;
  }
  for (std::size_t input = 0; input < kInputs; ++input) {
    const double value = scale_[input] > 0.0 ? inputs[input] / scale_[input] : inputs[input];
    for (std::size_t i = 0; i < kStages; ++i) {
      double& stage = stages_[input * kStages + i];
      const double share = begins_ ? 1.0 : -std::expm1(-interval_s / kStagesS[i]);
      stage += share * (value - stage);
    }
  }
  for (std::size_t i = 0; i < kSlow; ++i) {
    fading_[i] = begins_ ? 1.0 : fading_[i] * std::exp(-interval_s / kStagesS[kStages - kSlow + i]);
  }
  for (std::size_t i = 0; i < zones_.size() && i < temperatures_c.size(); ++i) {
    Zone& zone = zones_[i];
    const auto& temperature_c = temperatures_c[i];
    zone.covariance[0] += kDriftK * kDriftK * interval_s;
    if (!temperature_c) {
      continue;
    }
    if (!zone.is_known) {
      begin(zone, *temperature_c);
    }
    update(zone, *temperature_c);
    knows_ = true;
  }
  begins_ = begins_ && !knows_;
  look_ahead();
}

void HeatModel::look_ahead() {
  for (std::size_t z = 0; z < zones_.size(); ++z) {
    const Zone& zone = zones_[z];
    for (std::size_t h = 0; h < kHorizons; ++h) {
      // Rows by what they are multiplied with: 1, and each input.
      std::array<Row, 1 + kInputs> rows{};
      rows[0][0] = 1.0;
      for (std::size_t input = 0; input < kInputs; ++input) {
        const double scale = scale_[input] > 0.0 ? scale_[input] : 1.0;
        for (std::size_t i = 0; i < kStages; ++i) {
          const double kept = std::exp(-kHorizonsS[h] / kStagesS[i]);
          const std::size_t stage = input * kStages + i;
          rows[0][1 + stage] = stages_[stage] * kept;
          rows[1 + input][1 + stage] = (1.0 - kept) / scale;
        }
      }
      for (std::size_t i = 0; i < kSlow; ++i) {
        rows[0][kTerms - kSlow + i] =
            fading_[i] * std::exp(-kHorizonsS[h] / kStagesS[kStages - kSlow + i]);
      }
      Ahead& ahead = ahead_[z][h];
      ahead = {};
      for (std::size_t a = 0; a < rows.size(); ++a) {
        Row product{};
        for (std::size_t i = 0; i < kTerms; ++i) {
          ahead.mean[a] += rows[a][i] * zone.mean[i];
          for (std::size_t j = 0; j < kTerms; ++j) {
            product[j] += rows[a][i] * zone.covariance[i * kTerms + j];
          }
        }
        for (std::size_t b = 0; b < rows.size(); ++b) {
          for (std::size_t j = 0; j < kTerms; ++j) {
            ahead.covariance[a * rows.size() + b] += product[j] * rows[b][j];
          }
        }
        // More power never cools.
        ahead.mean[a] = a > 0 ? std::max(0.0, ahead.mean[a]) : ahead.mean[a];
      }
      ahead.mean[0] += zone.left_c * std::exp(-kHorizonsS[h] / kLeftS);
    }
  }
}

Estimate HeatModel::hottest(const Inputs& inputs, std::size_t horizon) const {
  Estimate hottest{-1e9, 0.0};
  const std::array<double, 1 + kInputs> by = {1.0, inputs[0], inputs[1]};
  for (std::size_t z = 0; z < zones_.size(); ++z) {
    if (!zones_[z].is_known) {
      continue;
    }
    const Ahead& ahead = ahead_[z][horizon];
    Estimate estimate;
    for (std::size_t a = 0; a < by.size(); ++a) {
      estimate.mean += by[a] * ahead.mean[a];
      for (std::size_t b = 0; b < by.size(); ++b) {
        estimate.variance += by[a] * by[b] * ahead.covariance[a * by.size() + b];
      }
    }
    if (estimate.mean > hottest.mean) {
      hottest = {estimate.mean, std::max(0.0, estimate.variance)};
    }
  }
  return hottest;
}

}  // namespace rein
