#include "platform/probe.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "common/files.hpp"
#include "platform/overhead.hpp"

namespace rein {

namespace {

constexpr int kInterrupted = 130;  ///< As a shell says of a program that Ctrl-C ended.

struct ProbeArguments {
  std::string sysfs_root = "/";
  std::filesystem::path board;
  bool json = false;
  bool overhead = false;
  std::string board_file;
};

/// Interrupted, it gives everything back first.
int run_overhead(const Board& board, const ProbeArguments& arguments) {
  catch_interrupts();
  const SteadyClock clock;
  OverheadOptions options{.stop = stop_requested};
  std::optional<Overhead> overhead;
  {
    ProgressBar bar("overhead", 4 * options.rounds);
    options.progress = [&bar](std::uint64_t done) { bar.update(done); };
    overhead = measure_overhead(board, arguments.sysfs_root, clock, options);
  }
  if (!overhead) {
    fmt::print(stderr, "rein: interrupted; everything is given back\n");
    return kInterrupted;
  }
  fmt::print("{}", arguments.json ? to_json(*overhead) : to_table(*overhead));
  return 0;
}

int run_probe(const ProbeArguments& arguments) {
  SteadyClock clock;
  const SysfsRoot root(arguments.sysfs_root);
  const Board board = arguments.board.empty() ? Board::detect(root)
                                              : Board::from_yaml(ConfigNode::load(arguments.board));
  if (arguments.overhead) {
    return run_overhead(board, arguments);
  }
  const ProbeReport report = probe(board, root, clock);
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
  verb->add_option("--board", arguments->board, "Look for what this board file names")
      ->type_name("FILE");
  verb->add_flag("--json", arguments->json, "For programs");
  verb->add_option("--write-board", arguments->board_file, "Write a board file for this machine")
      ->type_name("FILE");
  verb->add_flag("--overhead", arguments->overhead,
                 "Instead, measure what a period costs: sets every control to its first and last "
                 "level in turn, and gives it back");
  verb->callback([arguments, &action] { action = [arguments] { return run_probe(*arguments); }; });
}

}  // namespace rein
