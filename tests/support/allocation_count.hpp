#pragma once

#include <cstddef>
#include <functional>

namespace rein {

/// How often this program has asked for memory on the heap.
std::size_t allocation_count();

/// By whose code: this program's and that of Rein's modules, or libraries'.
struct AllocationsByObject {
  std::size_t ours = 0;
  std::size_t others = 0;
};

/// Those of `work`. Looking up who allocates is slow.
AllocationsByObject allocations_of(const std::function<void()>& work);

}  // namespace rein
