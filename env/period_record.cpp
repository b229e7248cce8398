#include "env/period_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "common/error.hpp"

namespace rein {

namespace {

constexpr std::array<const char*, kNumOverruled> kReasons = {"",        "power",     "temperature",
                                                             "sensors", "actuation", "budgets"};

}  // namespace

std::string to_string(Overruled reason) { return kReasons.at(static_cast<std::size_t>(reason)); }

Overruled overruled_from(const std::string& name) {
  const auto* const found = std::ranges::find(kReasons, name);
  if (found == kReasons.end()) {
    throw Error(fmt::format("expected nothing or one of {}, found '{}'",
                            fmt::join(kReasons.begin() + 1, kReasons.end(), ", "), name));
  }
  return static_cast<Overruled>(std::distance(kReasons.begin(), found));
}

bool PeriodRecord::is_changed() const {
  return overruled != Overruled::kNot || action != decision.action ||
         std::ranges::any_of(result.info.granted, &KnobGrant::refused);
}

}  // namespace rein
