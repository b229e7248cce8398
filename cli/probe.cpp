#include "platform/probe.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "cli/verbs.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

struct ProbeArguments {
  std::string sysfs_root = "/";
  bool json = false;
  std::string board_file;
};

int run_probe(const ProbeArguments& arguments) {
  SteadyClock clock;
  const ProbeReport report = probe(SysfsRoot(arguments.sysfs_root), clock);
  fmt::print("{}", arguments.json ? to_json(report) : to_table(report));
  if (!arguments.board_file.empty()) {
    write_file(arguments.board_file, report.board.to_yaml());
    fmt::print(stderr, "wrote {}\n", arguments.board_file);
  }
  return 0;
}

}  // namespace

void add_probe(CLI::App& app, VerbAction& action) {
  auto* verb = app.add_subcommand("probe", "Show what this machine offers; changes nothing");
  const auto arguments = std::make_shared<ProbeArguments>();
  verb->add_option("--sysfs-root", arguments->sysfs_root, "Look for /sys and /proc below DIR")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  verb->add_flag("--json", arguments->json, "For programs");
  verb->add_option("--write-board", arguments->board_file, "Write a board file for this machine")
      ->type_name("FILE");
  verb->callback([arguments, &action] { action = [arguments] { return run_probe(*arguments); }; });
}

}  // namespace rein
