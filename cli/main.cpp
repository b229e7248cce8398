#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/output.hpp"
#include "cli/usage.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/printable.hpp"
#include "common/stop.hpp"
#include "platform/kernel/descriptors.hpp"

namespace {

int report(const std::exception& error, int status) {
  constexpr std::size_t kMostSaid = 4000;
  rein::tell_line(rein::printable(error.what(), kMostSaid));
  return status;
}

/// Does what the command line says, and maps what goes wrong to an exit status.
int run_program(int argc, char** argv) {
  CLI::App app{"Rein: runtime manager for a scalable neural network on a shared machine.", "rein"};
  app.set_version_flag("--version", REIN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  std::string log_level = "info";
  app.add_option("--log-level", log_level, "What is logged on standard error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.footer(
      "Exit status: 0 done, 1 failed while running, 2 usage, 3 configuration or input file, "
      "130 interrupted.");

  rein::VerbAction action;
  rein::add_probe(app, action);
  rein::add_profile(app, action);
  rein::add_run(app, action);
  rein::add_train(app, action);
  rein::add_evaluate(app, action);
  rein::add_fit_board(app, action);
  rein::add_restore(app, action);
  rein::add_report(app, action);
  rein::add_network(app, action);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    // The help, or the version.
    std::ostringstream text;
    app.exit(success, text, text);
    rein::put_text(text.str());
    return rein::kDone;
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    rein::tell_line(rein::describe_misuse(app, error, words));
    return rein::kUsage;
  }
  // Standard output is for results alone.
  rein::begin_log(log_level);

  try {
    return action();
  } catch (const rein::ConfigError& error) {
    return report(error, rein::kConfiguration);
  } catch (const rein::UsageError& error) {
    return report(error, rein::kUsage);
  } catch (const rein::Interrupted& error) {
    return report(error, rein::kInterrupted);
  } catch (const std::bad_alloc&) {
    rein::tell_line("out of memory: end other programs, or raise the limit (`ulimit -v`)");
    return rein::kFailed;
  } catch (const std::exception& error) {
    return report(error, rein::kFailed);
  }
}

/// What a thread needs, with some to spare [bytes]; 8 MiB is usual.
constexpr rlim_t kLeastStack = 262'144;

/// Who runs out of it is ended by a signal.
bool has_stack() {
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= kLeastStack) {
    return true;
  }
  rein::tell("expected at least {} KiB of stack (`ulimit -s`), found {}", kLeastStack / 1024,
             limit.rlim_cur / 1024);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  rein::fill_standard_descriptors();
  rein::begin_output();
  return rein::finish_output(has_stack() ? run_program(argc, argv) : rein::kFailed);
}
