#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.hpp"
#include "study/suite/drawn_board.hpp"
#include "study/suite/grammar.hpp"

namespace rein::suite {

/// A world, as far as it is drawn.
struct Draft {
  Random& random;
  const Kind& kind;
  std::string name;
  DrawnBoard board;

  std::string work_kind;
  std::vector<std::string> places;
  std::string frequencies;  ///< Of `controls`: a mapping.
  struct Level {
    double width = 1.0;
    double top1 = 0.0;
    double mflops = 0.0;
  };
  std::vector<Level> levels;
  double cpu_sensitivity = 1.0;
  double gpu_sensitivity = 1.0;
  double memory_sensitivity = 1.0;
  double switch_ms = 0.0;

  std::string arrival;
  std::vector<double> arrivals_s;  ///< Of a recording.
  double from_s = 0.0;             ///< Where it begins in it.
  double gap_ms = 0.0;
  double deadline_ms = 0.0;
  double miss_rate = 0.01;
  std::size_t batch = 1;
  std::size_t queue_limit = 4;
  bool drops_expired = true;
  double period_ms = 100.0;
  double duration_s = 30.0;

  std::vector<std::string> co_runners;  ///< Names are their numbers.
  struct Phase {
    double duration_s = 0.0;
    std::vector<std::size_t> co_runners;
    double rate = 1.0;
    double deadline = 1.0;
    double power = 1.0;
    std::optional<double> ambient_c;
  };
  std::vector<Phase> phases;

  std::string objective = "max_accuracy";
  std::string prices;
  std::vector<std::string> budgets;  ///< Beside latency's.
};

inline bool is(const Draft& draft, std::string_view kind) { return draft.kind.name == kind; }

/// As numbers are written: what machines reckon differently in the last digits is the same.
inline std::string number(double value) { return fmt::format("{:.4g}", value); }

}  // namespace rein::suite
