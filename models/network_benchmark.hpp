#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "models/back_end.hpp"
#include "models/slimmable_network.hpp"

namespace rein {

/// How fast a network's levels are for requests of one size on so many threads.
struct BenchmarkCell {
  std::size_t level = 0;
  std::size_t batch = 1;
  int threads = 1;
  std::vector<double> latency_ms;       ///< Of each request at a level that stays.
  std::vector<double> switch_us;        ///< Of each set_level() alone.
  std::vector<double> after_switch_ms;  ///< Of the first request after it.
};

struct BenchmarkOptions {
  std::vector<std::size_t> batches = {1, 8, 24};
  std::vector<int> threads = {1};
  std::size_t repeat = 200;  ///< Requests in a cell, in blocks of ten; each begins with a switch.
};

/// Measures all levels, which take turns in blocks, so that they meet the same disturbances. Images
/// are random.
/// @param report  told after each round how many of all are done.
std::vector<BenchmarkCell> benchmark(
    SlimmableNetwork& network, const BenchmarkOptions& options,
    const std::function<void(std::size_t done, std::size_t of)>& report);

/// The most that a back end reaches in large convolutions that suit it [GFLOP/s, of which a
/// multiply-add is two]: what a network's own rate is compared with.
double measure_peak_gflops(const BackEnd& back_end, Precision precision, int threads);

}  // namespace rein
