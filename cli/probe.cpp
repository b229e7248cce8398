#include "platform/probe/probe.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cli/exit_status.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/stop.hpp"
#include "models/slimmable_network.hpp"
#include "platform/probe/overhead.hpp"

namespace rein {

namespace {

constexpr int kInterrupted = 130;  ///< As a shell says of a program that Ctrl-C ended.

struct ProbeArguments {
  std::string sysfs_root = "/";
  std::filesystem::path board;
  bool json = false;
  bool overhead = false;
  std::filesystem::path board_file;
  bool force = false;
};

/// @throws UsageError for a file that somebody may have edited.
void require_new(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    throw UsageError(
        fmt::format("--write-board: expected a file that does not exist, found {}: choose another, "
                    "or write over it with --force",
                    file.string()));
  }
}

/// Interrupted, it gives everything back first.
int run_overhead(const Board& board, const ProbeArguments& arguments) {
  catch_interrupts();
  const SteadyClock clock;
  OverheadOptions options{.stop = stop_requested};
  options.report = [](const std::string& line) { spdlog::error("{}", line); };
  std::optional<Overhead> overhead;
  {
    ProgressBar bar("overhead", 4 * options.rounds);
    options.progress = [&bar](std::uint64_t done) { bar.update(done); };
    overhead = measure_overhead(board, arguments.sysfs_root, clock, options);
  }
  if (!overhead) {
    tell("interrupted; everything is given back");
    return kInterrupted;
  }
  put("{}", arguments.json ? to_json(*overhead) : to_table(*overhead));
  return 0;
}

/// As a run would find it with the network that comes with Rein. Loads a library only for a board
/// that has such a place.
std::optional<std::string> device_obstacle(const std::string& device) {
  if (device == "cpu") {
    return std::nullopt;
  }
  const DeviceBackEnd found = find_device_back_end(device);
  return found.back_end == nullptr ? std::optional(found.obstacle) : std::nullopt;
}

int run_probe(const ProbeArguments& arguments) {
  if (!arguments.board_file.empty() && !arguments.force) {
    require_new(arguments.board_file);
  }
  SteadyClock clock;
  const SysfsRoot root(arguments.sysfs_root);
  const Board board = arguments.board.empty() ? Board::detect(root)
                                              : Board::from_yaml(ConfigNode::load(arguments.board));
  if (arguments.overhead) {
    return run_overhead(board, arguments);
  }
  const ProbeReport report = probe(board, root, clock, device_obstacle);
  put("{}", arguments.json ? to_json(report) : to_table(report));
  if (!arguments.board_file.empty()) {
    write_file(arguments.board_file, report.board.to_yaml());
    tell("wrote {}", arguments.board_file.string());
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
  auto* const write_board =
      verb->add_option("--write-board", arguments->board_file,
                       "Write a board file for this machine, where there is none yet")
          ->type_name("FILE");
  verb->add_flag("--force", arguments->force, "Write it over a file that is there")
      ->needs(write_board);
  verb->add_flag("--overhead", arguments->overhead,
                 "Instead, measure what a period costs: sets every control to its first and last "
                 "level in turn, and gives it back")
      ->excludes(write_board);
  verb->callback([arguments, &action] { action = [arguments] { return run_probe(*arguments); }; });
}

}  // namespace rein
