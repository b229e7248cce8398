#pragma once

#include <cstddef>

namespace rein {

/// How often this program has asked for memory on the heap.
std::size_t allocation_count();

}  // namespace rein
