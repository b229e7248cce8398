// rein network benchmark
#include "models/network_benchmark.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/network_files.hpp"
#include "cli/network_verbs.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "common/statistics.hpp"

namespace rein {
namespace {

struct Arguments {
  std::string checkpoint;
  std::string engine;
  std::vector<std::string> precisions;
  BenchmarkOptions options;
  bool json = false;
  bool samples = false;
};

/// One line of the table.
struct Row {
  const LevelChoice* choice;
  const BenchmarkCell* cell;
  double p50_ms;
  double p99_ms;
  double gflops;
  double of_peak;
  double switch_p99_us;
  double after_switch_p50_ms;
  bool chosen;
};

/// Weights as they are served, of all channels in use [MB].
double weights_mb(const SlimmableCheckpoint& checkpoint, const LevelChoice& choice) {
  const FoldedNetwork network = fold(checkpoint, choice.width);
  std::size_t count = 0;
  for (const auto& layer : network.convolutions) {
    count += layer.weights.size();
  }
  const double bytes = choice.precision == Precision::kF32    ? 4
                       : choice.precision == Precision::kBf16 ? 2
                                                              : 1;
  return static_cast<double>(count) * bytes / 1e6;
}

/// How many this process may use.
int usable_cpus() {
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
}

/// Of this process now [MB].
double resident_mb() {
  const std::string status = read_file("/proc/self/status");
  const auto at = status.find("VmRSS:");
  return at == std::string::npos ? 0.0 : std::stod(status.substr(at + 6)) / 1e3;
}

nlohmann::ordered_json json_of(const Row& row, const SlimmableCheckpoint& checkpoint,
                               bool samples) {
  nlohmann::ordered_json json = {{"name", row.choice->level.name},
                                 {"width", checkpoint.widths[row.choice->width].width},
                                 {"precision", precision_name(row.choice->precision)},
                                 {"chosen", row.chosen},
                                 {"accuracy_top1", row.choice->level.accuracy_top1},
                                 {"batch", row.cell->batch},
                                 {"threads", row.cell->threads},
                                 {"latency_p50_ms", row.p50_ms},
                                 {"latency_p95_ms", quantile(row.cell->latency_ms, 0.95)},
                                 {"latency_p99_ms", row.p99_ms},
                                 {"gflops", row.gflops},
                                 {"switch_p99_us", row.switch_p99_us},
                                 {"after_switch_p50_ms", row.after_switch_p50_ms},
                                 {"weights_mb", weights_mb(checkpoint, *row.choice)}};
  if (std::isfinite(row.of_peak)) {
    json["share_of_peak"] = row.of_peak;
  }
  if (samples) {
    json["latency_ms"] = row.cell->latency_ms;
  }
  return json;
}

int benchmark(const Arguments& arguments) {
  const auto file = find_checkpoint(arguments.checkpoint);
  const SlimmableCheckpoint checkpoint = read_checkpoint(file);
  const BackEnd& back_end = load_back_end(arguments.engine);
  std::vector<Precision> precisions;
  std::ranges::transform(arguments.precisions, std::back_inserter(precisions), find_precision);
  const auto speeds = choose_speeds(back_end, precisions);
  const auto levels = all_levels(checkpoint, speeds);
  if (levels.empty()) {
    throw UsageError(fmt::format("--precision: expected one that {} has an accuracy for, found {}",
                                 file.string(), fmt::join(arguments.precisions, ", ")));
  }
  const auto chosen = choose_levels(checkpoint, speeds);
  const double before_mb = resident_mb();
  const auto network = make_slimmable_network(checkpoint, back_end, levels);
  ProgressBar bar("benchmark", 1000);
  const auto cells = benchmark(*network, arguments.options, [&](std::size_t done, std::size_t of) {
    bar.update(1000 * done / of);
  });
  const double after_mb = resident_mb();

  std::vector<std::vector<double>> peaks;  // [threads, then precisions]
  for (const int threads : arguments.options.threads) {
    peaks.emplace_back();
    for (const Precision precision : kPrecisions) {
      const bool is_here =
          std::ranges::find(speeds, precision, &BackEnd::Speed::precision) != speeds.end();
      peaks.back().push_back(
          is_here && !arguments.samples ? measure_peak_gflops(back_end, precision, threads) : 0.0);
    }
  }
  std::vector<Row> rows;
  for (const auto& cell : cells) {
    const LevelChoice& choice = levels[cell.level];
    const auto at = std::ranges::find(arguments.options.threads, cell.threads) -
                    arguments.options.threads.begin();
    const double p50 = quantile(cell.latency_ms, 0.5);
    const double gflops = 2e-6 * static_cast<double>(cell.batch) *
                          multiply_adds(checkpoint, checkpoint.widths[choice.width].width) / p50;
    rows.push_back(
        {.choice = &choice,
         .cell = &cell,
         .p50_ms = p50,
         .p99_ms = quantile(cell.latency_ms, 0.99),
         .gflops = gflops,
         .of_peak = gflops /
                    peaks[static_cast<std::size_t>(at)][static_cast<std::size_t>(choice.precision)],
         .switch_p99_us = quantile(cell.switch_us, 0.99),
         .after_switch_p50_ms = quantile(cell.after_switch_ms, 0.5),
         .chosen = std::ranges::any_of(chosen, [&](const LevelChoice& each) {
           return each.width == choice.width && each.precision == choice.precision;
         })});
  }

  if (arguments.json) {
    nlohmann::ordered_json json = {{"checkpoint", file.string()},
                                   {"engine", back_end.name()},
                                   {"repeat", cells.front().latency_ms.size()},
                                   {"resident_mb", after_mb},
                                   {"levels", nlohmann::ordered_json::array()}};
    for (const Row& row : rows) {
      json["levels"].push_back(json_of(row, checkpoint, arguments.samples));
    }
    put("{}\n", json_text(json, 2));
    return 0;
  }
  put("{}, {}, {} requests a cell\n\n", file.string(), back_end.name(),
      cells.front().latency_ms.size());
  const std::size_t width = name_width(levels, 10);
  put("{:<{}}   top-1  threads  batch   p50 ms   p99 ms  GFLOP/s  of peak  switch p99 us  "
      "next/p50\n",
      "level", width);
  for (const Row& row : rows) {
    put("{:<{}} {:>5.2f} %  {:>7}  {:>5}  {:>7.3f}  {:>7.3f}  {:>7.1f}  {:>5.0f} %  {:>13.2f}  "
        "{:>8.2f}{}\n",
        row.choice->level.name, width, 100.0 * row.choice->level.accuracy_top1, row.cell->threads,
        row.cell->batch, row.p50_ms, row.p99_ms, row.gflops, 100.0 * row.of_peak, row.switch_p99_us,
        row.after_switch_p50_ms / row.p50_ms, row.chosen ? "" : "  left out");
  }
  put("\nMemory: {:.1f} MB resident, of which {:.1f} for these {} levels and their buffers.\n",
      after_mb, after_mb - before_mb, levels.size());
  put("Of peak: of {} on large convolutions;", back_end.name());
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    for (const auto& speed : speeds) {
      put(" {} {:.0f} GFLOP/s on {} {};", precision_name(speed.precision),
          peaks[i][static_cast<std::size_t>(speed.precision)], arguments.options.threads[i],
          arguments.options.threads[i] == 1 ? "thread" : "threads");
    }
  }
  put("\nLeft out: costs as much as another level, and is no more accurate.\n");
  return 0;
}

}  // namespace

void add_network_benchmark(CLI::App& network, VerbAction& action) {
  auto arguments = std::make_shared<Arguments>();
  if (const int all = usable_cpus(); all > 1) {
    arguments->options.threads.push_back(all);
  }
  CLI::App* verb = network.add_subcommand(
      "benchmark", "Measure latency, rate and memory of each level in each precision");
  verb->add_option("checkpoint", arguments->checkpoint,
                   fmt::format("What `train` wrote; {} if not given", kTrainedNetwork));
  verb->add_option("--batch", arguments->options.batches, "Images in a request; several by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--threads", arguments->options.threads,
                   "Threads that compute; several by commas; one and all if not given")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--repeat", arguments->options.repeat,
                   "Requests at each level, in blocks of ten")
      ->check(CLI::Range(1, 10000000))
      ->capture_default_str();
  verb->add_option("--engine", arguments->engine, "The library that computes")
      ->check(CLI::IsMember(engine_names()));
  std::vector<std::string> names;
  std::ranges::transform(kPrecisions, std::back_inserter(names), precision_name);
  verb->add_option("--precision", arguments->precisions,
                   "Those that the machine has instructions for, if not given; several by commas")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  verb->add_flag("--samples", arguments->samples,
                 "With each request's latency in the JSON, without the peak");
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback([&action, arguments] { action = [arguments] { return benchmark(*arguments); }; });
}

}  // namespace rein
