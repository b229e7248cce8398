#include <fmt/format.h>

#include <memory>

#include "agent/make_agent.hpp"
#include "cli/episode.hpp"
#include "cli/interrupt.hpp"
#include "cli/usage.hpp"
#include "cli/verbs.hpp"
#include "study/run/live_run.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {

namespace {

int run(const RunOptions& options) {
  const RunConfig config = RunConfig::load(options.file, options.overrides);
  if (!options.output.empty()) {
    require_free(options.output);
  }
  catch_interrupts();
  const auto play = [&](const Stage& stage) { play_episode(config, options, stage); };
  if (config.platform == PlatformKind::kSimulated) {
    in_simulation(config, play);
  } else {
    on_this_machine(config, options.dry_run, play);
  }
  return 0;
}

}  // namespace

void add_run(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* verb = app.add_subcommand(
      "run", "Serve and manage: an agent sets the knobs every period, and learns.");
  verb->add_option("RUN.yaml", options->file, "The run file")->required();
  verb->add_option(
      "--agent", options->overrides.agent,
      fmt::format("The agent's kind, instead of the file's ({})", fmt::join(agent_kinds(), ", ")));
  verb->add_option("--load", options->load, "Go on from this checkpoint (a file or its folder)");
  verb->add_option("--seed", options->overrides.seed, "Of all that is random")->check(a_seed());
  verb->add_option("--duration", options->overrides.duration_s,
                   "Seconds after which the run ends, instead of the scenario's")
      ->check(CLI::Range(Range::seconds().min, Range::seconds().max));
  verb->add_option("--output", options->output, "Folder for trace, summary and checkpoint");
  verb->add_option("--set", options->overrides.settings,
                   "dotted.key=value: a value instead of the file's; repeatable")
      ->allow_extra_args(false);
  verb->add_flag("--dry-run", options->dry_run,
                 "Check everything and show what would be run, without setting anything");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace rein
