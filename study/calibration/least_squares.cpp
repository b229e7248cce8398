#include "study/calibration/least_squares.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <optional>

namespace rein {

namespace {

constexpr int kMostSteps = 40;
/// Of the sum of squares: a step that wins less is the last.
constexpr double kLeastGain = 1e-5;
constexpr double kDifference = 0.01;
constexpr double kFirstDamping = 1e-3;
constexpr double kMostDamping = 1e6;
constexpr double kDampingFactor = 10.0;

using Eigen::MatrixXd;
using Eigen::VectorXd;

std::vector<double> as_numbers(const VectorXd& vector) { return {vector.begin(), vector.end()}; }

/// Values of the unknowns, and what is left over with them.
struct Point {
  VectorXd values;
  VectorXd residuals;
  double squares = 0.0;
};

class Fit {
 public:
  Fit(const std::vector<Unknown>& unknowns, const Residuals& residuals)
      : unknowns_(unknowns), residuals_(residuals) {
    VectorXd start(unknowns.size());
    std::ranges::transform(unknowns, start.begin(), &Unknown::start);
    best_ = look_at(std::move(start));
  }

  std::vector<double> run() {
    double gain = 1.0;
    for (int i = 0; i < kMostSteps && gain > kLeastGain; ++i) {
      gain = step();
    }
    return as_numbers(best_.values);
  }

 private:
  Point look_at(VectorXd values) const {
    Point point{.values = std::move(values), .residuals = {}};
    const std::vector<double> residuals = residuals_(as_numbers(point.values));
    point.residuals = VectorXd::Map(residuals.data(), std::ssize(residuals));
    point.squares = point.residuals.squaredNorm();
    return point;
  }

  MatrixXd slopes() const {
    MatrixXd slopes(best_.residuals.size(), unknowns_.size());
    for (std::size_t i = 0; i < unknowns_.size(); ++i) {
      const double change =
          best_.values[i] + kDifference <= unknowns_[i].most ? kDifference : -kDifference;
      VectorXd values = best_.values;
      values[i] += change;
      slopes.col(i) = (look_at(std::move(values)).residuals - best_.residuals) / change;
    }
    return slopes;
  }

  /// @return by which share the sum of squares fell; 0 if no step lets it fall.
  double step() {
    const MatrixXd slope = slopes();
    MatrixXd curvature = slope.transpose() * slope;
    VectorXd descent = -slope.transpose() * best_.residuals;
    for (std::size_t i = 0; i < unknowns_.size(); ++i) {
      if (curvature(i, i) == 0.0 || is_held(i, descent[i])) {
        curvature.row(i).setZero();
        curvature.col(i).setZero();
        curvature(i, i) = 1.0;
        descent[i] = 0.0;
      }
    }
    for (; damping_ < kMostDamping; damping_ *= kDampingFactor) {
      const auto next = look_ahead(curvature, descent);
      if (next && next->squares < best_.squares) {
        const double gain = 1.0 - next->squares / best_.squares;
        best_ = *next;
        damping_ /= kDampingFactor;
        return gain;
      }
    }
    return 0.0;
  }

  /// Whether an unknown is at a bound that it would go beyond.
  bool is_held(std::size_t i, double descent) const {
    return (best_.values[i] >= unknowns_[i].most && descent > 0.0) ||
           (best_.values[i] <= unknowns_[i].least && descent < 0.0);
  }

  std::optional<Point> look_ahead(MatrixXd curvature, const VectorXd& descent) const {
    curvature.diagonal() *= 1.0 + damping_;
    VectorXd values = best_.values + curvature.ldlt().solve(descent);
    if (!values.allFinite()) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < unknowns_.size(); ++i) {
      values[i] = std::clamp(values[i], unknowns_[i].least, unknowns_[i].most);
    }
    return look_at(std::move(values));
  }

  const std::vector<Unknown>& unknowns_;
  const Residuals& residuals_;
  Point best_;
  double damping_ = kFirstDamping;
};

}  // namespace

std::vector<double> least_squares(const std::vector<Unknown>& unknowns,
                                  const Residuals& residuals) {
  return Fit(unknowns, residuals).run();
}

}  // namespace rein
