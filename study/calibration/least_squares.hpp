#pragma once

#include <functional>
#include <vector>

namespace rein {

/// An unknown of a fit, in the unit in which a change of a few hundredths is a small one.
struct Unknown {
  double start = 0.0;
  double least = 0.0;  ///< At most start ...
  double most = 0.0;   ///< ... which is at most this.
};

/// What is left over with these values of the unknowns; always as many, and finite at the start.
using Residuals = std::function<std::vector<double>(const std::vector<double>& values)>;

/// The values with the least sum of squared residuals near the start, by damped Gauss-Newton steps
/// (Marquardt 1963, An Algorithm for Least-Squares Estimation of Nonlinear Parameters) with
/// differences for derivatives. An unknown that no residual depends on stays at its start.
std::vector<double> least_squares(const std::vector<Unknown>& unknowns, const Residuals& residuals);

}  // namespace rein
