#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/printable.hpp"
#include "models/openmp_waiting.hpp"

namespace {

enum ExitStatus { kDone = 0, kFailed = 1, kUsage = 2, kConfiguration = 3 };

/// One line on standard error, whatever the message holds.
int report(const std::exception& error, int status) {
  constexpr std::size_t kMostSaid = 4000;
  fmt::print(stderr, "rein: {}\n", rein::printable(error.what(), kMostSaid));
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  rein::limit_spinning(argv);
  CLI::App app{"Rein: runtime manager for a scalable neural network on a shared machine.", "rein"};
  app.set_version_flag("--version", REIN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  std::string log_level = "info";
  app.add_option("--log-level", log_level, "What is logged on standard error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.footer(
      "Exit status: 0 done, 1 failed while running, 2 usage, 3 configuration or input file.");

  rein::VerbAction action;
  rein::add_probe(app, action);
  rein::add_profile(app, action);
  rein::add_run(app, action);
  rein::add_train(app, action);
  rein::add_evaluate(app, action);
  rein::add_restore(app, action);
  rein::add_report(app, action);
  rein::add_network(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  // Standard output is for results alone.
  spdlog::set_default_logger(spdlog::stderr_color_mt("rein"));
  spdlog::set_pattern("%^%l%$: %v");
  spdlog::set_level(spdlog::level::from_str(log_level));

  try {
    return action();
  } catch (const rein::ConfigError& error) {
    return report(error, kConfiguration);
  } catch (const rein::UsageError& error) {
    return report(error, kUsage);
  } catch (const std::exception& error) {
    return report(error, kFailed);
  }
}
