#include "models/network_benchmark.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "common/clock.hpp"
#include "common/random.hpp"

namespace rein {
namespace {

template <typename Work>
Duration time_of(const Work& work) {
  const SteadyClock clock;
  const TimePoint start = clock.now();
  work();
  return clock.now() - start;
}

std::vector<std::uint8_t> random_images(std::size_t size) {
  Random random(1);
  std::vector<std::uint8_t> images(size);
  std::ranges::generate(images, [&] { return static_cast<std::uint8_t>(random.index(256)); });
  return images;
}

constexpr std::size_t kBlock = 10;

/// One block of requests at a level.
void add_block(SlimmableNetwork& network, std::span<const std::uint8_t> images,
               std::span<int> predictions, BenchmarkCell& cell) {
  cell.switch_us.push_back(1e6 * to_seconds(time_of([&] { network.set_level(cell.level); })));
  for (std::size_t i = 0; i <= kBlock; ++i) {
    const Duration taken = time_of([&] { network.infer(images, predictions); });
    (i == 0 ? cell.after_switch_ms : cell.latency_ms).push_back(to_milliseconds(taken));
  }
}

/// A layer of `kernel` x `kernel` and as many channels in as out.
FoldedConvolution large_layer(std::size_t channels, std::size_t kernel) {
  return {.inputs = channels,
          .outputs = channels,
          .kernel = kernel,
          .weights = std::vector<float>(channels * channels * kernel * kernel, 0.01F),
          .bias = std::vector<float>(channels),
          .range = 1.0F};
}

}  // namespace

std::vector<BenchmarkCell> benchmark(
    SlimmableNetwork& network, const BenchmarkOptions& options,
    const std::function<void(std::size_t done, std::size_t of)>& report) {
  const std::size_t rounds = (options.repeat + kBlock - 1) / kBlock;
  const std::size_t steps = options.threads.size() * options.batches.size() * (rounds + 1);
  std::size_t done = 0;
  std::vector<BenchmarkCell> cells;
  for (const int threads : options.threads) {
    for (const std::size_t batch : options.batches) {
      network.prepare({.threads = threads}, batch);
      const auto images = random_images(batch * network.image_size());
      std::vector<int> predictions(batch);
      std::vector<BenchmarkCell> here(network.levels().size());
      // The first round touches all memory for the first time, and does not count.
      for (std::size_t round = 0; round <= rounds; ++round) {
        for (std::size_t level = 0; level < here.size(); ++level) {
          if (round <= 1) {
            here[level] = {.level = level, .batch = batch, .threads = threads};
            here[level].latency_ms.reserve(rounds * kBlock);
            here[level].switch_us.reserve(rounds);
            here[level].after_switch_ms.reserve(rounds);
          }
          add_block(network, images, predictions, here[level]);
        }
        report(++done, steps);
      }
      std::ranges::move(here, std::back_inserter(cells));
    }
  }
  return cells;
}

double measure_peak_gflops(const BackEnd& back_end, Precision precision, int threads) {
  struct Shape {
    std::size_t channels;
    std::size_t kernel;
  };
  constexpr Shape kShapes[] = {{128, 3}, {256, 3}, {512, 1}};
  constexpr std::size_t kSide = 14;
  constexpr std::size_t kBatch = 8;
  constexpr std::size_t kLayers = 4;
  double best = 0.0;
  for (const auto& [channels, kernel] : kShapes) {
    FoldedNetwork network{.channels = channels, .height = kSide, .width = kSide};
    network.convolutions.assign(kLayers, large_layer(channels, kernel));
    network.classifier_weights.assign(2 * channels, 0.0F);
    network.classifier_bias.assign(2, 0.0F);
    const double flops = 2.0 * static_cast<double>(kBatch * kSide * kSide * kLayers) *
                         static_cast<double>(channels * channels * kernel * kernel);
    const auto images = random_images(kBatch * network.image_size());
    std::vector<float> logits(2 * kBatch);
    const auto runner = back_end.make_runner({{std::move(network), precision}});
    runner->set_threads(threads);
    for (int i = 0; i < 12; ++i) {
      const Duration taken = time_of([&] { runner->run(0, images, logits); });
      best = std::max(best, i == 0 ? 0.0 : flops / to_seconds(taken) / 1e9);
    }
  }
  return best;
}

}  // namespace rein
