#include "study/calibration/least_squares.hpp"

#include <algorithm>
#include <armadillo>
#include <cmath>
#include <optional>

#include "agent/model_based/blas_memory.hpp"

namespace rein {

namespace {

constexpr int kMostSteps = 40;
/// Of the sum of squares: a step that wins less is the last.
constexpr double kLeastGain = 1e-5;
constexpr double kDifference = 0.01;
constexpr double kFirstDamping = 1e-3;
constexpr double kMostDamping = 1e6;
constexpr double kDampingFactor = 10.0;

/// Values of the unknowns, and what is left over with them.
struct Point {
  arma::vec values;
  arma::vec residuals;
  double squares = 0.0;
};

class Fit {
 public:
  Fit(const std::vector<Unknown>& unknowns, const Residuals& residuals)
      : unknowns_(unknowns), residuals_(residuals) {
    require_blas_memory();
    arma::vec start(unknowns.size());
    std::ranges::transform(unknowns, start.begin(), &Unknown::start);
    best_ = look_at(std::move(start));
  }

  std::vector<double> run() {
    double gain = 1.0;
    for (int i = 0; i < kMostSteps && gain > kLeastGain; ++i) {
      gain = step();
    }
    return arma::conv_to<std::vector<double>>::from(best_.values);
  }

 private:
  Point look_at(arma::vec values) const {
    Point point{.values = std::move(values), .residuals = {}};
    point.residuals = residuals_(arma::conv_to<std::vector<double>>::from(point.values));
    point.squares = arma::dot(point.residuals, point.residuals);
    return point;
  }

  arma::mat slopes() const {
    arma::mat slopes(best_.residuals.n_elem, unknowns_.size());
    for (std::size_t i = 0; i < unknowns_.size(); ++i) {
      const double change =
          best_.values[i] + kDifference <= unknowns_[i].most ? kDifference : -kDifference;
      arma::vec values = best_.values;
      values[i] += change;
      slopes.col(i) = (look_at(std::move(values)).residuals - best_.residuals) / change;
    }
    return slopes;
  }

  /// @return by which share the sum of squares fell; 0 if no step lets it fall.
  double step() {
    const arma::mat slope = slopes();
    arma::mat curvature = slope.t() * slope;
    arma::vec descent = -slope.t() * best_.residuals;
    for (std::size_t i = 0; i < unknowns_.size(); ++i) {
      if (curvature(i, i) == 0.0 || is_held(i, descent[i])) {
        curvature.row(i).zeros();
        curvature.col(i).zeros();
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

  std::optional<Point> look_ahead(arma::mat curvature, const arma::vec& descent) const {
    curvature.diag() *= 1.0 + damping_;
    arma::vec values;
    if (!arma::solve(values, curvature, descent)) {
      return std::nullopt;
    }
    values += best_.values;
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
