#include "agent/model_based/factor_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace rein {

void FactorModel::round_to_singles() {
  for (auto* numbers : {&offset, &basis, &own}) {
    for (double& number : *numbers) {
      number = static_cast<double>(static_cast<float>(number));
    }
  }
}

void FactorModel::archive(Archive& archive, std::size_t size) {
  constexpr std::size_t kMostFactors = 1000;
  archive.count("lasting", lasting, kMostFactors);
  archive.count("passing", passing, kMostFactors);
  archive.packed<float>("offset", offset, size);
  archive.packed<float>("basis", basis, size * factors());
  archive.packed<float>("own", own, size);
}

namespace {

using Lanes [[gnu::vector_size(8 * sizeof(float))]] = float;
/// So many sums go on at once, since each has to wait for its last addition.
constexpr std::size_t kSums = 4;
using Wide = std::array<Lanes, kSums>;
constexpr std::size_t kLanes = sizeof(Wide) / sizeof(float);
static_assert(kLanes == FactorColumns::kMany);

/// Of kLanes quantities, from what they have to do with each factor.
struct Lot {
  const Wide* rows;            ///< [used]: of the factors with which any has to do ...
  const std::size_t* factors;  ///< ... [used], ascending.
  std::size_t used;
  const float* root;   ///< [all x all] Of the covariance: row i is column i of L.
  const float* means;  ///< [all]
  std::size_t all;
  std::array<float, kLanes> mean;
  std::array<float, kLanes> variance;
};

[[gnu::always_inline]] inline void reckon(Lot& lot) {
  Wide mean{};
  Wide variance{};
  for (std::size_t j = 0; j < lot.used; ++j) {
    for (std::size_t k = 0; k < kSums; ++k) {
      mean[k] += lot.means[lot.factors[j]] * lot.rows[j][k];
    }
  }
  std::size_t from = 0;
  for (std::size_t i = 0; i < lot.all; ++i) {
    while (from < lot.used && lot.factors[from] < i) {
      ++from;
    }
    const float* const root = lot.root + i * lot.all;
    Wide sum{};
    for (std::size_t j = from; j < lot.used; ++j) {
      const float share = root[lot.factors[j]];
      for (std::size_t k = 0; k < kSums; ++k) {
        sum[k] += share * lot.rows[j][k];
      }
    }
    for (std::size_t k = 0; k < kSums; ++k) {
      variance[k] += sum[k] * sum[k];
    }
  }
  std::memcpy(lot.mean.data(), mean.data(), sizeof(mean));
  std::memcpy(lot.variance.data(), variance.data(), sizeof(variance));
}

// The same numbers everywhere: lanes do not depend on each other, and nothing is fused.
void reckon_plainly(Lot& lot) { reckon(lot); }
#ifdef __x86_64__
[[gnu::target("avx2")]] void reckon_with_avx2(Lot& lot) { reckon(lot); }
const auto kReckonLot = __builtin_cpu_supports("avx2") != 0 ? &reckon_with_avx2 : &reckon_plainly;
#else
const auto kReckonLot = &reckon_plainly;
#endif

/// Cholesky's: the columns of a lower triangle L with L L' = a, row by row. What has no variance
/// has no column.
std::vector<float> root_of(std::vector<double> a, std::size_t n) {
  std::vector<float> root(n * n);
  for (std::size_t k = 0; k < n; ++k) {
    const double diagonal = a[k * n + k];
    const double scale = diagonal > 1e-12 ? 1.0 / std::sqrt(diagonal) : 0.0;
    for (std::size_t i = k; i < n; ++i) {
      root[k * n + i] = static_cast<float>(a[k * n + i] * scale);
    }
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[k * n + i] * scale * scale;
      for (std::size_t j = i; j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
      }
    }
  }
  return root;
}

}  // namespace

FactorColumns::FactorColumns(const FactorModel& model)
    : stride_((model.quantities() / kMany + 2) * kMany),
      numbers_(stride_ * model.factors()),
      matters_(numbers_.size() / kMany) {
  for (std::size_t quantity = 0; quantity < model.quantities(); ++quantity) {
    const auto row = model.row(quantity);
    for (std::size_t i = 0; i < row.size(); ++i) {
      numbers_[i * stride_ + quantity] = static_cast<float>(row[i]);
      if (row[i] != 0.0) {
        matters_[(i * stride_ + quantity) / kMany] = 1;
      }
    }
  }
}

Belief::Belief(const FactorModel& model)
    : model_(&model),
      mean_(model.factors(), 0.0),
      covariance_(model.factors() * model.factors(), 0.0),
      own_mean_(model.quantities(), 0.0),
      own_variance_(model.own),
      row_(model.factors()),
      gain_(model.factors()) {
  for (std::size_t i = 0; i < model.factors(); ++i) {
    covariance_[i * model.factors() + i] = 1.0;
  }
}

void Belief::combine(std::span<const Evidence::Part> parts) const {
  std::ranges::fill(row_, 0.0);
  for (const auto& part : parts) {
    const auto row = model_->row(part.quantity);
    for (std::size_t i = 0; i < row.size(); ++i) {
      row_[i] += part.weight * row[i];
    }
  }
  std::ranges::fill(gain_, 0.0);
  const std::size_t n = row_.size();
  for (std::size_t i = 0; i < n; ++i) {
    if (row_[i] == 0.0) {
      continue;
    }
    const double* covariances = covariance_.data() + i * n;
    for (std::size_t j = 0; j < n; ++j) {
      gain_[j] += row_[i] * covariances[j];
    }
  }
}

Estimate Belief::estimate(std::span<const Evidence::Part> parts) const {
  combine(parts);
  Estimate result;
  for (const auto& part : parts) {
    result.mean += part.weight * (model_->offset[part.quantity] + own_mean_[part.quantity]);
    result.variance += part.weight * part.weight * own_variance_[part.quantity];
  }
  for (std::size_t i = 0; i < row_.size(); ++i) {
    if (row_[i] != 0.0) {
      result.mean += row_[i] * mean_[i];
      result.variance += row_[i] * gain_[i];
    }
  }
  return result;
}

void Belief::estimate_each(const FactorColumns& columns, std::size_t first, std::size_t second,
                           std::span<const double> weights, std::span<Estimate> estimates) const {
  const std::size_t factors = mean_.size();
  const std::vector<float> root = root_of(covariance_, factors);
  const std::vector<float> means(mean_.begin(), mean_.end());
  std::vector<Wide> rows(factors);
  std::vector<std::size_t> used(factors);
  Lot lot{rows.data(), used.data(), 0, root.data(), means.data(), factors, {}, {}};
  for (std::size_t begin = 0; begin < estimates.size(); begin += kLanes) {
    const std::size_t count = std::min(kLanes, estimates.size() - begin);
    std::array<float, kLanes> shares{};
    for (std::size_t lane = 0; lane < count && !weights.empty(); ++lane) {
      shares[lane] = static_cast<float>(weights[begin + lane]);
    }
    Wide of_second;
    std::memcpy(&of_second, shares.data(), sizeof(Wide));
    lot.used = 0;
    for (std::size_t i = 0; i < factors; ++i) {
      if (!columns.matters(i, first + begin) &&
          (weights.empty() || !columns.matters(i, second + begin))) {
        continue;
      }
      Wide& row = rows[lot.used];
      std::memcpy(&row, columns.of(i, first + begin), sizeof(Wide));
      if (!weights.empty()) {
        Wide others;
        std::memcpy(&others, columns.of(i, second + begin), sizeof(Wide));
        for (std::size_t k = 0; k < kSums; ++k) {
          row[k] += of_second[k] * others[k];
        }
      }
      used[lot.used++] = i;
    }
    kReckonLot(lot);
    for (std::size_t lane = 0; lane < count; ++lane) {
      Estimate& estimate = estimates[begin + lane];
      const auto add = [&](std::size_t quantity, double weight) {
        estimate.mean += weight * (model_->offset[quantity] + own_mean_[quantity]);
        estimate.variance += weight * weight * own_variance_[quantity];
      };
      estimate = {lot.mean[lane], lot.variance[lane]};
      add(first + begin + lane, 1.0);
      if (!weights.empty()) {
        add(second + begin + lane, weights[begin + lane]);
      }
    }
  }
}

double Belief::update(const Evidence& evidence) {
  const Estimate expected =
      estimate(evidence.parts);  // Leaves what belongs to the factors in gain_.
  const double variance = expected.variance + evidence.noise;
  const double surprise = (evidence.value - expected.mean) / variance;
  const std::size_t n = gain_.size();
  for (std::size_t i = 0; i < n; ++i) {
    mean_[i] += gain_[i] * surprise;
    double* covariances = covariance_.data() + i * n;
    const double share = gain_[i] / variance;
    for (std::size_t j = 0; j < n; ++j) {
      covariances[j] -= share * gain_[j];
    }
  }
  // Taken to be independent of the factors, so that each is a number and not a row.
  for (const auto& part : evidence.parts) {
    double& own = own_variance_[part.quantity];
    const double gain = part.weight * own;
    own_mean_[part.quantity] += gain * surprise;
    own -= gain * gain / variance;
  }
  return -0.5 * (surprise * surprise * variance + std::log(2.0 * std::numbers::pi * variance));
}

void Belief::drift(double variance) {
  const std::size_t n = mean_.size();
  for (std::size_t i = 0; i < model_->lasting; ++i) {
    double& own = covariance_[i * n + i];
    own = std::min(1.0, own + variance);
  }
}

void Belief::widen(double lasting, double own) {
  drift(lasting);
  for (double& each : own_variance_) {
    each += own;
  }
}

void Belief::forget_passing() {
  const std::size_t n = mean_.size();
  for (std::size_t i = model_->lasting; i < n; ++i) {
    mean_[i] = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      covariance_[i * n + j] = covariance_[j * n + i] = 0.0;
    }
    covariance_[i * n + i] = 1.0;
  }
}

Belief::Passing Belief::passing() const {
  const std::size_t n = mean_.size();
  Passing result;
  for (std::size_t i = model_->lasting; i < n; ++i) {
    result.mean.push_back(mean_[i]);
    for (std::size_t j = model_->lasting; j < n; ++j) {
      result.covariance.push_back(covariance_[i * n + j]);
    }
  }
  return result;
}

void Belief::recall(const Passing& passing) {
  forget_passing();
  const std::size_t n = mean_.size();
  for (std::size_t i = 0; i < model_->passing; ++i) {
    mean_[model_->lasting + i] = passing.mean[i];
    for (std::size_t j = 0; j < model_->passing; ++j) {
      covariance_[(model_->lasting + i) * n + model_->lasting + j] =
          passing.covariance[i * model_->passing + j];
    }
  }
}

void Belief::archive(Archive& archive) {
  archive.packed<double>("mean", mean_, mean_.size());
  archive.packed<double>("covariance", covariance_, covariance_.size());
  archive.packed<double>("own_mean", own_mean_, own_mean_.size());
  archive.packed<double>("own_variance", own_variance_, own_variance_.size());
}

}  // namespace rein
