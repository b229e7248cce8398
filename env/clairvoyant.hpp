#pragma once

#include <cstddef>

#include "env/action_space.hpp"

namespace rein {

/// What is to be expected of an action.
struct Outlook {
  /// Mean over the periods that were looked ahead, as Environment::step() would give it.
  double reward = 0.0;
  double objective = 0.0;  ///< The reward's first term, in [0, 1]; likewise a mean.
  // The budgets, by all periods together as by one long one, since one alone may have more requests
  // than the next. The first is left out where there are more: what it inherits passes.
  /// Of latency and accuracy, summed, in the units of BudgetCheck; 0: kept.
  double violation = 0.0;
  /// Of power, energy and temperature, the one that is nearest to its limit or farthest above: how
  /// far above, as a share of the limit (of 10 K); below 0 if all are kept, -1 if there is none.
  double overuse = -1.0;
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
  /// @throws std::out_of_range if the action does not fit the environment's knobs.
  virtual Outlook foresee(const Action& action, std::size_t periods) = 0;
};

}  // namespace rein
