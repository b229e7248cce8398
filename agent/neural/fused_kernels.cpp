#include "agent/neural/fused_kernels.hpp"

#include <cmath>

namespace rein::fused {

// Clang does not know the pragma, and makes the plain one of whatever -march it is given.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define REIN_X86_KERNELS
#endif

namespace {

#ifdef REIN_X86_KERNELS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx2,fma,prefer-vector-width=512")
namespace avx512 {  // 32 registers of 16 floats.
constexpr std::size_t kWidth = 16;
constexpr std::size_t kTileRows = 8;
constexpr std::size_t kTileVectors = 2;
constexpr std::size_t kRowVectors = 4;
#include "agent/neural/fused_kernels.inc"
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {  // 16 registers of 8 floats.
constexpr std::size_t kWidth = 8;
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileVectors = 2;
constexpr std::size_t kRowVectors = 8;
#include "agent/neural/fused_kernels.inc"
}  // namespace avx2
#pragma GCC pop_options
#endif

namespace plain {  // SSE2 has 16 registers of 4 floats, NEON has 32.
constexpr std::size_t kWidth = 4;
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileVectors = 2;
constexpr std::size_t kRowVectors = 8;
#include "agent/neural/fused_kernels.inc"
}  // namespace plain

struct Kernels {
  void (*multiply)(const Product&);
  void (*adam)(const AdamStep&);
  void (*blend)(const float*, float*, std::size_t, float);
};

Kernels choose() {
#ifdef REIN_X86_KERNELS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    return {avx512::multiply, avx512::adam, avx512::blend};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {avx2::multiply, avx2::adam, avx2::blend};
  }
#endif
  return {plain::multiply, plain::adam, plain::blend};
}

const Kernels kKernels = choose();

}  // namespace

void multiply(const Product& product) { kKernels.multiply(product); }
void adam(const AdamStep& step) { kKernels.adam(step); }
void blend(const float* source, float* target, std::size_t count, float rate) {
  kKernels.blend(source, target, count, rate);
}

}  // namespace rein::fused
