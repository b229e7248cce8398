#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/aligned_floats.hpp"
#include "common/archive.hpp"

namespace rein {

/// Many quantities that depend on few: x = offset + basis z + own, where z are the factors and each
/// quantity has a deviation of its own. Linear and Gaussian, so what is measured of one quantity
/// corrects what is believed of all (factor analysis; Kalman 1960).
///
/// The factors are of two sorts. Lasting ones say which machine this is: they drift slowly, if at
/// all. Passing ones say what goes on there now: other programs. They stay as they are until they
/// are anything at all again.
struct FactorModel {
  std::size_t lasting = 0;  ///< Factors that come first.
  std::size_t passing = 0;
  std::vector<double> offset;  ///< [quantities]
  std::vector<double> basis;   ///< [quantities x factors]; the factors have mean 0, variance 1.
  std::vector<double> own;     ///< [quantities]: variance of the deviation of its own.

  std::size_t factors() const { return lasting + passing; }
  std::size_t quantities() const { return offset.size(); }
  std::span<const double> row(std::size_t quantity) const {
    return {basis.data() + quantity * factors(), factors()};
  }

  /// So that what is written is what is read.
  void round_to_singles();
  /// @param size  quantities().  @pre round_to_singles() was called if it writes.
  void archive(Archive& archive, std::size_t size);
};

/// What a model's quantities have to do with each factor, as floats: to reckon many of them at
/// once.
class FactorColumns {
 public:
  FactorColumns() = default;
  explicit FactorColumns(const FactorModel& model);

  /// From this quantity on; what is beyond the last is 0.
  const float* of(std::size_t factor, std::size_t quantity) const {
    return numbers_.data() + factor * stride_ + quantity;
  }
  /// Whether any of kMany quantities from this one on has to do with it, and maybe if only one near
  /// them does.
  bool matters(std::size_t factor, std::size_t quantity) const {
    const auto* const lots = matters_.data() + factor * (stride_ / kMany) + quantity / kMany;
    return lots[0] != 0 || lots[1] != 0;
  }
  static constexpr std::size_t kMany = 32;

 private:
  std::size_t stride_ = 0;
  AlignedFloats numbers_;               ///< [factors x stride_]
  std::vector<unsigned char> matters_;  ///< [factors x stride_ / kMany]
};

/// A mean and how sure it is.
struct Estimate {
  double mean = 0.0;
  double variance = 0.0;
};

/// A measurement: the sum of weighted quantities, with noise.
struct Evidence {
  struct Part {
    std::size_t quantity = 0;
    double weight = 1.0;
  };
  std::vector<Part> parts;
  double value = 0.0;
  double noise = 0.0;  ///< Variance.
};

/// What is believed of the factors of a model, and of each quantity's own deviation.
class Belief {
 public:
  /// What the model says before anything was measured. `model` must outlive the belief.
  explicit Belief(const FactorModel& model);

  Estimate estimate(std::size_t quantity) const {
    const Evidence::Part part{quantity, 1.0};
    return estimate({&part, 1});
  }
  Estimate estimate(std::span<const Evidence::Part> parts) const;

  /// Of `estimates.size()` quantities in a row from `first`, with the precision of floats.
  /// @param columns  of the model.
  void estimate_each(const FactorColumns& columns, std::size_t first,
                     std::span<Estimate> estimates) const {
    estimate_each(columns, first, 0, {}, estimates);
  }
  /// Of each of them plus `weights[i]` times the quantity `second + i`.
  void estimate_each(const FactorColumns& columns, std::size_t first, std::size_t second,
                     std::span<const double> weights, std::span<Estimate> estimates) const;

  /// Takes it into account: a Kalman filter's update.
  /// @return the logarithm of how likely it was.
  double update(const Evidence& evidence);
  /// A period passes: lasting factors are a little less sure, up to what the model says.
  void drift(double variance);
  /// What was believed of the lasting is less sure by far, and so is each quantity's own deviation.
  void widen(double lasting, double own);
  /// The quantity may deviate more than was thought.
  void doubt(std::size_t quantity, double variance) { own_variance_[quantity] += variance; }
  /// Something has changed: passing factors can be anything again.
  void forget_passing();

  /// The passing factors alone: conditions, to be recognised later.
  struct Passing {
    std::vector<double> mean;        ///< [passing]
    std::vector<double> covariance;  ///< [passing x passing]
  };
  Passing passing() const;
  std::span<const double> passing_mean() const { return std::span(mean_).subspan(model_->lasting); }
  /// It is as it was then.
  void recall(const Passing& passing);

  /// Of the same model.
  void archive(Archive& archive);

 private:
  /// Writes what the parts have to do with the factors to row_, and its product with the covariance
  /// to gain_.
  void combine(std::span<const Evidence::Part> parts) const;

  const FactorModel* model_;
  std::vector<double> mean_;        ///< [factors]
  std::vector<double> covariance_;  ///< [factors x factors], symmetric.
  std::vector<double> own_mean_;    ///< [quantities]
  std::vector<double> own_variance_;
  mutable std::vector<double> row_;   ///< While something is computed ...
  mutable std::vector<double> gain_;  ///< ... [factors]
};

}  // namespace rein
