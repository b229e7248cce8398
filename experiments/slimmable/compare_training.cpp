// Top-1 of each level of the small network, trained in three ways: slimmable, grown by groups of
// channels, and each width alone. README.md says what each is.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "models/data_set.hpp"
#include "models/module.hpp"
#include "models/network_architecture.hpp"
#include "models/slimmable_checkpoint.hpp"
#include "models/slimmable_network.hpp"
#include "models/slimmable_trainer.hpp"

namespace rein {
namespace {

/// What a level is and costs.
struct Cell {
  double accuracy_top1 = 0.0;
  double multiply_adds = 0.0;
};

/// One level of networks whose logits are added up, in f32.
Cell measure(const std::vector<SlimmableCheckpoint>& networks, std::size_t level,
             const ImageSet& test) {
  Cell cell;
  std::vector<std::unique_ptr<SlimmableNetwork>> engines;
  for (const SlimmableCheckpoint& network : networks) {
    const std::vector<BackEnd::Speed> only_f32 = {{.precision = Precision::kF32, .cost = 1.0}};
    engines.push_back(
        make_slimmable_network(network, load_back_end(""), all_levels(network, only_f32)));
    engines.back()->set_level(level);
    cell.multiply_adds += multiply_adds(network, network.widths[level].width);
  }
  const std::size_t classes = networks.front().class_names.size();
  constexpr std::size_t kBatch = 100;
  std::size_t right = 0;
  for (std::size_t first = 0; first < test.count(); first += kBatch) {
    std::vector<int> predictions(std::min(kBatch, test.count() - first));
    std::vector<float> sum(predictions.size() * classes);
    for (const auto& engine : engines) {
      engine->infer(test.images(first, predictions.size()), predictions);
      std::ranges::transform(sum, engine->logits(), sum.begin(), std::plus<>());
    }
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const auto scores = std::span(sum).subspan(i * classes, classes);
      const auto best = std::ranges::max_element(scores) - scores.begin();
      right += best == test.labels[first + i] ? 1 : 0;
    }
  }
  cell.accuracy_top1 = static_cast<double>(right) / static_cast<double>(test.count());
  return cell;
}

struct Arguments {
  std::filesystem::path output;
  std::filesystem::path slimmable;  ///< One that was trained before; empty: train it.
  std::size_t limit = 0;            ///< Training images; 0: all.
  TrainingOptions training;
};

class Comparison {
 public:
  explicit Comparison(const Arguments& arguments)
      : arguments_(arguments),
        set_(find_data_set("fashion-mnist")),
        train_(set_.read(set_.default_folder, ImageSplit::kTrain)),
        test_(set_.read(set_.default_folder, ImageSplit::kTest)) {
    if (arguments.limit > 0 && arguments.limit < train_.count()) {
      train_.labels.resize(arguments.limit);
      train_.pixels.resize(arguments.limit * train_.image_size());
    }
  }

  void run() {
    const NetworkArchitecture& architecture = arguments_.training.architecture;
    const SlimmableCheckpoint slimmable = arguments_.slimmable.empty()
                                              ? trained("slimmable", architecture, {})
                                              : read_checkpoint(arguments_.slimmable);
    recipe_ = slimmable.recipe;
    const auto& widths = architecture.widths;
    if (slimmable.widths.size() != widths.size()) {
      throw ConfigError(fmt::format("{}: expected {} widths, found {}",
                                    arguments_.slimmable.string(), widths.size(),
                                    slimmable.widths.size()));
    }

    std::vector<Cell> lone;
    std::vector<Cell> grown;
    std::vector<SlimmableCheckpoint> groups;
    double narrower = 0.0;
    for (const double width : widths) {
      const NetworkArchitecture one = alone(architecture, width);
      lone.push_back(measure({trained("alone-" + level_name(width), one, {})}, 0, test_));
      const NetworkArchitecture group = group_between(architecture, narrower, width);
      groups.push_back(trained("group-" + level_name(width), group, groups));
      grown.push_back(measure(groups, 0, test_));
      narrower = width;
    }

    fmt::print("fashion-mnist ({}), {} test images\n\n", recipe_, test_.count());
    fmt::print("              top-1, %                        million multiply-adds\n");
    fmt::print("level   slimmable  groups   alone  slimmable-alone   slimmable  groups   alone\n");
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const Cell one = measure({slimmable}, i, test_);
      fmt::print(
          "{:<5}   {:>9.2f}  {:>6.2f}  {:>6.2f}  {:>+15.2f}   {:>9.2f}  {:>6.2f}  {:>6.2f}\n",
          level_name(widths[i]), 100.0 * one.accuracy_top1, 100.0 * grown[i].accuracy_top1,
          100.0 * lone[i].accuracy_top1, 100.0 * (one.accuracy_top1 - lone[i].accuracy_top1),
          one.multiply_adds / 1e6, grown[i].multiply_adds / 1e6, lone[i].multiply_adds / 1e6);
    }
  }

 private:
  /// The network of an earlier call with this output, or a new one.
  SlimmableCheckpoint trained(const std::string& name, const NetworkArchitecture& architecture,
                              const std::vector<SlimmableCheckpoint>& frozen) {
    const std::filesystem::path file = arguments_.output / (name + ".rein");
    if (!is_there(file)) {
      TrainingOptions options = arguments_.training;
      options.architecture = architecture;
      options.frozen = frozen;
      const std::size_t steps_per_epoch = train_.count() / options.batch;
      write_checkpoint(file, load_engine_module("torch").train(
                                 set_, train_, options, [&](const TrainingProgress& progress) {
                                   if (progress.step % steps_per_epoch == 0) {
                                     fmt::print(stderr, "{}: epoch {} of {}: loss {:.3f}\n", name,
                                                progress.epoch + 1, options.epochs,
                                                progress.loss.back());
                                   }
                                 }));
    }
    SlimmableCheckpoint network = read_checkpoint(file);
    if (!network.recipe.starts_with(recipe_)) {
      throw ConfigError(fmt::format("{}: expected a network trained with '{}', found '{}'",
                                    file.string(), recipe_, network.recipe));
    }
    return network;
  }

  const Arguments& arguments_;
  const DataSet& set_;
  ImageSet train_;
  ImageSet test_;
  std::string recipe_;  ///< Of the slimmable one: the others have to be trained alike.
};

int run(int argc, char** argv) {
  Arguments arguments;
  TrainingOptions& training = arguments.training;
  CLI::App app("Top-1 of the small network's levels: slimmable, grown by groups, alone");
  app.add_option("--output", arguments.output,
                 "Folder of the networks; gone on with if it is there")
      ->required();
  app.add_option("--slimmable", arguments.slimmable, "A slimmable network that was trained alike");
  app.add_option("--epochs", training.epochs, "Times that each image is seen")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--seed", training.seed, "Same seed, same networks")->capture_default_str();
  app.add_option("--threads", training.threads, "Threads that compute")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--limit", arguments.limit, "Use the first N training images only")
      ->check(CLI::Range(training.batch, std::size_t{100'000'000}));
  app.add_flag("--bfloat16", training.bfloat16, "Convolve in bfloat16 while training");
  CLI11_PARSE(app, argc, argv);
  Comparison(arguments).run();
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
