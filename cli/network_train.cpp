// rein network train, and calibrate
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "cli/network_files.hpp"
#include "cli/network_verbs.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "common/error.hpp"
#include "models/data_set.hpp"
#include "models/module.hpp"
#include "models/network_architecture.hpp"
#include "models/network_calibration.hpp"
#include "models/slimmable_checkpoint.hpp"
#include "models/slimmable_network.hpp"
#include "models/slimmable_trainer.hpp"

namespace rein {
namespace {

struct TrainArguments {
  std::string data;
  std::string dataset = "fashion-mnist";
  std::string architecture = network_architectures().front().name;
  std::string output;
  std::size_t limit = 0;
  TrainingOptions options;
};

/// Top-1 of each width in each precision that it is known in.
void put_accuracies(const SlimmableCheckpoint& network) {
  put("width  precision  top-1 (test)\n");
  for (const SlimmableWidth& width : network.widths) {
    for (const auto& [precision, accuracy] : width.accuracy_top1) {
      put("{:<5}  {:<9}  {:>10.2f} %\n", level_name(width.width), precision_name(precision),
          100.0 * accuracy);
    }
  }
}

int train(const TrainArguments& arguments) {
  check_writable(arguments.output);
  TrainingOptions options = arguments.options;
  options.architecture = find_network_architecture(arguments.architecture);
  const auto train_network = load_engine_module("torch").train;
  const DataSet& set = find_data_set(arguments.dataset);
  const auto folder = data_folder(arguments.data, set);
  ImageSet images = set.read(folder, ImageSplit::kTrain);
  const ImageSet test = set.read(folder, ImageSplit::kTest);
  if (images.height != test.height || images.width != test.width) {
    throw ConfigError(fmt::format("{}: expected test images of {}x{}, found {}x{}", folder.string(),
                                  images.height, images.width, test.height, test.width));
  }
  if (arguments.limit > 0 && arguments.limit < images.count()) {
    images.labels.resize(arguments.limit);
    images.pixels.resize(arguments.limit * images.image_size());
  }
  if (images.count() < options.batch) {
    throw UsageError(fmt::format("--batch: expected at most the number of images, {}, found {}",
                                 images.count(), options.batch));
  }

  const std::size_t steps_per_epoch = images.count() / options.batch;
  ProgressBar bar("training", options.epochs * steps_per_epoch);
  const bool log_epochs = isatty(STDERR_FILENO) != 1;  // Where no bar is drawn.
  SlimmableCheckpoint network =
      train_network(set, images, options, [&](const TrainingProgress& progress) {
        std::string note = fmt::format("epoch {}/{}", progress.epoch + 1, options.epochs);
        for (std::size_t i = 0; i < progress.loss.size(); ++i) {
          note += fmt::format("  {}: loss {:.3f} top-1 {:.2f} %",
                              level_name(options.architecture.widths[i]), progress.loss[i],
                              100.0 * progress.accuracy_top1[i]);
        }
        bar.update(progress.step, note);
        if (log_epochs && progress.step % steps_per_epoch == 0) {
          spdlog::info("{}", note);
        }
      });
  calibrate(network, load_back_end(""), images, test, options.threads,
            [](std::size_t, std::size_t) {});
  write_checkpoint(arguments.output, network);
  put_accuracies(network);
  return 0;
}

struct CalibrateArguments {
  std::string checkpoint;
  std::string data;
  std::string output;
  std::string engine;
  int threads = 1;
};

int calibrate_network(const CalibrateArguments& arguments) {
  check_writable(arguments.output);
  const auto file = find_checkpoint(arguments.checkpoint);
  SlimmableCheckpoint network = read_checkpoint(file);
  const ImageSet images = read_images(network, file, arguments.data, ImageSplit::kTrain);
  const ImageSet test = read_images(network, file, arguments.data, ImageSplit::kTest);
  {
    ProgressBar bar("calibrating", 1000);
    calibrate(network, load_back_end(arguments.engine), images, test, arguments.threads,
              [&](std::size_t done, std::size_t of) { bar.update(1000 * done / of); });
  }
  write_checkpoint(arguments.output, network);
  put_accuracies(network);
  return 0;
}

}  // namespace

void add_network_train(CLI::App& network, VerbAction& action) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* verb = network.add_subcommand("train", "Train the slimmable network");
  TrainingOptions& options = arguments->options;
  verb->add_option(
      "--data", arguments->data,
      "Folder of the images; for fashion-mnist, that of Debian's package if not given");
  std::vector<std::string> names;
  for (const DataSet& set : data_sets()) {
    names.push_back(set.name);
  }
  verb->add_option("--dataset", arguments->dataset, "Which images")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  names.clear();
  std::ranges::transform(network_architectures(), std::back_inserter(names),
                         &NetworkArchitecture::name);
  verb->add_option("--architecture", arguments->architecture, "Which layers and widths")
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  verb->add_option("--epochs", options.epochs, "Times that each image is seen")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--seed", options.seed, "Same seed and threads, same file")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 63))
      ->capture_default_str();
  verb->add_option("--batch", options.batch, "Images in a step")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  verb->add_option("--threads", options.threads, "Threads that compute")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_flag("--bfloat16", options.bfloat16,
                 "Convolve in bfloat16: faster on CPUs with AMX or AVX512-BF16, slower on others");
  verb->add_option("--limit", arguments->limit, "Use the first N training images only")
      ->check(CLI::PositiveNumber);
  verb->add_option("--output", arguments->output, "The checkpoint to write")->required();
  verb->callback([&action, arguments] { action = [arguments] { return train(*arguments); }; });
}

void add_network_calibrate(CLI::App& network, VerbAction& action) {
  auto arguments = std::make_shared<CalibrateArguments>();
  CLI::App* verb = network.add_subcommand(
      "calibrate", "Measure what int8 needs, on training images, and top-1 in each precision");
  verb->add_option("checkpoint", arguments->checkpoint,
                   fmt::format("What `train` wrote; {} if not given", kTrainedNetwork));
  verb->add_option("--data", arguments->data, "Folder of the images, as for `train`");
  verb->add_option("--engine", arguments->engine, "The library that computes")
      ->check(CLI::IsMember(back_end_names()));
  verb->add_option("--threads", arguments->threads, "Threads that compute")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--output", arguments->output, "The checkpoint to write")->required();
  verb->callback(
      [&action, arguments] { action = [arguments] { return calibrate_network(*arguments); }; });
}

}  // namespace rein
