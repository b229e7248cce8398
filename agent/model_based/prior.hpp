#pragma once

#include <cstddef>
#include <vector>

#include "agent/model_based/factor_model.hpp"
#include "agent/model_based/response_model.hpp"
#include "env/environment.hpp"

namespace rein {

/// The quantities of a ResponseModel, measured on one machine under one set of conditions:
/// where its Quantities has them.
using Sweep = std::vector<double>;

/// Measures them by keeping each action for a few periods, once with few requests and once with
/// more, since what serving adds to the power is seen from the difference.
///
/// The two environments are the same machine with the same knobs. Where nothing measures
/// power, that is 0.
/// @param periods  is increased by those that this took.
Sweep sweep(Environment& few, Environment& many, std::uint64_t seed, std::uint64_t& periods);

/// Finds the few factors on which the quantities of machines depend, from machines that were swept:
/// principal components of what differs between machines (lasting factors), and of what others do
/// to one of them (passing factors). An empirical prior, as LEO has (Mishra et al., ASPLOS 2015).
class FactorSearch {
 public:
  struct Options {
    std::size_t lasting = 14;  ///< At most.
    std::size_t passing = 14;
    double unexplained = 5e-4;  ///< Share of the variance that needs no factor.
    /// A deviation of a logarithm of service time counts as one of power this many times as large:
    /// a deadline is missed by less than a limit is exceeded.
    double service_weight = 4.0;
  };

  /// @param alone  with nobody else there.  @param contended  with others, each time other ones.
  void add(const Sweep& alone, const std::vector<Sweep>& contended);

  /// @param actions  so many: their service times come first.  @pre two machines or more were
  /// added.
  FactorModel find(std::size_t actions, const Options& options) const;
  /// The passing factors of `count` of the contended machines, spread evenly over all that were
  /// added, or of all if there are no more. The first is nobody else.
  /// @param model  that find() found.
  std::vector<ResponseModel::Condition> conditions(const FactorModel& model,
                                                   std::size_t count) const;

 private:
  std::vector<Sweep> alone_;
  std::vector<Sweep> differences_;  ///< Of contended to alone.
};

}  // namespace rein
