#pragma once

#include <optional>
#include <string>
#include <vector>

#include "env/period_record.hpp"

namespace rein {

/// Which knobs are of which kind: of the machine and of kManagedApplication.
struct KnobLayout {
  explicit KnobLayout(const ActionSpace& actions);

  std::optional<std::size_t> width;
  std::optional<std::size_t> mapping;
  std::vector<std::size_t> frequencies;  ///< Of domains, in the order of the knobs.
};

/// The action that was in force: what was granted, where that is known.
Action action_in_force(const PeriodRecord& record);

}  // namespace rein
