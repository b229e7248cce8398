#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/scale.hpp"
#include "env/worth.hpp"

namespace rein {

/// What an agent sees: a value for each feature of the ObservationSpec, in its order.
using Observation = std::vector<double>;

/// Where a feature's number comes from. What `index` counts is in brackets.
struct Source {
  enum class Kind {
    kLevel,      ///< [knobs] The level in force, of the highest one.
    kDeadline,   ///< [applications] In ms.
    kLimit,      ///< Of `budget`, as its rule has it [applications, if it is theirs] ...
    kSlack,      ///< ... and (limit - value) / limit: above 0 below the limit.
    kAllowance,  ///< What a battery leaves for each second, in W.
    kLatency,    ///< [applications] p95 of the period, in deadlines.
    kMissShare,  ///< [applications] Late or dropped, of all requests of the period.
    kQueue,      ///< [applications] Requests waiting, of the queue's limit.
    kRate,       ///< [applications] Requests a second.
    kBusy,       ///< [applications] The share of the period in which requests were served.
    kSlowdown,   ///< [applications] Mean latency over the least seen with the same levels.
    kSignal,     ///< [signals]
  };
  Kind kind = Kind::kSignal;
  std::size_t index = 0;
  BudgetId::Kind budget = BudgetId::Kind::kLatency;  ///< For kLimit and kSlack.

  bool operator==(const Source&) const = default;
};

/// One number of an observation.
struct Feature {
  std::string name;
  std::string number = "number";  ///< What `describe` calls what the source gives ...
  std::string unit = "1";         ///< ... and its unit.
  Source source = {};
  Scale scale = {};
};

/// The feature on one line, with all that a policy that learned from it relies on:
/// "deadline.app = log10(deadline_ms / 1000) / 4 in [-1, 0.9], else 1". Numbers are exact.
std::string describe(const Feature& feature);

/// The features of an observation: data, which Observer interprets. docs/observation.md has the
/// list.
class ObservationSpec {
 public:
  /// Of what the sources give, where describe() cannot say it. 1 were limits cut at 1 W, 1 ms, 1 mJ
  /// and 1 Hz.
  static constexpr int kVersion = 2;

  explicit ObservationSpec(std::vector<Feature> features) : features_(std::move(features)) {}

  const std::vector<Feature>& features() const { return features_; }
  std::size_t size() const { return features_.size(); }

 private:
  std::vector<Feature> features_;
};

/// A line for each feature.
std::vector<std::string> describe(const ObservationSpec& spec);

}  // namespace rein
