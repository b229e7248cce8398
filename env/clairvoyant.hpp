#pragma once

#include <cstddef>

#include "env/action_space.hpp"

namespace rein {

/// What is to be expected of an action: means over the periods that were looked ahead.
struct Outlook {
  double reward = 0.0;     ///< As Environment::step() would give it, of expected values.
  double objective = 0.0;  ///< The reward's first term, in [0, 1].
  double violation = 0.0;  ///< Summed over the budgets, in the units of BudgetCheck; 0: all kept.
};

/// Tells what would follow: what an oracle asks. Implemented where conditions are known, by a
/// simulated environment or a recorded profile.
///
/// It knows the model, what is in force, under way and waiting, and the present contention,
/// ambient temperature, budgets and rates, which it takes to stay as they are. It does not know
/// what is drawn at random in the future: misses are expected ones.
class Clairvoyant {
 public:
  virtual ~Clairvoyant() = default;

  /// What follows if `action` is applied now and kept for `periods` periods. Changes nothing.
  /// @pre the environment was reset, and its episode is not over; periods > 0.
  /// @throws std::out_of_range if there is no such action.
  virtual Outlook foresee(ActionId action, std::size_t periods) = 0;
};

}  // namespace rein
