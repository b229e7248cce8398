#pragma once

#include <vector>

#include "platform/board/board.hpp"
#include "platform/sensors/attribute.hpp"

namespace rein {

/// `frequency_mhz.<domain>`: the frequency that was granted, of each domain that says it.
std::vector<Attribute> find_frequencies(const SysfsRoot& root,
                                        const std::vector<DomainSpec>& domains);

/// `gpu_load_share`, where the driver says it.
std::vector<Attribute> find_gpu_load(const SysfsRoot& root);

}  // namespace rein
