#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "common/config_node.hpp"
#include "platform/board/board.hpp"
#include "platform/simulated/simulated_board.hpp"

namespace rein {

/// A simulated board under one condition at a time, with names and the units of published tables.
class Bench {
 public:
  /// A board file with a `simulation`.
  explicit Bench(const std::filesystem::path& file);

  void reset() { board_.reset(); }
  /// @throws Error if there is no such place; the same for the next.
  void set_place(const std::string& name);
  /// The operating point of a domain with this frequency.
  void set_mhz(const std::string& domain, double mhz);
  void set_work(const std::string& kind, double mflops, double images = 1.0,
                double gpu_sensitivity = 1.0);
  /// Another program begins; it replaces the one before.
  void set_partner(const ContentionProfile& profile);
  void leave_alone();

  /// Runs requests one after the other up to this time since the reset; then `served_s` is at most
  /// one request longer.
  void serve_until(double seconds);
  void rest_until(double seconds);
  double now_s() const { return to_seconds(board_.now().time_since_epoch()); }

  /// With what is in force now.
  double latency_ms() { return 1e3 * board_.latency_s(); }
  double hottest_c();

  /// What is measured from here on.
  void mark();
  double power_w();
  double rail_power_w(const std::string& rail);
  /// Requests in a second.
  double rate_hz();

 private:
  Board spec_;
  SimulatedBoard board_;
  bool has_partner_ = false;
  TimePoint mark_;
  double mark_energy_j_ = 0.0;
  std::vector<double> mark_rail_energy_j_;
  std::size_t requests_ = 0;
};

}  // namespace rein
