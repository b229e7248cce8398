#include "agent/model_based/prior.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "agent/core/managed_application.hpp"

namespace rein {

namespace {

/// Periods for which an action is kept before it is measured, and while it is.
constexpr std::size_t kSettle = 1;
constexpr std::size_t kMeasured = 2;
/// Variance that a quantity has of its own at least: no machine is exactly like the others.
constexpr double kLeastOwn = 1e-4;
/// Of what differs under contention and no factor explains, so much is taken to be its own.
constexpr double kContendedOwn = 0.5;

struct Means {
  double service_ms = 0.0;
  std::vector<double> powers_w;
  double busy = 0.0;
  std::vector<double> hints;
};

Means keep(Environment& environment, const Action& action, const std::vector<CpuShares>& cpus,
           const std::vector<PowerSignal>& powers, std::uint64_t& seed, std::uint64_t& periods) {
  const PowerReader reader(environment.signals());
  Means means;
  means.powers_w.assign(powers.size(), 0.0);
  means.hints.assign(cpus.size(), 0.0);
  double served = 0.0;
  double busy_ms = 0.0;
  double time_s = 0.0;
  for (std::size_t i = 0; i < kSettle + kMeasured || served == 0.0; ++i) {
    const StepResult& result = environment.step(action);
    ++periods;
    const StepInfo& info = result.info;
    if (i >= kSettle) {
      const ServiceReport& service = managed_service(info);
      served += static_cast<double>(service.served);
      busy_ms += service.busy_ms;
      time_s += info.interval_s;
      for (std::size_t j = 0; j < powers.size(); ++j) {
        means.powers_w[j] += reader.value(info, powers[j]).value_or(0.0) * info.interval_s;
      }
      for (std::size_t j = 0; j < cpus.size(); ++j) {
        const double others = info.reading(cpus[j].others).value_or(0.0);
        const double ours = cpus[j].ours ? info.reading(*cpus[j].ours).value_or(0.0) : 0.0;
        means.hints[j] += demand_of_others(others, ours).share * info.interval_s;
      }
    }
    if (result.terminated || result.truncated) {
      environment.reset(++seed);
    }
  }
  means.service_ms = busy_ms / served;
  std::ranges::for_each(means.powers_w, [time_s](double& power_w) { power_w /= time_s; });
  means.busy = std::min(1.0, busy_ms * 1e-3 / time_s);
  std::ranges::for_each(means.hints, [time_s](double& hint) { hint /= time_s; });
  return means;
}

using Matrix = Eigen::MatrixXd;
/// As a FactorModel has its basis: a row a quantity.
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::RowVectorXd;

template <typename Vector>
Eigen::Map<const Vector> mapped(const std::vector<double>& values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

Matrix as_matrix(const std::vector<Sweep>& sweeps) {
  Matrix matrix(sweeps.size(), sweeps.front().size());
  for (std::size_t i = 0; i < sweeps.size(); ++i) {
    matrix.row(i) = mapped<Row>(sweeps[i]);
  }
  return matrix;
}

/// Principal directions of the rows, each as long as the standard deviation along it, as columns;
/// the largest number of each is positive.
Matrix components(const Matrix& rows, std::size_t most, double unexplained) {
  // Of the two products with the same eigenvalues the smaller one.
  const bool is_tall = rows.rows() > rows.cols();
  Matrix product;
  if (is_tall) {
    product = rows.transpose() * rows;
  } else {
    product = rows * rows.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(product);
  // From the largest on, and what rounding left below nothing is nothing.
  const Eigen::VectorXd values = solver.eigenvalues().reverse().cwiseMax(0.0);
  const double total = values.sum();
  Eigen::Index count = 0;
  double rest = total;
  while (count < values.size() && static_cast<std::size_t>(count) < most &&
         rest > unexplained * total) {
    rest -= values[count];
    ++count;
  }
  const auto vectors = solver.eigenvectors().rowwise().reverse().leftCols(count);
  Matrix directions;
  if (is_tall) {
    directions = vectors * values.head(count).cwiseSqrt().asDiagonal();
  } else {
    directions = rows.transpose() * vectors;
  }
  for (auto&& direction : directions.colwise()) {
    if (direction.maxCoeff() < -direction.minCoeff()) {
      direction = -direction;
    }
  }
  return directions / std::sqrt(static_cast<double>(rows.rows()));
}

/// Mean square of what is left of each column of `rows` when the components are taken off.
Row left_over(const Matrix& rows, const Matrix& directions) {
  const Matrix unit = directions.colwise().normalized();
  const Matrix left = rows - (rows * unit) * unit.transpose();
  return left.colwise().squaredNorm() / static_cast<double>(rows.rows());
}

}  // namespace

Sweep sweep(Environment& few, Environment& many, std::uint64_t seed, std::uint64_t& periods) {
  const auto cpus = find_cpu_shares(many.signals());
  const auto powers = many.description().power_signals;
  const Quantities quantities{
      .actions = many.action_space().size(), .powers = powers.size(), .hints = cpus.size()};
  Sweep sweep(quantities.size(), 0.0);
  std::uint64_t seeds[] = {seed, seed};
  few.reset(seed);
  many.reset(seed);
  for (ActionId action = 0; action < quantities.actions; ++action) {
    const Action levels = many.action_space().decode(action);
    const Means less = keep(few, levels, cpus, powers, seeds[0], periods);
    const Means more = keep(many, levels, cpus, powers, seeds[1], periods);
    sweep[quantities.service(action)] = std::log(std::sqrt(less.service_ms * more.service_ms));
    // Where both keep it busy all the time nothing can be told apart, and need not be.
    const double apart = more.busy - less.busy;
    for (std::size_t i = 0; i < powers.size(); ++i) {
      const double serving =
          apart > 0.02 ? std::max(0.0, (more.powers_w[i] - less.powers_w[i]) / apart) : 0.0;
      sweep[quantities.idle(i, action)] = less.powers_w[i] - serving * less.busy;
      sweep[quantities.serving(i, action)] = serving;
    }
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      sweep[quantities.hint(i)] +=
          (less.hints[i] + more.hints[i]) / (2.0 * static_cast<double>(quantities.actions));
    }
  }
  return sweep;
}

void FactorSearch::add(const Sweep& alone, const std::vector<Sweep>& contended) {
  alone_.push_back(alone);
  for (const auto& each : contended) {
    Sweep difference(alone.size());
    std::ranges::transform(each, alone, difference.begin(), std::minus{});
    differences_.push_back(std::move(difference));
  }
}

FactorModel FactorSearch::find(std::size_t actions, const Options& options) const {
  const Matrix alone = as_matrix(alone_);
  const Row mean = alone.colwise().mean();
  Row weights = Row::Ones(mean.size());
  weights.head(actions) *= options.service_weight;
  const Matrix centred = (alone.rowwise() - mean) * weights.asDiagonal();
  const Matrix lasting = components(centred, options.lasting, options.unexplained);
  Row own = left_over(centred, lasting);
  Matrix passing(mean.size(), 0);
  if (!differences_.empty()) {
    const Matrix differences = as_matrix(differences_) * weights.asDiagonal();
    passing = components(differences, options.passing, options.unexplained);
    own += kContendedOwn * left_over(differences, passing);
  }
  own.array() /= weights.array().square();
  own.array() += kLeastOwn;
  Rows basis(mean.size(), lasting.cols() + passing.cols());
  basis << lasting, passing;
  basis = weights.cwiseInverse().asDiagonal() * basis;

  FactorModel model;
  model.lasting = lasting.cols();
  model.passing = passing.cols();
  model.offset.assign(mean.begin(), mean.end());
  model.own.assign(own.begin(), own.end());
  model.basis.assign(basis.data(), basis.data() + basis.size());
  return model;
}

std::vector<ResponseModel::Condition> FactorSearch::conditions(const FactorModel& model,
                                                               std::size_t count) const {
  const ResponseModel::Condition nobody{std::vector<double>(model.passing, 0.0), 0};
  const std::size_t chosen = std::min(count, differences_.size());
  if (model.passing == 0) {
    return std::vector(1 + chosen, nobody);  // What was there changed nothing.
  }
  std::vector<ResponseModel::Condition> result = {nobody};
  const Eigen::Map<const Rows> factors(model.basis.data(), model.quantities(), model.factors());
  // What service times and power deviate by is of another size: least squares would see the
  // largest.
  const Eigen::VectorXd scale =
      (factors.rowwise().squaredNorm() + mapped<Eigen::VectorXd>(model.own))
          .cwiseSqrt()
          .cwiseInverse();
  const Matrix passing = scale.asDiagonal() * factors.rightCols(model.passing);
  const Eigen::CompleteOrthogonalDecomposition<Matrix> solver(passing);
  for (std::size_t i = 0; i < chosen; ++i) {
    const Sweep& difference = differences_[i * differences_.size() / chosen];
    const Eigen::VectorXd mean =
        solver.solve(scale.cwiseProduct(mapped<Eigen::VectorXd>(difference)));
    result.push_back({{mean.begin(), mean.end()}, 0});
  }
  return result;
}

}  // namespace rein
