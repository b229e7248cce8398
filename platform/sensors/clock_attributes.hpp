#pragma once

#include <vector>

#include "platform/board/board.hpp"
#include "platform/sensors/attribute.hpp"

namespace rein {

/// `frequency_mhz.<domain>`: the frequency that was granted, of each domain that says it.
std::vector<Attribute> find_frequencies(const SysfsRoot& root,
                                        const std::vector<DomainSpec>& domains);

}  // namespace rein
