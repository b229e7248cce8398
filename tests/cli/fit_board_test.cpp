// `rein fit-board` with the real program, on the tables that are shipped.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

struct Fitting {
  int status;
  std::string output;
  std::string errors;
};

const std::string kTables = REIN_SOURCE_DIR "/experiments/calibration/tables/";

Fitting fit_board(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {REIN_PROGRAM, "fit-board"});
  Process process(arguments);
  const int status = process.wait();
  return {status, process.output(), process.errors()};
}

DOCTEST_TEST_CASE("the example of docs/fit-board.md prints what stands there") {
  const TemporaryFolder folder;
  const std::string board = (folder.path() / "tx2.yaml").string();
  const Fitting fitting = fit_board({kTables + "jetson-tx2.csv", "--output", board});
  DOCTEST_REQUIRE(fitting.status == 0);
  const std::string page = read_file(REIN_SOURCE_DIR "/docs/fit-board.md");
  const std::string told = fitting.output.substr(0, fitting.output.rfind(board));
  DOCTEST_CAPTURE(told);
  DOCTEST_CHECK(page.find("--output tx2.yaml\n" + told) != page.npos);
}

DOCTEST_TEST_CASE("a run is played on a board that was fitted") {
  const TemporaryFolder folder;
  const std::string board = (folder.path() / "nano.yaml").string();
  const Fitting fitting =
      fit_board({kTables + "jetson-nano.csv", "--board",
                 REIN_SOURCE_DIR "/configs/boards/jetson-nano.yaml", "--output", board});
  DOCTEST_REQUIRE(fitting.status == 0);
  DOCTEST_CHECK(fitting.errors.empty());
  Process run({REIN_PROGRAM, "run", REIN_SOURCE_DIR "/configs/runs/jetson-nano.yaml", "--set",
               "board=" + board, "--set", "duration_s=5", "--agent", "model_based", "--output",
               (folder.path() / "run").string()});
  DOCTEST_CHECK(run.wait() == 0);
  DOCTEST_CAPTURE(run.errors());
  DOCTEST_CHECK(std::filesystem::exists(folder.path() / "run" / "trace.csv"));
  // It is not written over.
  const Fitting again = fit_board({kTables + "jetson-nano.csv", "--output", board});
  DOCTEST_CHECK(again.status == 2);
  DOCTEST_CHECK(again.errors == "rein: --output: expected a file that does not exist, found " +
                                    board + ": choose another, or remove it\n");
}

DOCTEST_TEST_CASE("a table that holds rows back is not asked to hold back others") {
  const Fitting fitting = fit_board({kTables + "jetson-nano.csv", "--hold-back", "0.2"});
  DOCTEST_CHECK(fitting.status == 2);
  DOCTEST_CHECK(fitting.errors ==
                "rein: --hold-back: expected a table without the column "
                "held_back, found it in " +
                    kTables + "jetson-nano.csv\n");
}

DOCTEST_TEST_CASE("a table that is wrong leaves no board behind") {
  const TemporaryFolder folder;
  const auto table = folder.path() / "t.csv";
  write_file(table, "network,gpu_mhz,latency_ms\na,100,soon\n");
  const Fitting fitting =
      fit_board({table.string(), "--output", (folder.path() / "b.yaml").string()});
  DOCTEST_CHECK(fitting.status == 3);
  DOCTEST_CHECK(fitting.errors.starts_with("rein: " + table.string() + ":2: column latency_ms: "));
  DOCTEST_CHECK_FALSE(std::filesystem::exists(folder.path() / "b.yaml"));
}

}  // namespace
}  // namespace rein
