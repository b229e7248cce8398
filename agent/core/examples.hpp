#pragma once

#include <string>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "common/archive.hpp"

namespace rein {

/// Views, with what the policy decides on each in an episode that begins with it. What is read in
/// the same setting must decide the same: then it is the policy that was written, on a machine that
/// reckons alike. @param setting  what a decision depends on besides what was learned; not empty.
/// @throws ConfigError naming the first that differs, what was decided and what is.
void archive_examples(Archive& archive, const Policy& policy, const Problem& problem,
                      const std::string& setting);

/// Of what the policy has learned: tells whether two are the same. 16 hexadecimal digits.
std::string hash_of(const Policy& policy);

}  // namespace rein
