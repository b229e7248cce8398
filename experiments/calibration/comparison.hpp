#pragma once

#include <string>
#include <vector>

namespace rein {

/// A quantity, simulated beside published: a table, and bounds on the error of the rows that were
/// used for the fit. Those that were held back may be twice as far off.
class Comparison {
 public:
  enum class Error {
    kRelative,  ///< In per cent of the published value.
    kAbsolute,  ///< In the quantity's unit.
  };
  /// 0: not bounded.
  struct Bounds {
    double mean = 0.0;
    double worst = 0.0;
  };

  Comparison(std::string title, std::string unit, Bounds bounds, Error error = Error::kRelative)
      : title_(std::move(title)), unit_(std::move(unit)), bounds_(bounds), error_(error) {}

  void add(std::string condition, double published, double simulated, bool is_fit);

  /// @return whether all bounds are kept.
  bool print() const;

 private:
  struct Row {
    std::string condition;
    double published = 0.0;
    double simulated = 0.0;
    bool is_fit = true;
  };

  double error_of(const Row& row) const;
  bool print_summary(bool fit) const;

  std::string title_;
  std::string unit_;
  Bounds bounds_;
  Error error_;
  std::vector<Row> rows_;
};

}  // namespace rein
