#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "common/random.hpp"
#include "common/statistics.hpp"
#include "models/data_set.hpp"
#include "models/network_accuracy.hpp"
#include "models/slimmable_checkpoint.hpp"
#include "models/slimmable_network.hpp"
#include "models/slimmable_trainer.hpp"

namespace rein {
namespace {

constexpr const char* kTrainedNetwork = "models/trained/fashion-mnist.rein";

/// What the user named; else the network that comes with Rein, in the source tree or installed.
std::filesystem::path find_checkpoint(const std::string& named) {
  if (!named.empty()) {
    return named;
  }
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto installed = program.parent_path().parent_path() / "share/rein" / kTrainedNetwork;
  for (const std::filesystem::path& path : {std::filesystem::path(kTrainedNetwork), installed}) {
    if (is_there(path)) {
      return path;
    }
  }
  throw ConfigError(
      fmt::format("checkpoint: expected the path of one, or {} here or {}, found none",
                  kTrainedNetwork, installed.string()));
}

std::filesystem::path data_folder(const std::string& named, const DataSet& set) {
  if (named.empty() && set.default_folder.empty()) {
    throw UsageError(fmt::format("--data: expected the folder of {}, found nothing", set.name));
  }
  return named.empty() ? set.default_folder : std::filesystem::path(named);
}

struct TrainArguments {
  std::string data;
  std::string dataset = "fashion-mnist";
  std::string output;
  std::size_t limit = 0;
  TrainingOptions options;
};

/// Known before an hour of training rather than after it.
void check_writable(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  make_folder(folder);
  if (is_folder(file) || access(folder.c_str(), W_OK) != 0) {
    throw UsageError(fmt::format(
        "--output: expected a file in a folder that can be written, found {}", file.string()));
  }
}

int train(const TrainArguments& arguments) {
  check_writable(arguments.output);
  const TrainingOptions& options = arguments.options;
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
  const SlimmableCheckpoint network =
      train_slimmable_network(set, images, test, options, [&](const TrainingProgress& progress) {
        std::string note = fmt::format("epoch {}/{}", progress.epoch + 1, options.epochs);
        for (std::size_t i = 0; i < progress.loss.size(); ++i) {
          note += fmt::format("  {}: loss {:.3f} top-1 {:.2f} %", level_name(options.widths[i]),
                              progress.loss[i], 100.0 * progress.accuracy_top1[i]);
        }
        bar.update(progress.step, note);
        if (log_epochs && progress.step % steps_per_epoch == 0) {
          spdlog::info("{}", note);
        }
      });
  write_checkpoint(arguments.output, network);
  put("level  top-1 (test)\n");
  for (const NetworkLevel& level : network.levels) {
    put("{:<5}  {:>10.2f} %\n", level.name, 100.0 * level.accuracy_top1);
  }
  return 0;
}

struct EvaluateArguments {
  std::string checkpoint;
  std::string data;
  bool json = false;
};

int evaluate(const EvaluateArguments& arguments) {
  const auto file = find_checkpoint(arguments.checkpoint);
  const SlimmableCheckpoint checkpoint = read_checkpoint(file);
  const DataSet& set = find_data_set(checkpoint.dataset);
  const auto folder = data_folder(arguments.data, set);
  const ImageSet test = set.read(folder, ImageSplit::kTest);
  if (test.channels != checkpoint.channels || test.height != checkpoint.height ||
      test.width != checkpoint.width) {
    throw ConfigError(fmt::format("{}: expected images of {}x{}x{}, as {} has, found {}x{}x{}",
                                  folder.string(), checkpoint.channels, checkpoint.height,
                                  checkpoint.width, file.string(), test.channels, test.height,
                                  test.width));
  }

  const auto network = make_packed_network(checkpoint);
  std::vector<double> top1;
  {
    ProgressBar bar("evaluating", network->levels().size());
    for (std::size_t level = 0; level < network->levels().size(); ++level) {
      network->set_level(level);
      top1.push_back(measure_top1(*network, test, test.count()));
      bar.update(level + 1);
    }
  }
  if (arguments.json) {
    nlohmann::ordered_json json = {{"checkpoint", file.string()},
                                   {"dataset", checkpoint.dataset},
                                   {"recipe", checkpoint.recipe},
                                   {"images", test.count()},
                                   {"levels", nlohmann::ordered_json::array()}};
    for (std::size_t i = 0; i < top1.size(); ++i) {
      const NetworkLevel& level = network->levels()[i];
      json["levels"].push_back({{"name", level.name},
                                {"width", level.width},
                                {"accuracy_top1", top1[i]},
                                {"accuracy_top1_in_checkpoint", level.accuracy_top1}});
    }
    put("{}\n", json_text(json, 2));
    return 0;
  }
  put("{}: {} ({})\n{} test images\n\n", file.string(), checkpoint.dataset, checkpoint.recipe,
      test.count());
  put("level    top-1  top-1 in the checkpoint\n");
  for (std::size_t i = 0; i < top1.size(); ++i) {
    const NetworkLevel& level = network->levels()[i];
    put("{:<5}  {:>5.2f} %  {:>21.2f} %\n", level.name, 100.0 * top1[i],
        100.0 * level.accuracy_top1);
  }
  return 0;
}

struct BenchmarkArguments {
  std::string checkpoint;
  std::size_t batch = kDefaultRequestImages;
  int threads = 1;
  std::size_t repeat = 200;
  bool json = false;
};

struct LevelTimes {
  std::vector<double> packed_ms;
  std::vector<double> sliced_ms;
  std::vector<double> switch_us;        ///< set_level() alone.
  std::vector<double> after_switch_ms;  ///< The first inference at the new level.
};

template <typename Work>
Duration time_of(const Work& work) {
  const SteadyClock clock;
  const TimePoint start = clock.now();
  work();
  return clock.now() - start;
}

int benchmark(const BenchmarkArguments& arguments) {
  const auto file = find_checkpoint(arguments.checkpoint);
  const SlimmableCheckpoint checkpoint = read_checkpoint(file);
  const auto packed = make_packed_network(checkpoint);
  const auto sliced = make_sliced_network(checkpoint);
  packed->set_threads(arguments.threads);
  sliced->set_threads(arguments.threads);

  Random random(1);
  std::vector<std::uint8_t> images(arguments.batch * packed->image_size());
  std::ranges::generate(images, [&] { return static_cast<std::uint8_t>(random.index(256)); });
  std::vector<int> predictions(arguments.batch);

  // Blocks of ten, so that both ways meet the same disturbances, and each block begins with a
  // switch of level. The first round compiles the kernels for this batch and is thrown away.
  constexpr std::size_t kBlock = 10;
  const std::size_t rounds = 1 + (arguments.repeat + kBlock - 1) / kBlock;
  std::vector<LevelTimes> times(packed->levels().size());
  ProgressBar bar("benchmark", rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round == 1) {
      times.assign(times.size(), {});
    }
    for (std::size_t level = 0; level < times.size(); ++level) {
      LevelTimes& time = times[level];
      time.switch_us.push_back(1e6 * to_seconds(time_of([&] { packed->set_level(level); })));
      for (std::size_t i = 0; i <= kBlock; ++i) {
        const auto taken = time_of([&] { packed->infer(images, predictions); });
        (i == 0 ? time.after_switch_ms : time.packed_ms).push_back(to_milliseconds(taken));
      }
    }
    for (std::size_t level = 0; level < times.size(); ++level) {
      sliced->set_level(level);
      sliced->infer(images, predictions);
      for (std::size_t i = 0; i < kBlock; ++i) {
        times[level].sliced_ms.push_back(
            to_milliseconds(time_of([&] { sliced->infer(images, predictions); })));
      }
    }
    bar.update(round + 1);
  }

  const double full_ms = quantile(times.back().packed_ms, 0.5);
  nlohmann::ordered_json json = {{"checkpoint", file.string()},
                                 {"batch", arguments.batch},
                                 {"threads", arguments.threads},
                                 {"repeat", times.back().packed_ms.size()},
                                 {"levels", nlohmann::ordered_json::array()}};
  std::string table = fmt::format(
      "{} images a request, {} {}, {} requests a level\n\n"
      "level   p50 ms   p95 ms  of full  sliced p50 ms  sliced/packed  switch us  next p50 ms\n",
      arguments.batch, arguments.threads, arguments.threads == 1 ? "thread" : "threads",
      times.back().packed_ms.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    const std::string& name = packed->levels()[i].name;
    const double p50 = quantile(times[i].packed_ms, 0.5);
    const double p95 = quantile(times[i].packed_ms, 0.95);
    const double sliced_p50 = quantile(times[i].sliced_ms, 0.5);
    const double switch_us = quantile(times[i].switch_us, 0.5);
    const double after = quantile(times[i].after_switch_ms, 0.5);
    table += fmt::format(
        "{:<5}  {:>7.3f}  {:>7.3f}  {:>7.3f}  {:>13.3f}  {:>13.2f}  {:>9.2f}  {:>11.3f}\n", name,
        p50, p95, p50 / full_ms, sliced_p50, sliced_p50 / p50, switch_us, after);
    json["levels"].push_back({{"name", name},
                              {"latency_p50_ms", p50},
                              {"latency_p95_ms", p95},
                              {"share_of_full_width", p50 / full_ms},
                              {"sliced_latency_p50_ms", sliced_p50},
                              {"sliced_to_packed", sliced_p50 / p50},
                              {"switch_us", switch_us},
                              {"after_switch_p50_ms", after}});
  }
  put("{}", arguments.json ? json_text(json, 2) + "\n" : table);
  return 0;
}

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

void add_network_evaluate(CLI::App& network, VerbAction& action) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* verb =
      network.add_subcommand("evaluate", "Measure top-1 of each level, on test images");
  verb->add_option("checkpoint", arguments->checkpoint,
                   fmt::format("What `train` wrote; {} if not given", kTrainedNetwork));
  verb->add_option("--data", arguments->data, "Folder of the images, as for `train`");
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback([&action, arguments] { action = [arguments] { return evaluate(*arguments); }; });
}

void add_benchmark(CLI::App& network, VerbAction& action) {
  auto arguments = std::make_shared<BenchmarkArguments>();
  CLI::App* verb = network.add_subcommand(
      "benchmark", "Measure latency of each level, beside slicing the weights in each call");
  verb->add_option("checkpoint", arguments->checkpoint,
                   fmt::format("What `train` wrote; {} if not given", kTrainedNetwork));
  verb->add_option("--batch", arguments->batch, "Images in a request")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--threads", arguments->threads, "Threads that compute")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--repeat", arguments->repeat, "Requests at each level, in blocks of ten")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback([&action, arguments] { action = [arguments] { return benchmark(*arguments); }; });
}

}  // namespace

void add_network(CLI::App& app, VerbAction& action) {
  CLI::App* network = app.add_subcommand("network", "Train and measure the slimmable network");
  network->require_subcommand(1);
  add_network_train(*network, action);
  add_network_evaluate(*network, action);
  add_benchmark(*network, action);
}

}  // namespace rein
