#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "env/arrival_futures.hpp"
#include "env/clairvoyant.hpp"
#include "env/request_server.hpp"
#include "env/serving_environment.hpp"
#include "env/simulated_clock.hpp"
#include "env/simulated_worker.hpp"
#include "env/worth.hpp"
#include "platform/simulated/simulated_platform.hpp"

namespace rein {

/// Tries actions out on a copy of a simulated board, from what the environment is in now.
///
/// Requests take their mean time there, and each counts as missed with the probability that the
/// noise makes it late; those that find the queue full, or expire in it, are missed. Arrivals that
/// come by chance, from the next one on, are drawn anew (ArrivalFutures). Power and heat are the
/// board's true ones, without the sensors' noise and lag. What a battery leaves a second is taken
/// to stay as it is.
class Forecaster final : public Clairvoyant {
 public:
  /// What the environment is made of; all of it must outlive the forecaster.
  struct Parts {
    const SimulatedBoard& board;
    const SimulatedPlatform& platform;
    const SimulatedWorker& worker;
    const ServingEnvironment& environment;
  };
  Forecaster(const Parts& parts, const SimulatedNetwork& network, const RequestSpec& requests,
             const Board& board);

  using Clairvoyant::foresee;
  Foreseen foresee(const Trial& trial) override;
  bool is_by_chance() const override { return futures_.is_by_chance(); }
  std::optional<std::uint64_t> conditions() const override;

 private:
  struct Lateness {
    double surely = 0.0;    ///< So many are late for certain ...
    double expected = 0.0;  ///< ... and so many of the others are to be expected.
    double none = 1.0;      ///< The chance that none of the others is.
  };
  /// Serves every request in its mean time.
  class MeanWorker final : public BoardWorker {
   public:
    MeanWorker(SimulatedBoard& board, const SimulatedNetwork& network, std::size_t batch,
               const LatencyNoise& noise);
    using BoardWorker::follow;
    void prepare(std::uint64_t, const std::vector<Place>&) override {}
    std::size_t serve(std::size_t images, Duration time_left) override;
    /// Which of the requests since the last call are late, as far as can be told.
    Lateness take_lateness() { return std::exchange(lateness_, {}); }

   private:
    const SimulatedBoard& board_;
    ServiceNoise factor_;
    double mean_ = 1.0;
    Lateness lateness_;
  };
  /// What of the board counts up, for means over a period.
  struct Meter {
    double energy_j = 0.0;
    double ours_s = 0.0;  ///< CPU time.
    double others_s = 0.0;
  };

  /// The mean of what a period's misses beyond `allowed` are: not what the mean of its misses has
  /// beyond it, since one request may be more than is allowed in a period.
  static double expected_excess(const Lateness& lateness, double allowed);
  // The periods together, as one: sums of what is a mean of time or requests, until the end.
  void begin_sum();
  void add_to(PeriodFacts& sum) const;
  /// Of `periods` periods in all, whose `sum` it spoils.
  void judge(PeriodFacts& sum, double periods, Outlook& outlook);

  void start_from_now();
  void apply(const Action& action);
  /// Serves one period, whose facts are then in facts_.
  void pass_period();
  Meter read_meter() const;

  Parts parts_;
  SimulatedBoard board_;  ///< The copy.
  SimulatedClock clock_;
  MeanWorker worker_;
  RequestServer server_;
  PeriodTimer timer_;
  ArrivalFutures futures_;

  // Which of what is true the environment gets to see.
  bool sees_power_ = false;
  bool sees_power_ours_ = false;
  bool is_power_estimated_ = false;
  bool sees_temperature_ = false;
  PowerModel power_model_;
  std::size_t num_cpus_ = 0;

  Configuration configuration_;
  Meter meter_;
  ServiceReport report_;
  PeriodFacts facts_;
  std::vector<double> missed_;  ///< [applications] Of the period, expected.
  PeriodFacts sum_;
  PeriodFacts sum_of_change_;
  Worth worth_;
};

}  // namespace rein
