#include "agent/model_based/prior.hpp"

#include <algorithm>
#include <armadillo>
#include <cmath>

#include "agent/core/managed_application.hpp"
#include "agent/model_based/blas_memory.hpp"

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

arma::mat as_matrix(const std::vector<Sweep>& sweeps) {
  arma::mat matrix(sweeps.size(), sweeps.front().size());
  for (std::size_t i = 0; i < sweeps.size(); ++i) {
    matrix.row(i) = arma::rowvec(sweeps[i]);
  }
  return matrix;
}

/// Principal directions of the rows, each as long as the standard deviation along it, as columns.
arma::mat components(const arma::mat& rows, std::size_t most, double unexplained) {
  arma::mat left;
  arma::vec values;
  arma::mat right;
  arma::svd_econ(left, values, right, rows, "right");
  const double total = arma::dot(values, values);
  arma::uword count = 0;
  double rest = total;
  while (count < std::min<arma::uword>(most, values.n_elem) && rest > unexplained * total) {
    rest -= values(count) * values(count);
    ++count;
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(rows.n_rows));
  return right.head_cols(count) * arma::diagmat(values.head(count)) * scale;
}

/// Mean square of what is left of each column of `rows` when the components are taken off.
arma::rowvec left_over(const arma::mat& rows, const arma::mat& directions) {
  if (directions.n_cols == 0) {
    return arma::mean(arma::square(rows), 0);
  }
  const arma::mat unit = arma::normalise(directions);
  return arma::mean(arma::square(rows - rows * unit * unit.t()), 0);
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
  require_blas_memory();
  const arma::mat alone = as_matrix(alone_);
  const arma::rowvec mean = arma::mean(alone, 0);
  arma::rowvec weights(mean.n_elem, arma::fill::ones);
  weights.head(actions) *= options.service_weight;
  const auto weighted = [&](arma::mat rows) {
    rows.each_row() %= weights;
    return rows;
  };
  const arma::mat centred = weighted(alone.each_row() - mean);
  const arma::mat lasting = components(centred, options.lasting, options.unexplained);
  arma::rowvec own = left_over(centred, lasting);
  arma::mat passing(mean.n_elem, 0);
  if (!differences_.empty()) {
    const arma::mat differences = weighted(as_matrix(differences_));
    passing = components(differences, options.passing, options.unexplained);
    own += kContendedOwn * left_over(differences, passing);
  }
  own /= arma::square(weights);
  arma::mat basis = arma::join_rows(lasting, passing);
  basis.each_col() /= weights.t();

  FactorModel model;
  model.lasting = lasting.n_cols;
  model.passing = passing.n_cols;
  model.offset = arma::conv_to<std::vector<double>>::from(mean);
  model.own = arma::conv_to<std::vector<double>>::from(own + kLeastOwn);
  // Armadillo keeps columns together.
  const arma::mat rows = basis.t();
  model.basis.assign(rows.begin(), rows.end());
  return model;
}

std::vector<ResponseModel::Condition> FactorSearch::conditions(const FactorModel& model,
                                                               std::size_t count) const {
  require_blas_memory();
  std::vector<ResponseModel::Condition> result = {{std::vector<double>(model.passing, 0.0), 0}};
  const arma::mat factors(const_cast<double*>(model.basis.data()), model.factors(),
                          model.quantities(), /*copy_aux_mem=*/false, /*strict=*/true);
  // What service times and power deviate by is of another size: least squares would see the
  // largest.
  const arma::rowvec scale =
      1.0 / arma::sqrt(arma::sum(arma::square(factors), 0) +
                       arma::rowvec(arma::conv_to<arma::rowvec>::from(model.own)));
  arma::mat passing = factors.tail_rows(model.passing).t();
  passing.each_col() %= scale.t();
  const arma::mat inverse = arma::pinv(passing);
  const std::size_t chosen = std::min(count, differences_.size());
  for (std::size_t i = 0; i < chosen; ++i) {
    const Sweep& difference = differences_[i * differences_.size() / chosen];
    const arma::vec mean = inverse * (arma::vec(difference) % scale.t());
    result.push_back({arma::conv_to<std::vector<double>>::from(mean), 0});
  }
  return result;
}

}  // namespace rein
