#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "common/random.hpp"

namespace rein {

/// Where a quarter, a half and three quarters of a sample lie below: type 7 of Hyndman and Fan
/// (1996), Sample quantiles in statistical packages, The American Statistician 50.
struct Quartiles {
  std::size_t count = 0;  ///< Of values; what follows is 0 without any.
  double low = 0.0;
  double median = 0.0;
  double high = 0.0;
};

Quartiles quartiles_of(std::vector<double> values);

/// A mean, and between which values it lies in 95 of 100 cases.
struct MeanInterval {
  double mean = 0.0;
  // Empty where nothing is known of the spread.
  std::optional<double> low;
  std::optional<double> high;
};

/// The mean of all values with its percentile interval from 2000 bootstrap samples (Efron and
/// Tibshirani 1993, An Introduction to the Bootstrap, ch. 13). Each sample draws from every group
/// as many values as it has, with replacement: what differs between groups is no chance. The
/// interval is empty if no group has two values.
/// @pre there is a value.
MeanInterval bootstrap_mean(const std::vector<std::vector<double>>& groups, Random& random);

}  // namespace rein
