#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "platform/control_guard.hpp"
#include "platform/state_file.hpp"

namespace rein {

namespace {

struct RestoreArguments {
  std::string sysfs_root = "/";
  std::filesystem::path state_file;
};

int run_restore(const RestoreArguments& arguments) {
  const SysfsRoot root(arguments.sysfs_root);
  const auto file =
      arguments.state_file.empty() ? StateFile::default_path(root) : arguments.state_file;
  if (!arguments.state_file.empty() && !is_there(file)) {
    throw ConfigError(fmt::format("{}: expected a state file, found none", file.string()));
  }
  const auto changed = restore_leftover(root, file);
  if (!changed) {
    fmt::print("nothing to restore: there is no {}\n", file.string());
    return 0;
  }
  for (const auto& path : *changed) {
    fmt::print("{}\n", path);
  }
  fmt::print("{} settings put back\n", changed->size());
  return 0;
}

}  // namespace

void add_restore(CLI::App& app, VerbAction& action) {
  auto* verb = app.add_subcommand(
      "restore", "Put back what a run changed that ended without doing so, as after a power cut");
  const auto arguments = std::make_shared<RestoreArguments>();
  verb->add_option("--state", arguments->state_file,
                   "The run's state file, instead of the one below /var/lib/rein or your "
                   "~/.local/state/rein");
  verb->add_option("--sysfs-root", arguments->sysfs_root, "Look for /sys and /proc below DIR")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  verb->callback(
      [arguments, &action] { action = [arguments] { return run_restore(*arguments); }; });
}

}  // namespace rein
