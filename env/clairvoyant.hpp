#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

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
  /// What these periods together are worth: of all requests, not of each period's.
  double together = 0.0;
};

/// What is tried out: an action from now on, and perhaps another one after it.
struct Trial {
  const Action& action;
  std::size_t periods = 1;  ///< For which it is kept; above 0.
  std::size_t change = 0;   ///< So many of the first are also told of alone; at most `periods`.
  const Action* then = nullptr;
  std::size_t periods_then = 0;  ///< For which `then` is kept afterwards.
  /// Over so many draws of what comes by chance; above 0. Those of the same `draw` are the same,
  /// one by one, for all actions. One is enough where nothing does.
  std::size_t futures = 1;
  std::uint64_t draw = 0;
};

struct Foreseen {
  Outlook change;  ///< Of the first periods; as it is by itself, where Trial::change is 0.
  Outlook all;
};

/// Tells what would follow: what an oracle asks. Implemented where conditions are known, by a
/// simulated environment or a recorded profile.
///
/// It knows the model, what is in force, under way and waiting, and the present contention,
/// ambient temperature, budgets and rates, which it takes to stay as they are. It does not know
/// what is drawn at random in the future: misses are expected ones, and arrivals that come by
/// chance are draws of its own.
class Clairvoyant {
 public:
  virtual ~Clairvoyant() = default;

  /// What follows of this from now on: means over its futures. Changes nothing.
  /// @pre the environment was reset, and its episode is not over.
  /// @throws std::out_of_range if an action does not fit the environment's knobs.
  virtual Foreseen foresee(const Trial& trial) = 0;

  /// What follows if `action` is applied now and kept for `periods` periods, in one future.
  Outlook foresee(const Action& action, std::size_t periods) {
    return foresee(Trial{.action = action, .periods = periods}).all;
  }

  /// Whether requests come by chance, so that one future is not the next.
  virtual bool is_by_chance() const { return false; }
  /// What `foresee` depends on besides what waits, what is under way, and heat: another number
  /// where something else is there, asked for or possible. Empty if that is not known.
  virtual std::optional<std::uint64_t> conditions() const { return std::nullopt; }
};

}  // namespace rein
