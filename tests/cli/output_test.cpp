// What the program prints, and what becomes of it when nobody reads that any more.
#include "cli/output.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/dated_folder.hpp"
#include "cli/nearest.hpp"
#include "cli/progress.hpp"
#include "support/process.hpp"
#include "support/simulated_run_files.hpp"
#include "support/temporary_tree.hpp"

namespace rein {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

/// Every verb on a small board; all of them would go on for minutes.
struct Work {
  SimulatedRunFiles files;
  fs::path output = files.folder.path() / "out";

  Words command(const std::string& verb, const Words& more) const {
    Words words = {REIN_PROGRAM, verb, files.run().string(), "--output", output.string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Words long_run() const { return command("run", {"--set", "time_scale=100000"}); }
  Words long_training() const { return command("train", {"--episodes", "100000000"}); }
  Words long_evaluation() const { return command("evaluate", {"--seeds", "10000"}); }
  Words long_profile() const { return command("profile", {"--periods", "1000000"}); }
};

/// With the shell's redirections.
struct Redirected {
  Redirected(const std::string& redirections, const Words& words)
      : process(with(redirections, words)) {
    status = process.wait();
  }
  static Words with(const std::string& redirections, const Words& words) {
    Words shell = {"/bin/sh", "-c", "exec \"$0\" \"$@\" " + redirections};
    shell.insert(shell.end(), words.begin(), words.end());
    return shell;
  }
  Process process;
  int status = 0;
};

/// The lines that were drawn over one another.
std::vector<std::string> drawn_lines(const std::string& shown) {
  const std::string over = "\r\x1b[K";
  std::vector<std::string> lines;
  for (auto at = shown.find(over); at != std::string::npos;) {
    const auto next = shown.find(over, at + 1);
    const std::string line = shown.substr(at + over.size(), next - at - over.size());
    lines.push_back(line.substr(0, line.find('\r')));
    at = next;
  }
  return lines;
}

DOCTEST_TEST_CASE("a terminal that hung up in the middle of a run ended in an abort") {
  const Work work;
  TerminalProcess process(work.long_run());
  DOCTEST_REQUIRE(process.shows("missed"));
  process.hang_up();
  DOCTEST_CHECK(process.wait() == 0);
  const auto summary = nlohmann::json::parse(read_file(work.output / "summary.json"));
  DOCTEST_CHECK(summary["ended"] == "interrupted");
  DOCTEST_CHECK(fs::exists(work.output / "checkpoint" / "agent.json"));
}

DOCTEST_TEST_CASE("the halves and the duration of an interrupted run were those of its plan") {
  const Work work;
  {
    TerminalProcess process(work.long_run());
    DOCTEST_REQUIRE(process.shows("missed"));
    process.send(SIGINT);
    DOCTEST_CHECK(process.shows("interrupted after "));
    process.read_all();
    DOCTEST_CHECK(process.wait() == 0);
  }
  const auto summary = nlohmann::json::parse(read_file(work.output / "summary.json"));
  const double periods = summary["periods"];
  DOCTEST_CHECK(summary["planned_s"] == 800'000.0);
  // It may end after a few periods, within one.
  DOCTEST_CHECK(std::abs(summary["duration_s"].get<double>() - 0.1 * periods) < 0.1001);
  // Halves of the time: the last period of the first may end late.
  DOCTEST_CHECK(std::abs(summary["second_half"]["periods"].get<double>() - 0.5 * periods) <= 2.0);

  Process report({REIN_PROGRAM, "report", work.output.string()});
  DOCTEST_CHECK(report.wait() == 0);
  DOCTEST_CHECK(report.output().find("q_learning: interrupted after ") != std::string::npos);
  const std::string page = read_file(work.output / "report.html");
  DOCTEST_CHECK(page.find(" of 800000 s; its figures, and their halves, are of that.") !=
                std::string::npos);
  DOCTEST_CHECK(page.find("<dt>Duration</dt><dd>800000") == std::string::npos);
}

DOCTEST_TEST_CASE("a terminal that hung up ended a training, evaluation or profile in an abort") {
  struct Case {
    Words (Work::*command)() const;
    const char* shown;
    const char* written;
  };
  for (const auto& [command, shown, written] :
       {Case{&Work::long_training, "episode ", "out/training.json"},
        Case{&Work::long_evaluation, "s left", "out/summary.json"},
        Case{&Work::long_profile, "profile [", "out"}}) {
    const Work work;
    Words words = (work.*command)();
    if (command == &Work::long_profile) {
      words.insert(words.end(), {"--settle", "0"});
      *std::ranges::find(words, "1000000") = "20000";
    }
    DOCTEST_CAPTURE(words[1]);
    TerminalProcess process(words);
    DOCTEST_REQUIRE(process.shows(shown));
    process.hang_up();
    DOCTEST_CHECK(process.wait() == 130);
    DOCTEST_CHECK(fs::exists(work.files.folder.path() / written));
  }
}

DOCTEST_TEST_CASE("a terminal that hung up during probe --overhead left the machine changed") {
  const std::string policy = "/sys/devices/system/cpu/cpufreq/policy0";
  test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0\n");
  tree.write(policy + "/affected_cpus", "0\n");
  tree.write(policy + "/scaling_available_frequencies", "600000 1400000 \n");
  tree.write(policy + "/scaling_available_governors", "ondemand userspace \n");
  tree.write(policy + "/scaling_governor", "ondemand\n");
  tree.write(policy + "/scaling_setspeed", "<unsupported>\n");
  tree.write(policy + "/scaling_cur_freq", "600000\n");
  const auto folder = tree.path().string();
  {
    TerminalProcess process({REIN_PROGRAM, "probe", "--overhead", "--sysfs-root", folder});
    process.hang_up();
    const int status = process.wait();
    DOCTEST_CHECK(status != 128 + SIGABRT);
  }
  // What gives the machine back is done when the next may manage it.
  Process next({REIN_PROGRAM, "probe", "--overhead", "--sysfs-root", folder});
  next.wait();
  DOCTEST_CHECK(tree.root().read(policy + "/scaling_governor") == "ondemand");
}

DOCTEST_TEST_CASE("under nohup a run was ended by a terminal that hung up") {
  const Work work;
  Words words = {"/bin/sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""};
  const Words run = work.command("run", {"--set", "time_scale=100"});
  words.insert(words.end(), run.begin(), run.end());
  TerminalProcess process(words);
  DOCTEST_REQUIRE(process.shows("missed"));
  process.hang_up();
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CHECK(nlohmann::json::parse(read_file(work.output / "summary.json"))["ended"] ==
                "completed");
}

DOCTEST_TEST_CASE("a terminal that is stopped with Ctrl-S held the run up") {
  const Work work;
  TerminalProcess process(work.command("run", {"--set", "time_scale=300"}));
  DOCTEST_REQUIRE(process.shows("missed"));
  process.type('\x13');
  // Nothing is shown any more, and yet it comes to its end.
  while (!fs::exists(work.output / "checkpoint" / "agent.json")) {
    sched_yield();
  }
  process.type('\x11');
  DOCTEST_CHECK(process.shows("second half"));
  process.read_all();
  DOCTEST_CHECK(process.wait() == 0);
}

DOCTEST_TEST_CASE("standard error that is full or closed ended the program in an abort") {
  for (const std::string redirection : {"2>/dev/full", "2>&-"}) {
    DOCTEST_CAPTURE(redirection);
    const Work work;
    const Redirected good(redirection, work.command("run", {}));
    DOCTEST_CHECK(good.status == 0);
    DOCTEST_CHECK(good.process.output().find("second half") != std::string::npos);
    DOCTEST_CHECK(Redirected(redirection, work.command("run", {})).status == 2);
    DOCTEST_CHECK(Redirected(redirection, {REIN_PROGRAM, "run", "none.yaml"}).status == 3);
    DOCTEST_CHECK(Redirected(redirection, {REIN_PROGRAM, "rnu"}).status == 2);
  }
}

DOCTEST_TEST_CASE("results that could not be printed were no failure") {
  for (const auto& each :
       {std::pair{">/dev/full", "No space left on device"}, {">&-", "it is closed"}}) {
    const auto& [redirection, why] = each;
    DOCTEST_CAPTURE(each.first);
    const Work work;
    for (const Words& words :
         {work.command("run", {}), Words{REIN_PROGRAM, "--help"}, Words{REIN_PROGRAM, "--version"},
          Words{REIN_PROGRAM, "run", work.files.run().string(), "--dry-run"}}) {
      const Redirected program(redirection, words);
      DOCTEST_CHECK(program.status == 1);
      DOCTEST_CHECK(program.process.errors() ==
                    std::string("rein: standard output: cannot be written: ") + why + "\n");
    }
    DOCTEST_CHECK(fs::exists(work.output / "summary.json"));
  }
}

DOCTEST_TEST_CASE("a reader that went away killed the program") {
  const Work work;
  // It reads nothing, and is gone before anything is printed.
  Process pipe({"/bin/sh", "-c",
                "mkfifo \"$2\"; { read line <\"$2\"; } & exec 3>\"$2\"; echo >&3; wait; "
                "\"$0\" run \"$1\" --dry-run >&3; echo $?",
                REIN_PROGRAM, work.files.run().string(),
                (work.files.folder.path() / "fifo").string()});
  DOCTEST_CHECK(pipe.wait() == 0);
  DOCTEST_CHECK(pipe.output() == "141\n");
  DOCTEST_CHECK(pipe.errors().empty());
}

DOCTEST_TEST_CASE("a message that holds more than a line was several, and moved the cursor") {
  const Redirected program("", {REIN_PROGRAM, "run", "no\nsuch"});
  DOCTEST_CHECK(program.status == 3);
  DOCTEST_CHECK(std::ranges::count(program.process.errors(), '\n') == 1);
}

DOCTEST_TEST_CASE("a line is cut at columns, never within a character") {
  DOCTEST_CHECK(fit_columns("abc", 3) == "abc");
  DOCTEST_CHECK(fit_columns("abcd", 3) == "abc");
  DOCTEST_CHECK(fit_columns("h\xC3\xB6he", 2) == "h\xC3\xB6");
  DOCTEST_CHECK(fit_columns("\xE6\x97\xA5\xE6\x9C\xAC", 3) == "\xE6\x97\xA5");
  DOCTEST_CHECK(fit_columns("a\x1b[2J", 9) == "a?[2J");
  DOCTEST_CHECK(fit_columns("a", 0).empty());
}

DOCTEST_TEST_CASE("a progress bar was wider than its terminal") {
  const auto line = [](std::size_t columns) {
    return progress_line("evaluate", 50, 100, 12.0, "a note", columns);
  };
  DOCTEST_CHECK(line(80) == "evaluate [###############...............]  50 % 12 s left  a note");
  DOCTEST_CHECK(line(40) == "evaluate [######......]  50 % 12 s left  a note");
  DOCTEST_CHECK(line(20) == "evaluate  50 % 12 s left");
  for (const auto columns : std::vector<unsigned short>{20, 33, 80}) {
    DOCTEST_CAPTURE(columns);
    const Work work;
    TerminalProcess process(work.long_training(), columns);
    DOCTEST_REQUIRE(process.shows("train"));
    process.send(SIGINT);
    auto lines = drawn_lines(process.read_all());
    DOCTEST_CHECK(process.wait() == 130);
    // What is told beside them is not drawn.
    std::erase_if(lines, [](const std::string& each) { return each.starts_with("rein: "); });
    DOCTEST_REQUIRE(!lines.empty());
    DOCTEST_CHECK(
        std::ranges::all_of(lines, [&](const std::string& each) { return each.size() < columns; }));
  }
}

DOCTEST_TEST_CASE("a bar kept the width that its terminal had in the beginning") {
  const Work work;
  TerminalProcess process(work.long_training(), 80);
  DOCTEST_REQUIRE(process.shows("train ["));
  process.resize(24);
  DOCTEST_CHECK(process.shows("train   0 % "));
  process.send(SIGTERM);
  process.read_all();
  DOCTEST_CHECK(process.wait() == 130);
}

DOCTEST_TEST_CASE("a terminal that cannot move its cursor was drawn on") {
  const Work work;
  TerminalProcess process(work.command("run", {}), 80, "dumb");
  const std::string& shown = process.read_all();
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CHECK(shown.find('\x1b') == std::string::npos);
  DOCTEST_CHECK(shown.find("second half") != std::string::npos);
}

DOCTEST_TEST_CASE("Ctrl-C is answered at once") {
  const Work work;
  TerminalProcess process(work.long_run());
  DOCTEST_REQUIRE(process.shows("missed"));
  process.type('\x03');
  DOCTEST_CHECK(process.shows("rein: ending ..."));
  process.read_all();
  DOCTEST_CHECK(process.wait() == 0);
}

DOCTEST_TEST_CASE("an unknown verb was not named") {
  const auto errors = [](const Words& words) {
    Words all = {REIN_PROGRAM};
    all.insert(all.end(), words.begin(), words.end());
    const Redirected program("", all);
    DOCTEST_CHECK(program.status == 2);
    DOCTEST_CHECK(program.process.output().empty());
    return program.process.errors();
  };
  DOCTEST_CHECK(errors({"evalaute", "x"}) ==
                "rein: unknown verb 'evalaute' (did you mean 'evaluate'?): `rein --help` shows "
                "all\n");
  DOCTEST_CHECK(errors({"--log-level", "debug", "zzz"}) ==
                "rein: unknown verb 'zzz': `rein --help` shows all\n");
  DOCTEST_CHECK(errors({"network", "benchmrk"}) ==
                "rein: network: unknown verb 'benchmrk' (did you mean 'benchmark'?): `rein network "
                "--help` shows all\n");
  DOCTEST_CHECK(errors({"run", "x", "--sed", "5"}) ==
                "rein: run: unknown option '--sed' (did you mean '--seed'?): `rein run --help` "
                "shows all\n");
  DOCTEST_CHECK(errors({"run", "x", "y"}) ==
                "rein: run: expected nothing more, found 'y': `rein run --help` says more\n");
  DOCTEST_CHECK(
      errors({"run", "x", "--seed", "-1"}).find("not in range 0 to 9223372036854775807") !=
      std::string::npos);
  DOCTEST_CHECK(errors({"network", "train", "--architecture", "tiny", "--output", "x"})
                    .starts_with("rein: network train: --architecture: tiny not in {small,"));
  DOCTEST_CHECK(errors({}).starts_with("rein: expected one of probe, profile, run, "));
}

DOCTEST_TEST_CASE("the nearest word is within a slip or two, or begins like it") {
  const Words words = {"--seed", "--set", "--settle", "--output"};
  DOCTEST_CHECK(nearest_of(words, "--sede") == "--seed");
  DOCTEST_CHECK(nearest_of(words, "--out") == "--output");
  DOCTEST_CHECK(nearest_of(words, "--nothing").empty());
  DOCTEST_CHECK(nearest_of(words, "").empty());
  DOCTEST_CHECK(nearest_of(words, std::string(100'000, 'a')).empty());
}

DOCTEST_TEST_CASE("two default folders of the same second were one") {
  const TemporaryFolder folder;
  const fs::path wanted = folder.path() / "results" / "20261123-101530_dqn";
  DOCTEST_CHECK(make_new_folder(wanted) == wanted);
  DOCTEST_CHECK(make_new_folder(wanted) == fs::path(wanted.string() + "-2"));
  DOCTEST_CHECK(make_new_folder(wanted) == fs::path(wanted.string() + "-3"));
  const fs::path dated = make_dated_folder(folder.path(), "_x");
  DOCTEST_CHECK(fs::is_directory(dated));
  DOCTEST_CHECK(make_dated_folder(folder.path(), "_x") != dated);
}

}  // namespace
}  // namespace rein
