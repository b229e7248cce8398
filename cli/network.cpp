// rein network: its verbs, and evaluate
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/network_files.hpp"
#include "cli/network_verbs.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "common/json_text.hpp"
#include "models/network_accuracy.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

struct EvaluateArguments {
  std::string checkpoint;
  std::string data;
  std::string engine;
  bool json = false;
};

int evaluate(const EvaluateArguments& arguments) {
  const auto file = find_checkpoint(arguments.checkpoint);
  const SlimmableCheckpoint checkpoint = read_checkpoint(file);
  const ImageSet test = read_images(checkpoint, file, arguments.data, ImageSplit::kTest);
  const BackEnd& back_end = load_back_end(arguments.engine);
  const auto levels = all_levels(checkpoint, back_end.speeds());
  const auto network = make_slimmable_network(checkpoint, back_end, levels);
  std::vector<double> top1;
  {
    ProgressBar bar("evaluating", levels.size());
    for (std::size_t level = 0; level < levels.size(); ++level) {
      network->set_level(level);
      top1.push_back(measure_top1(*network, test, test.count()));
      bar.update(level + 1);
    }
  }
  if (arguments.json) {
    nlohmann::ordered_json json = {
        {"checkpoint", file.string()}, {"dataset", checkpoint.dataset},
        {"recipe", checkpoint.recipe}, {"engine", back_end.name()},
        {"images", test.count()},      {"levels", nlohmann::ordered_json::array()}};
    for (std::size_t i = 0; i < top1.size(); ++i) {
      json["levels"].push_back({{"name", levels[i].level.name},
                                {"width", checkpoint.widths[levels[i].width].width},
                                {"precision", precision_name(levels[i].precision)},
                                {"accuracy_top1", top1[i]},
                                {"accuracy_top1_in_checkpoint", levels[i].level.accuracy_top1}});
    }
    put("{}\n", json_text(json, 2));
    return 0;
  }
  put("{}: {} ({})\n{} test images, {}\n\n", file.string(), checkpoint.dataset, checkpoint.recipe,
      test.count(), back_end.name());
  const std::size_t width = name_width(levels, 9);
  put("{:<{}}    top-1  top-1 in the checkpoint\n", "level", width);
  for (std::size_t i = 0; i < top1.size(); ++i) {
    put("{:<{}}  {:>5.2f} %  {:>21.2f} %\n", levels[i].level.name, width, 100.0 * top1[i],
        100.0 * levels[i].level.accuracy_top1);
  }
  return 0;
}

}  // namespace

void add_network_evaluate(CLI::App& network, VerbAction& action) {
  auto arguments = std::make_shared<EvaluateArguments>();
  CLI::App* verb =
      network.add_subcommand("evaluate", "Measure top-1 of each level, on test images");
  verb->add_option("checkpoint", arguments->checkpoint,
                   fmt::format("What `train` wrote; {} if not given", kTrainedNetwork));
  verb->add_option("--data", arguments->data, "Folder of the images, as for `train`");
  verb->add_option("--engine", arguments->engine, "The library that computes")
      ->check(CLI::IsMember(engine_names()));
  verb->add_flag("--json", arguments->json, "Print JSON");
  verb->callback([&action, arguments] { action = [arguments] { return evaluate(*arguments); }; });
}

void add_network(CLI::App& app, VerbAction& action) {
  CLI::App* network = app.add_subcommand("network", "Train and measure the slimmable network");
  network->require_subcommand(1);
  add_network_train(*network, action);
  add_network_calibrate(*network, action);
  add_network_evaluate(*network, action);
  add_network_benchmark(*network, action);
}

}  // namespace rein
