#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/random.hpp"

namespace rein {

/// Of `count` values in ascending order, the number (from 1) of the one that is their quantile: the
/// first at or below which `share` of them lie. This is the rule of all quantiles here: nearest
/// rank, type 1 of Hyndman and Fan (1996), Sample quantiles in statistical packages, The American
/// Statistician 50. @pre share in (0, 1].
std::size_t quantile_rank(double share, std::size_t count);

/// The quantile; 0 if there are no values.
double quantile(std::vector<double> values, double share);
/// The same; leaves the values in another order.
double quantile_in_place(std::span<double> values, double share);

/// The mean; 0 if there are none.
double mean(const std::vector<double>& values);

/// The mean, if there is a value, and the standard deviation of a sample (n - 1), if there are two.
struct MeanAndSpread {
  std::optional<double> mean;
  std::optional<double> spread;
};

MeanAndSpread mean_and_spread(const std::vector<double>& values);

/// At or below which a quarter, a half and three quarters of a sample lie.
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
