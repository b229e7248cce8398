#include "agent/model_based/fit_test.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

/// Of the new actions that would not surprise otherwise, those that do where it does not fit.
constexpr double kUnfit = 0.3;
/// One false alarm in e^6 = 400 tests, about.
constexpr double kEnoughEvidence = 6.0;
/// Periods that stayed, and surprises, that are counted beforehand.
constexpr double kStayedBefore = 20.0;
constexpr double kSurprisedBefore = 1.0;

}  // namespace

bool FitTest::note(bool is_new, bool surprises) {
  if (!is_new) {
    stayed_ += 1.0;
    surprised_ += surprises ? 1.0 : 0.0;
    return false;
  }
  const double usual = (surprised_ + kSurprisedBefore) / (stayed_ + kStayedBefore);
  const double unfit = usual + kUnfit * (1.0 - usual);
  const double ratio = surprises ? unfit / usual : (1.0 - unfit) / (1.0 - usual);
  evidence_ = std::max(0.0, evidence_ + std::log(ratio));
  if (evidence_ < kEnoughEvidence) {
    return false;
  }
  evidence_ = 0.0;
  return true;
}

}  // namespace rein
