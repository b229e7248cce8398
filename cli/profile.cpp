#include "agent/profile.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "cli/interrupt.hpp"
#include "cli/live_run.hpp"
#include "cli/progress.hpp"
#include "cli/simulated_run.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

struct Options {
  std::filesystem::path file;
  std::filesystem::path output;
  RunOverrides overrides;
  std::size_t settle = 2;
  std::size_t periods = 10;
};

void measure(const RunConfig& config, const Options& options, const Stage& stage) {
  const ActionSpace& actions = stage.environment.action_space();
  Profile profile;
  {
    ProgressBar bar("profile", actions.size());
    profile = Profile::measure(
        stage.environment, config.seed, options.settle, options.periods, stop_requested,
        [&](std::size_t done) { bar.update(done, actions.describe(done - 1)); });
  }
  profile.write(options.output, actions);
  if (profile.entries.size() < actions.size()) {
    spdlog::warn("interrupted: {} of {} configurations were measured", profile.entries.size(),
                 actions.size());
  }
  fmt::print("{}\n", options.output.string());
}

int run(const Options& options) {
  if (is_there(options.output)) {
    throw UsageError(fmt::format(
        "--output: expected a file that does not exist, found {}: choose another or remove it",
        options.output.string()));
  }
  RunConfig config = RunConfig::load(options.file, options.overrides);
  // Long enough: measuring ends it.
  config.duration_s = 1e9;
  config.scenario = Scenario::alone(config.budgets, config.duration_s);
  catch_interrupts();
  const auto play = [&](const Stage& stage) { measure(config, options, stage); };
  if (config.platform == PlatformKind::kSimulated) {
    in_simulation(config, play);
  } else {
    on_this_machine(config, /*only_look=*/false, play);
  }
  return 0;
}

}  // namespace

void add_profile(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "profile", "Measure every configuration, with nobody else on the machine: a table");
  verb->add_option("RUN.yaml", options->file, "The run file")->required();
  verb->add_option("--output", options->output, "The CSV file to write")->required();
  verb->add_option("--periods", options->periods, "Control periods that are measured of each")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_option("--settle", options->settle, "Control periods before that, which do not count")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  verb->add_option("--seed", options->overrides.seed, "Of all that is random")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--set", options->overrides.settings,
                   "dotted.key=value: a value instead of the file's; repeatable")
      ->allow_extra_args(false);
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace rein
