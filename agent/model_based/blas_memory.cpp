#include "agent/model_based/blas_memory.hpp"

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace rein {

namespace {

constexpr std::size_t kBuffer = std::size_t{136} << 20;  ///< With what goes with it.

/// As OpenBLAS does it first; given back unused.
bool can_be_had() {
  void* const buffer =
      mmap(nullptr, kBuffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return buffer != MAP_FAILED && munmap(buffer, kBuffer) == 0;
}

}  // namespace

void require_blas_memory() {
  static bool is_known = false;
  is_known = is_known || can_be_had();
  if (!is_known) {
    throw std::bad_alloc();
  }
}

}  // namespace rein
