#pragma once

#include <optional>
#include <string>

#include "env/action_space.hpp"
#include "env/observation_spec.hpp"
#include "env/request_spec.hpp"

namespace rein {

/// What an observation says of the period that comes, in units of its own: for agents that reckon
/// instead of looking values up. Empty where there is no such budget or no reading.
struct Situation {
  std::optional<double> deadline_ms;
  double miss_rate = 1.0;
  std::optional<double> power_limit_w;
  std::optional<double> energy_limit_mj;  ///< Of a request.
  std::optional<double> allowance_w;      ///< What a battery leaves for each second.
  std::optional<double> min_top1;
  std::optional<double> temperature_limit_c;
  double rate_hz = 1.0;  ///< Of arrivals; above 0. In a closed loop as they were served lately.
  /// The next request comes when the last one ends, so that none waits, and there is always one.
  bool is_closed_loop = false;
  double queue = 0.0;  ///< Requests waiting, as a share of the queue's limit.

  /// In which a request has to be served: before its deadline, and before the next one comes.
  double time_for_request_ms() const;
  /// From one arrival to the next; so long that nothing ever waits in a closed loop.
  double gap_ms() const;
};

/// Reads situations of one application. Where there are several, of the first.
class SituationReader {
 public:
  SituationReader(const ObservationSpec& observations, RequestSpec::Arrival arrival);
  Situation read(const Observation& observation) const;

 private:
  struct Column {
    std::optional<std::size_t> index;
    /// The feature; empty if there is none, or if it has its neutral value, which stands for
    /// "no reading".
    std::optional<double> of(const Observation& observation) const;
    double neutral = 0.0;
  };
  static Column find(const ObservationSpec& observations, const std::string& begin,
                     const std::string& end = "");

  Column deadline_, miss_rate_, power_limit_, energy_limit_, allowance_, min_top1_,
      temperature_limit_, rate_, queue_;
  bool is_closed_loop_;
};

}  // namespace rein
