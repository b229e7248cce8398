// Early exits as a second way to make levels, beside the slimmable network's widths. README.md says
// what is compared, and what came out.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <functional>
#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "models/network_accuracy.hpp"
#include "models/network_benchmark.hpp"
#include "models/slimmable_network.hpp"
#include "models/torch/training_recipe.hpp"

namespace rein {
namespace {

constexpr std::size_t kLargeBatch = 24;

/// A network of one width with a linear classifier after each convolution; the last is its own.
class ExitNetwork {
 public:
  /// @param grid  the inner exits see the means of so many by so many parts of what a layer puts
  ///              out; 1: one mean, as the last one does.
  ExitNetwork(const SlimmableCheckpoint& network, std::int64_t grid, const at::Generator& random)
      : layers_(network), grid_(grid) {
    const auto classes = static_cast<std::int64_t>(network.class_names.size());
    for (std::size_t i = 0; i + 1 < network.layers.size(); ++i) {
      const std::int64_t inputs = layers_.layers()[i].weight.size(0) * grid * grid;
      weights_.push_back(at::empty({classes, inputs}));
      biases_.push_back(at::zeros({classes}));
      const double bound = std::sqrt(6.0 / static_cast<double>(inputs));
      weights_.back().uniform_(-bound, bound, random);
    }
  }

  /// The exits' logits [batch x classes], the first layer's first.
  std::vector<at::Tensor> logits(const at::Tensor& images, bool training) const {
    std::vector<at::Tensor> found;
    const auto leave = [&](std::size_t layer, const at::Tensor& output) {
      if (layer < weights_.size()) {
        const at::Tensor seen = at::adaptive_avg_pool2d(output.to(at::kFloat), {grid_, grid_});
        found.push_back(at::linear(seen.flatten(1), weights_[layer], biases_[layer]));
      }
    };
    found.push_back(training ? layers_.forward_training(images, 0, kStatisticsMomentum, leave)
                             : layers_.forward(images, 0, leave));
    return found;
  }

  /// The inner exits learn from the last one's soft predictions, as the narrower widths of the
  /// slimmable network do from the full one's.
  void train(const ImageSet& images, const TrainingOptions& options, Random& random) {
    Optimizer optimizer(layers_, options);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      optimizer.add("exit.weight", weights_[i]);
      optimizer.add("exit.bias", biases_[i]);
    }
    BatchSampler sampler(images, options.batch, random);
    const std::size_t steps = options.epochs * sampler.batches();
    for (std::size_t step = 0; step < steps; ++step) {
      const std::size_t number = step % sampler.batches();
      if (number == 0) {
        fmt::print(stderr, "exits {0}x{0}: step {1} of {2}\n", grid_, step, steps);
        sampler.shuffle();
      }
      const Batch batch = sampler.batch(number, /*augment=*/true);
      const auto found =
          logits(batch.images.to(options.bfloat16 ? at::kBFloat16 : at::kFloat), true);
      at::Tensor loss = at::cross_entropy_loss(found.back(), batch.labels);
      const at::Tensor soft_labels = at::softmax(found.back().detach(), 1);
      for (std::size_t i = 0; i + 1 < found.size(); ++i) {
        loss = loss + at::cross_entropy_loss(found[i], soft_labels);
      }
      loss.backward();
      optimizer.step(learning_rate(step, sampler.batches(), steps, options.peak_learning_rate));
    }
    measure_statistics(layers_, 1, sampler);
  }

  void save(const std::filesystem::path& file, const std::string& recipe) {
    const auto all = c10::ivalue::Tuple::create(recipe, tensors());
    const auto bytes = torch::jit::pickle_save(all);
    write_file(file, std::string_view(bytes.data(), bytes.size()));
  }
  void load(const std::filesystem::path& file, const std::string& recipe) {
    const at::NoGradGuard no_grad;
    const std::string bytes = read_file(file);
    const auto all = torch::jit::pickle_load({bytes.begin(), bytes.end()}).toTuple();
    if (const auto& found = all->elements()[0].toStringRef(); found != recipe) {
      throw ConfigError(fmt::format("{}: expected exits trained with '{}', found '{}'",
                                    file.string(), recipe, found));
    }
    for (std::size_t i = 0; at::Tensor & mine : tensors()) {
      mine.copy_(all->elements()[1].toTensorVector().at(i++));
    }
  }

 private:
  std::vector<at::Tensor> tensors() {
    std::vector<at::Tensor> all = weights_;
    all.insert(all.end(), biases_.begin(), biases_.end());
    layers_.for_each_tensor([&](const std::string&, at::Tensor& tensor) { all.push_back(tensor); });
    return all;
  }

  SlimmableLayers layers_;
  std::int64_t grid_;
  std::vector<at::Tensor> weights_;  ///< Of the inner exits: [classes x inputs].
  std::vector<at::Tensor> biases_;
};

/// What an image would get at an exit.
struct Answer {
  double confidence = 0.0;  ///< The largest softmax.
  bool right = false;
};
using Answers = std::vector<std::vector<Answer>>;  ///< [images][exits]

/// Logits of an image, the cheapest first.
using Exits = std::function<std::vector<at::Tensor>(const at::Tensor& image)>;

/// Of the last `count` images, in f32.
Answers answers_of(const Exits& logits_of, const ImageSet& set, std::size_t count) {
  const at::NoGradGuard no_grad;
  Answers answers;
  for (std::size_t image = set.count() - count; image < set.count(); ++image) {
    at::Tensor pixels =
        at::empty({1, static_cast<std::int64_t>(set.channels),
                   static_cast<std::int64_t>(set.height), static_cast<std::int64_t>(set.width)});
    std::ranges::transform(set.images(image, 1), pixels.data_ptr<float>(),
                           [](std::uint8_t pixel) { return static_cast<float>(pixel) / 255.0F; });
    auto& exits = answers.emplace_back();
    for (const at::Tensor& logits : logits_of(pixels)) {
      const auto [confidence, chosen] = at::softmax(logits, 1).max(1);
      exits.push_back({.confidence = confidence.item<float>(),
                       .right = chosen.item<std::int64_t>() == set.labels[image]});
    }
  }
  return answers;
}

struct Cost {
  double multiply_adds = 0.0;  ///< Of an image.
  double one_ms = 0.0;         ///< Of a request of one image, on one thread; medians.
  double batch_ms = 0.0;       ///< Of kLargeBatch.

  void add(double share, const Cost& other) {
    multiply_adds += share * other.multiply_adds;
    one_ms += share * other.one_ms;
    batch_ms += share * other.batch_ms;
  }
};

/// Of each width.
std::vector<Cost> costs_of(const SlimmableCheckpoint& checkpoint, SlimmableNetwork& network) {
  std::vector<Cost> costs(checkpoint.widths.size());
  const BenchmarkOptions options{.batches = {1, kLargeBatch}, .threads = {1}, .repeat = 400};
  for (BenchmarkCell& cell : benchmark(network, options, [](std::size_t, std::size_t) {})) {
    std::ranges::sort(cell.latency_ms);
    Cost& cost = costs[cell.level];
    (cell.batch == 1 ? cost.one_ms : cost.batch_ms) = cell.latency_ms[cell.latency_ms.size() / 2];
    cost.multiply_adds = multiply_adds(checkpoint, checkpoint.widths[cell.level].width);
  }
  return costs;
}

std::unique_ptr<SlimmableNetwork> engine_of(const SlimmableCheckpoint& network) {
  return make_slimmable_network(network, load_back_end(""),
                                all_levels(network, {{.precision = Precision::kF32, .cost = 1.0}}));
}

struct Row {
  std::string name;
  bool fixed = true;  ///< All images cost the same.
  double top1 = 0.0;
  Cost mean;      ///< If it were free to leave, and to close the gaps in a batch.
  Cost together;  ///< If a batch's images stay until the last one leaves.
  std::vector<double> leaving = {};  ///< Share of the images by exit.
};

/// Each image leaves at the first exit that is sure enough, or at the last.
Row leaving_early(const Answers& answers, const std::vector<Cost>& costs, double threshold) {
  Row row{.fixed = false, .leaving = std::vector<double>(costs.size())};
  const double share = 1.0 / static_cast<double>(answers.size());
  std::size_t last = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    std::size_t exit = 0;
    while (exit + 1 < costs.size() && answers[i][exit].confidence <= threshold) {
      ++exit;
    }
    row.top1 += answers[i][exit].right ? share : 0.0;
    row.leaving[exit] += share;
    row.mean.add(share, costs[exit]);
    last = std::max(last, exit);
    if ((i + 1) % kLargeBatch == 0 || i + 1 == answers.size()) {
      row.together.add(share * static_cast<double>(i % kLargeBatch + 1), costs[last]);
      last = 0;
    }
  }
  return row;
}

/// @param costs  of going as far as each exit.
std::vector<Row> rows_of_leaving(const std::string& name, const Exits& exits,
                                 const std::vector<Cost>& costs, const ImageSet& train,
                                 const ImageSet& test) {
  // Thresholds by images that were trained on, as no others are left to choose by. The network is
  // less sure of the test images, so they go further.
  const Answers known = answers_of(exits, train, std::min(train.count(), std::size_t{5000}));
  const Answers answers = answers_of(exits, test, test.count());
  std::vector<Row> rows;
  for (const double share : {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8}) {
    double low = 0.0;
    double high = 1.0;
    for (int i = 0; i < 40; ++i) {
      const double middle = (low + high) / 2.0;
      const double cost = leaving_early(known, costs, middle).mean.multiply_adds;
      (cost > share * costs.back().multiply_adds ? high : low) = middle;
    }
    rows.push_back(leaving_early(answers, costs, low));
    rows.back().name = fmt::format("sure {:.3f}, {}", low, name);
  }
  return rows;
}

/// Also of the narrowest, and then the widest for the images that it is not sure of.
std::vector<Row> rows_of_widths(const std::filesystem::path& file, const ImageSet& train,
                                const ImageSet& test) {
  const SlimmableCheckpoint network = read_checkpoint(file);
  const auto engine = engine_of(network);
  const std::vector<Cost> costs = costs_of(network, *engine);
  const SlimmableLayers layers(network);
  const std::size_t full = costs.size() - 1;
  std::vector<Cost> both = {costs[0], costs[0]};
  both[1].add(1.0, costs[full]);
  std::vector<Row> rows = rows_of_leaving(
      "widths",
      [&](const at::Tensor& image) {
        return std::vector<at::Tensor>{layers.forward(image, 0), layers.forward(image, full)};
      },
      both, train, test);
  for (std::size_t i = 0; i <= full; ++i) {
    engine->set_level(i);
    rows.push_back({.name = "width " + level_name(network.widths[i].width),
                    .top1 = measure_top1(*engine, test, test.count()),
                    .mean = costs[i],
                    .together = costs[i]});
  }
  return rows;
}

/// @param costs  of stopping after each layer, with an exit that sees one mean.
std::vector<Row> rows_of_exits(const ExitNetwork& network, std::size_t grid,
                               const SlimmableCheckpoint& shape, std::vector<Cost> costs,
                               const ImageSet& train, const ImageSet& test) {
  const Exits exits = [&](const at::Tensor& image) { return network.logits(image, false); };
  std::vector<Row> rows;
  double before = 0.0;  // What the exits that were passed have cost.
  const Answers answers = answers_of(exits, test, test.count());
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const auto one = static_cast<double>(shape.layers[i].channels * shape.class_names.size());
    const double own = i + 1 < costs.size() ? one * static_cast<double>(grid * grid) : one;
    costs[i].multiply_adds += own - one;
    rows.push_back({.name = fmt::format("exit {}, {}x{}", i + 1, grid, grid),
                    .mean = costs[i],
                    .together = costs[i]});
    for (const auto& image : answers) {
      rows.back().top1 += image[i].right ? 1.0 / static_cast<double>(answers.size()) : 0.0;
    }
    costs[i].multiply_adds += std::exchange(before, before + own);
  }
  std::ranges::move(rows_of_leaving(fmt::format("{0}x{0}", grid), exits, costs, train, test),
                    std::back_inserter(rows));
  return rows;
}

void print(std::vector<Row> rows) {
  const auto mark = [&](const Row& row, bool fixed) {
    const auto beats = [&](const Row& other) {
      return (other.fixed || !fixed) && other.top1 >= row.top1 &&
             other.mean.multiply_adds < row.mean.multiply_adds;
    };
    return (row.fixed || !fixed) && std::ranges::none_of(rows, beats) ? "*" : "";
  };
  fmt::print(
      "                    top-1   M multiply-adds       ms   ms, batch of {}      best of\n"
      "level                   %    mean  together  1 image    mean  together  all fixed   "
      "leave at exit, %\n",
      kLargeBatch);
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return row.mean.multiply_adds; });
  for (const Row& row : rows) {
    fmt::print("{:18}  {:5.2f}   {:5.2f}  {:8.2f}  {:7.3f}  {:6.3f}  {:8.3f}  {:>3} {:>5}  ",
               row.name, 100.0 * row.top1, row.mean.multiply_adds / 1e6,
               row.together.multiply_adds / 1e6, row.mean.one_ms, row.mean.batch_ms,
               row.together.batch_ms, mark(row, false), mark(row, true));
    for (const double share : row.leaving) {
      fmt::print(" {:.0f}", 100.0 * share);
    }
    fmt::print("\n");
  }
}

int run(int argc, char** argv) {
  std::filesystem::path output;
  std::filesystem::path slimmable;
  std::size_t limit = 0;
  TrainingOptions options;
  CLI::App app("The small network's levels: widths, and early exits");
  app.add_option("--output", output, "Folder of the networks; those there are not trained again")
      ->required();
  app.add_option("--slimmable", slimmable, "The slimmable network")->required();
  app.add_option("--epochs", options.epochs, "Times that each image is seen")
      ->check(CLI::Range(1, 100000));
  app.add_option("--limit", limit, "Use the first N training images only")
      ->check(CLI::Range(options.batch, std::size_t{100'000'000}));
  app.add_flag("--bfloat16", options.bfloat16, "Convolve in bfloat16 while training");
  CLI11_PARSE(app, argc, argv);

  at::set_num_threads(options.threads);
  options.architecture = alone(options.architecture, 1.0);
  const DataSet& set = find_data_set("fashion-mnist");
  ImageSet train = set.read(set.default_folder, ImageSplit::kTrain);
  const ImageSet test = set.read(set.default_folder, ImageSplit::kTest);
  train.labels.resize(limit > 0 ? std::min(limit, train.count()) : train.count());

  std::vector<Row> rows = rows_of_widths(slimmable, train, test);
  std::vector<Cost> costs;  // Of the first layers with an exit that sees one mean.
  for (std::size_t layers = 1; layers <= options.architecture.layers.size(); ++layers) {
    TrainingOptions first = options;
    first.architecture.layers.resize(layers);
    Random random(options.seed);
    const SlimmableCheckpoint network = untrained_network(set, train, first, random);
    costs.push_back(costs_of(network, *engine_of(network)).front());
  }
  for (const std::size_t grid : {1, 4}) {
    Random random(options.seed);
    const SlimmableCheckpoint start = untrained_network(set, train, options, random);
    ExitNetwork network(start, static_cast<std::int64_t>(grid),
                        at::detail::createCPUGenerator(options.seed));
    const auto file = output / fmt::format("exits-{0}x{0}.pt", grid);
    if (!is_there(file)) {
      network.train(train, options, random);
      network.save(file, start.recipe);
    }
    network.load(file, start.recipe);
    std::ranges::move(rows_of_exits(network, grid, start, costs, train, test),
                      std::back_inserter(rows));
  }
  print(rows);
  return 0;
}

}  // namespace
}  // namespace rein

int main(int argc, char** argv) {
  try {
    return rein::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
