#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "agent/model_based/factor_model.hpp"

namespace rein {

/// How hot each zone of a machine gets, learned as it runs: the temperature is the surroundings'
/// plus what each input has heated it to in the last half second, two, eight, 32 and 128 seconds.
/// These are first-order stages (a Foster network) whose time constants are given, so that their
/// resistances are found by linear regression: recursive least squares with a prior, in which the
/// surroundings drift (Kalman 1960).
///
/// Inputs are power, and what the clocks and the load say where power is not measured or does not
/// tell all.
class HeatModel {
 public:
  static constexpr std::size_t kInputs = 2;
  using Inputs = std::array<double, kInputs>;  ///< At least 0; in any unit that stays.
  static constexpr std::size_t kHorizons = 4;
  static constexpr std::array<double, kHorizons> kHorizonsS = {0.5, 2.0, 8.0, 32.0};

  explicit HeatModel(std::size_t zones = 0);

  /// Takes a period into account. @param temperatures_c [zones]  empty where not measured.
  void observe(const std::vector<std::optional<double>>& temperatures_c, const Inputs& inputs,
               double interval_s);
  /// Whether anything was measured yet.
  bool knows() const { return knows_; }
  /// Of the zone that is expected to be the hottest, in degC, after a time of kHorizonsS with these
  /// inputs. @pre knows().
  Estimate hottest(const Inputs& inputs, std::size_t horizon) const;

 private:
  static constexpr std::array<double, 5> kStagesS = {0.5, 2.0, 8.0, 32.0, 128.0};
  static constexpr std::size_t kStages = kStagesS.size();
  static constexpr std::size_t kSlow = 3;  ///< Stages that may begin hotter or cooler than steady.
  static constexpr std::size_t kTerms = 1 + kInputs * kStages + kSlow;
  using Row = std::array<double, kTerms>;

  struct Zone {
    bool is_known = false;
    Row mean{};
    std::array<double, kTerms * kTerms> covariance{};
    double left_c = 0.0;  ///< What was measured above what is believed.
  };
  /// What is expected after a time: linear in the inputs (and 1, which comes first).
  struct Ahead {
    std::array<double, 1 + kInputs> mean{};
    std::array<double, (1 + kInputs) * (1 + kInputs)> covariance{};
  };

  void begin(Zone& zone, double temperature_c) const;
  void update(Zone& zone, double temperature_c) const;
  void look_ahead();
  Row row() const;

  std::vector<Zone> zones_;
  std::array<double, kInputs * kStages> stages_{};  ///< Inputs, each slowed by each stage.
  std::array<double, kSlow> fading_{};              ///< What is left of how slow stages began.
  Inputs scale_{};  ///< What inputs are divided by: those of the first period.
  bool knows_ = false;
  bool begins_ = true;                               ///< Stages are those of the first period.
  std::vector<std::array<Ahead, kHorizons>> ahead_;  ///< [zones]
};

}  // namespace rein
