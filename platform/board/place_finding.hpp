#pragma once

#include <vector>

#include "platform/board/board.hpp"
#include "platform/board/cpu_policies.hpp"

namespace rein {

class SysfsRoot;

/// Places from one CPU to all of them, at most 24, of which no two have the same CPUs: each CPU
/// (above 8 the first of each domain); of a domain of more than 8 CPUs also four, 16, 64... and a
/// half, one thread of each core first; each cluster, domain, package and memory node.
std::vector<Place> find_places(const SysfsRoot& root, const CpuList& cpus,
                               const std::vector<DomainSpec>& domains,
                               const std::vector<CpuPolicy>& policies);

}  // namespace rein
