#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/scale.hpp"
#include "platform/platform.hpp"

namespace rein {

/// How several values become one.
enum class Fold {
  kMean,  ///< Weighted, over time by how long each was.
  kSum,
  kMost,
  kLast,
};

/// Folds values one by one.
class Folded {
 public:
  explicit Folded(Fold fold) : fold_(fold) {}
  /// @param weight  above 0; for kMean alone.
  void add(double value, double weight = 1.0) {
    switch (fold_) {
      case Fold::kMean:
        value_ += value * weight;
        break;
      case Fold::kSum:
        value_ += value;
        break;
      case Fold::kMost:
        value_ = weight_ > 0.0 ? std::max(value_, value) : value;
        break;
      case Fold::kLast:
        value_ = value;
        break;
    }
    weight_ += weight;
  }
  /// Nothing before the first.
  std::optional<double> value() const {
    if (!(weight_ > 0.0)) {
      return std::nullopt;
    }
    return fold_ == Fold::kMean ? value_ / weight_ : value_;
  }

 private:
  Fold fold_;
  double value_ = 0.0;
  double weight_ = 0.0;
};

/// A signal as an agent sees it, if it does.
struct Sight {
  enum class Of {
    kNone,
    kWhole,  ///< The one without a dot.
    kEach,
    kHeat,  ///< Those that count for the hottest.
  };
  Of of = Of::kNone;
  Scale scale = {};
};

/// What of a simulated board a signal shows.
enum class Simulated {
  kNothing,   ///< A board's `simulation` gives none of it a sensor.
  kRail,      ///< The power of the rail that it is named after,
  kZone,      ///< the temperature of that zone,
  kThrottle,  ///< how far that throttle is down.
  kGpu,       ///< The busy share of the GPU.
  kCrowd,     ///< The share of the time in which some CPU had more to run than it can.
  kZero,      ///< There, and always 0.
};

/// Kernel files that hold a number; each part of the path may hold `*`.
struct NumberFiles {
  std::string_view pattern;
  double scale = 1.0;  ///< From the number to the quantity's unit.
};

/// All that is known of the signals of one kind: those with the same name before the dot. A
/// quantity is one row of this table, and nothing else has to know it: sensors and board files read
/// its unit and range here, simulated boards what to show, the observation how it is seen, `rein
/// probe` and the report where it is shown, and docs/trace.md is held against it.
struct Quantity {
  /// Where `rein probe` shows it.
  enum class Group { kOther, kPower, kThrottling };

  std::string_view name;
  std::string_view unit;
  /// What the signal without a dot is, for docs/trace.md; empty: there is none.
  std::string_view whole = "";
  /// What comes behind the dot, and what that signal is; empty: there is none.
  std::string_view behind = "";
  std::string_view each = "";

  double min = 0.0;  ///< Of what is plausible, in the unit.
  double max = 1.0;
  double stuck_after_s = 0.0;  ///< What has not moved for so long is not measured; 0: it may be.
  bool zero_may_stay = false;  ///< That does not go for 0.
  /// Nearer to 0 than this, a number is most often in another unit than the kernel says, or none
  /// at all: it is believed only after a value below `believed_below`.
  double doubtful = 0.0;
  double believed_below = 0.0;
  /// Whether files of it come in other units, and where its values mostly are, from which the unit
  /// is told; both 0: wherever they are plausible.
  bool has_other_units = false;
  double usual_min = 0.0;
  double usual_max = 0.0;

  Fold over_signals = Fold::kMean;  ///< Of the same period.
  Fold over_time = Fold::kMean;     ///< Of one signal.

  Sight sight = {};
  Simulated simulated = Simulated::kNothing;
  bool is_given = false;  ///< A board file may name a file of it.
  /// Where it is without more ado. Of a quantity with a whole, the first that is there is it.
  std::span<const NumberFiles> files = {};
  Group group = Group::kOther;
  bool throttles = false;       ///< What is above 0 holds something back.
  std::string_view chart = "";  ///< Title of its chart in the report; empty: no chart of its own.
  bool in_report = false;       ///< The report draws it in another chart.
};

std::span<const Quantity> quantities();

/// Of a signal, or of what comes before the dot of its name; null if there is no such quantity.
const Quantity* find_quantity(std::string_view signal);
/// The same. @throws Error if there is none.
const Quantity& quantity_of(std::string_view signal);

/// "expected 0 to 10000 W, found 49950", of a value that is not from `min` to `max`, in the
/// quantity's unit; empty if it is.
std::string implausible(const Quantity& quantity, double min, double max, double value);

/// What comes behind the first dot; empty if there is none.
std::string_view name_behind_dot(std::string_view signal);

/// The signal of a quantity that is called `name` behind the dot, or if that is empty has none.
Signal make_signal(std::string_view quantity, std::string_view name, std::string source,
                   bool estimated = false);

}  // namespace rein
