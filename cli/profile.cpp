#include "agent/core/profile.hpp"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <utility>

#include "agent/core/action_limits.hpp"
#include "cli/exit_status.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/usage.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/stop.hpp"
#include "study/run/live_run.hpp"
#include "study/run/settings.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {

namespace {

/// At ten periods a second and twelve for each these are three days.
constexpr std::size_t kMostProfiled = 200'000;

struct ProfileOptions {
  std::filesystem::path file;
  std::filesystem::path output;
  RunOverrides overrides;
  std::size_t settle = 2;
  std::size_t periods = 10;
  bool resume = false;
};

/// What a profile does not depend on, and why.
constexpr std::pair<const char*, const char*> kUnused[] = {
    {"agent", "a profile is measured without an agent"},
    {"shield", "a profile is measured without an agent"},
    {"prices", "a profile has no rewards"},
    {"scenario", "a profile is measured with nobody else on the machine"},
    {"time_scale", "a profile is measured with nobody else on the machine"},
    {"duration_s", "a profile ends when everything is measured: see --periods"}};

/// After an error, which is what is told first: what was measured until then.
void keep(const Profile& profile, const ProfileOptions& options, const ActionSpace& actions) {
  if (profile.entries.empty()) {
    return;
  }
  try {
    profile.write(options.output, actions);
    tell_line_at_end(fmt::format("{} of {} configurations were measured; --resume goes on",
                                 profile.entries.size(), actions.size()));
  } catch (const std::exception& consequence) {
    tell_line_at_end(consequence.what());
  }
}

/// @return whether all was measured.
bool measure(const RunConfig& config, const ProfileOptions& options, const Stage& stage) {
  const ActionSpace& actions = stage.environment.action_space();
  if (const auto mistake = too_many_actions(actions, kMostProfiled)) {
    throw ConfigError(fmt::format("{}: controls: {}", options.file.string(), *mistake));
  }
  Profile profile;
  if (options.resume) {
    profile = Profile::read_begun(options.output, actions);
  }
  try {
    ProgressBar bar("profile", actions.size());
    profile.measure_rest(
        stage.environment, config.seed, options.settle, options.periods, stop_requested,
        [&](std::size_t done) { bar.update(done, actions.describe(actions.decode(done - 1))); });
  } catch (const std::exception&) {
    keep(profile, options, actions);
    throw;
  }
  profile.write(options.output, actions);
  put("{}\n", options.output.string());
  if (profile.entries.size() == actions.size()) {
    return true;
  }
  tell("interrupted: {} of {} configurations were measured; --resume goes on",
       profile.entries.size(), actions.size());
  return false;
}

/// @throws UsageError
void check_output(const ProfileOptions& options) {
  const bool exists = is_there(options.output);
  if (exists && !options.resume) {
    throw UsageError(fmt::format(
        "--output: expected a file that does not exist, found {}: choose another, remove it, or go "
        "on with --resume",
        options.output.string()));
  }
  if (!exists && options.resume) {
    throw UsageError(fmt::format("--resume: expected a profile that was begun, found no {}",
                                 options.output.string()));
  }
}

int run(const ProfileOptions& options) {
  check_output(options);
  for (const auto& [key, why] : kUnused) {
    refuse_setting(options.overrides.settings, key, why);
  }
  RunConfig config = RunConfig::load(options.file, options.overrides);
  // Long enough: measuring ends it.
  config.duration_s = 1e9;
  config.scenario = Scenario::alone(config.budgets, config.duration_s);
  catch_interrupts();
  bool complete = false;
  const auto play = [&](const Stage& stage) { complete = measure(config, options, stage); };
  if (config.platform == PlatformKind::kSimulated) {
    in_simulation(config, play);
  } else {
    on_this_machine(config, /*only_look=*/false, play);
  }
  return complete ? kDone : kInterrupted;
}

}  // namespace

void add_profile(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<ProfileOptions>();
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
  verb->add_option("--seed", options->overrides.seed, "Of all that is random")->check(a_seed());
  verb->add_option("--set", options->overrides.settings,
                   "dotted.key=value: a value instead of the file's; repeatable")
      ->allow_extra_args(false);
  verb->add_flag("--resume", options->resume,
                 "Go on with the profile in --output, which was interrupted");
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace rein
