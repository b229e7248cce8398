#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/exit_status.hpp"
#include "cli/output.hpp"
#include "cli/usage.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "study/calibration/board_fit.hpp"
#include "study/calibration/measurement_table.hpp"

namespace rein {

namespace {

struct FitBoardOptions {
  std::filesystem::path table;
  std::filesystem::path output;
  std::filesystem::path board;
  std::string name;
  std::optional<double> overlap;
  std::optional<double> hold_back;
  std::uint64_t seed = 1;
};

int run(const FitBoardOptions& options) {
  if (!options.output.empty() && is_there(options.output)) {
    throw UsageError(
        fmt::format("--output: expected a file that does not exist, found {}: choose another, or "
                    "remove it",
                    options.output.string()));
  }
  MeasurementTable table = MeasurementTable::read(options.table);
  if (options.hold_back) {
    if (table.has_held_back) {
      throw UsageError(
          fmt::format("--hold-back: expected a table without the column held_back, found it in {}",
                      options.table.string()));
    }
    table.hold_back(*options.hold_back, options.seed);
  }
  BoardFitOptions fit_options{.overlap = options.overlap};
  fit_options.name = options.name.empty() ? options.table.stem().string() : options.name;
  if (!options.board.empty()) {
    fit_options.board = Board::from_yaml(ConfigNode::load(options.board));
  }
  const BoardFit fit = fit_board(table, fit_options);
  const std::string text = fit.to_yaml(options.table.string());
  if (options.output.empty()) {
    put_text(text);
    return kDone;
  }
  write_file(options.output, text);
  put("{}{}\n", fit.describe(), options.output.string());
  return kDone;
}

}  // namespace

void add_fit_board(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<FitBoardOptions>();
  CLI::App* verb = app.add_subcommand(
      "fit-board",
      "Make a simulated board from a table of measurements, and say how far it is off");
  verb->add_option("TABLE.csv", options->table, "The measurements: docs/fit-board.md")->required();
  verb->add_option(
      "--output", options->output,
      "The board file to write (default: standard output, with the errors in comments)");
  auto* const board = verb->add_option(
      "--board", options->board,
      "A board file whose clocks and places it has (default: what the table's columns name)");
  verb->add_option("--name", options->name, "Of the board (default: the table's)")->excludes(board);
  verb->add_option("--overlap", options->overlap,
                   "How far computing and memory overlap, 1 to 100 (default: as it fits best)")
      ->check(CLI::Range(1.0, 100.0));
  verb->add_option("--hold-back", options->hold_back,
                   "Share of each network's rows that is not fitted, but compared")
      ->check(CLI::Range(0.0, 0.9));
  verb->add_option("--seed", options->seed, "Of the choice of these rows")
      ->check(a_seed())
      ->capture_default_str();
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace rein
