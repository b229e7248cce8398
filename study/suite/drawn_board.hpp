#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config_node.hpp"
#include "common/random.hpp"
#include "platform/board/board.hpp"

namespace rein::suite {

/// A board file whose numbers are drawn around a shipped one's.
class DrawnBoard {
 public:
  /// @param yaml  of a board with a simulation.  @param name  of the new one.
  DrawnBoard(std::string_view yaml, const std::string& name, Random& random);

  /// Everything takes that much longer, or less long; not what gets hot.
  void slow_down(double factor);
  /// All power is so much more, with the same heat.
  void scale_power(double factor);
  /// @param factor  of the time constants of heat.
  void scale_heat_time(double factor);

  Board board() const { return Board::from_yaml(node()); }
  std::string yaml() const { return node_.dump(); }

 private:
  /// As it would be read.
  ConfigNode node() const;
  /// To four digits, so that machines whose mathematics differ in the last agree.
  void scale(const std::vector<std::string_view>& keys, double factor, double most = 1e12);

  ConfigNode node_;
};

/// All keys that the pattern fits, in which * is any name or number.
std::vector<std::string> find_keys(const ConfigNode& node, std::string_view pattern);

}  // namespace rein::suite
