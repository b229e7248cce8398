#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "platform/co_runners/co_runner_group.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/giving_back/state_file.hpp"

namespace rein {

namespace {

struct RestoreArguments {
  std::string sysfs_root = "/";
  std::filesystem::path state_file;
  bool discard = false;
};

int run_restore(const RestoreArguments& arguments) {
  const SysfsRoot root(arguments.sysfs_root);
  const auto file =
      arguments.state_file.empty() ? StateFile::default_path(root) : arguments.state_file;
  std::error_code ignored;
  if (!arguments.state_file.empty() &&
      !std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    throw ConfigError(fmt::format("{}: expected a state file, found none", file.string()));
  }
  if (arguments.discard) {
    if (const auto text = discard_leftover(root, file)) {
      put("{}{}: discarded; nothing was put back\n", *text, file.string());
    } else {
      put("nothing to discard: there is no {}\n", file.string());
    }
    return 0;
  }
  const auto ended = CoRunnerLeftovers(root).end();
  if (const auto line = ended.line(); !line.empty()) {
    put("{}\n", line);
  }
  const auto changed = restore_leftover(root, file);
  if (!changed) {
    put("nothing to restore: there is no {}\n", file.string());
  } else {
    for (const auto& path : *changed) {
      put("{}\n", path);
    }
    put("{} settings put back\n", changed->size());
  }
  return ended.stuck == 0 ? 0 : 1;
}

}  // namespace

void add_restore(CLI::App& app, VerbAction& action) {
  auto* verb = app.add_subcommand(
      "restore", "Put back what a run changed that ended without doing so, as after a power cut");
  const auto arguments = std::make_shared<RestoreArguments>();
  verb->add_option("--state", arguments->state_file,
                   "The run's state file, instead of the one below /var/lib/rein or your "
                   "~/.local/state/rein");
  verb->add_flag(
      "--discard", arguments->discard,
      "Drop the state file, whatever is in it, and put nothing back; shows what it said");
  verb->add_option("--sysfs-root", arguments->sysfs_root, "Look for /sys and /proc below DIR")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  verb->callback(
      [arguments, &action] { action = [arguments] { return run_restore(*arguments); }; });
}

}  // namespace rein
