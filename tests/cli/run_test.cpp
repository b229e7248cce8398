// The real program: exit statuses, and what is left of a run that is ended in the middle. The
// co-runner tells through a FIFO that it has started, so nothing is waited for by time.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "platform/giving_back/machine_lock.hpp"
#include "platform/giving_back/state_file.hpp"
#include "support/process.hpp"
#include "support/run_files.hpp"

namespace rein {
namespace {

const std::string kProgram = REIN_PROGRAM;

/// A run whose co-runner writes its own process number into a FIFO when it starts.
struct Run {
  Run() {
    mkfifo(fifo().c_str(), 0600);
    RunFiles::edit(files.scenario(), "[sleep, \"1000\"]",
                   "[sh, -c, \"echo $$ > " + fifo() + "; exec sleep 1000\"]");
    RunFiles::edit(files.scenario(), "duration_s: 1}", "duration_s: 0.1}");
  }
  std::string fifo() const { return (files.folder.path() / "fifo").string(); }
  std::filesystem::path output() const { return files.folder.path() / "out"; }
  std::vector<std::string> command() const {
    return {kProgram, "run", files.run().string(), "--output", output().string()};
  }
  /// Blocks until the co-runner runs. @throws std::runtime_error if it never does, as where
  /// somebody else's run manages this machine.
  pid_t co_runner() const {
    const int descriptor = open(fifo().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    constexpr int kPatienceMs = 120'000;
    pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
    char text[32] = {};
    const bool came =
        poll(&waiting, 1, kPatienceMs) == 1 && read(descriptor, text, sizeof text - 1) > 0;
    close(descriptor);
    if (!came) {
      throw std::runtime_error("expected the run to start its co-runner, found that it did not");
    }
    return std::stoi(text);
  }
  RunFiles files;
};

/// Control groups of a process that is gone.
bool leaves_a_control_group(pid_t pid) {
  std::error_code ignored;
  for (const std::string hierarchy :
       {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/unified", "/sys/fs/cgroup/freezer"}) {
    for (const std::string& group :
         {"/rein-" + std::to_string(pid), "/rein-co-runner-" + std::to_string(pid) + "-0"}) {
      if (std::filesystem::exists(hierarchy + group, ignored)) {
        return true;
      }
    }
  }
  return false;
}

nlohmann::json summary(const Run& run) {
  return nlohmann::json::parse(read_file(run.output() / "summary.json"));
}

void check_signal_ends_cleanly(int signal) {
  Run run;
  Process process(run.command());
  const pid_t rein = process.pid();
  const pid_t co_runner = run.co_runner();
  DOCTEST_REQUIRE(co_runner > 0);
  process.send(signal);
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CHECK(kill(co_runner, 0) == -1);
  DOCTEST_CHECK_FALSE(leaves_a_control_group(rein));
  DOCTEST_CHECK(summary(run)["ended"] == "interrupted");
  DOCTEST_CHECK(summary(run)["periods"] >= 1);
  DOCTEST_CHECK(std::filesystem::exists(run.output() / "checkpoint" / "agent.json"));
}

DOCTEST_TEST_CASE("SIGINT ends a run cleanly: no co-runner, no bandwidth limit, results written") {
  check_signal_ends_cleanly(SIGINT);
}

DOCTEST_TEST_CASE("SIGTERM ends a run cleanly: no co-runner, no bandwidth limit, results written") {
  check_signal_ends_cleanly(SIGTERM);
}

DOCTEST_TEST_CASE("an exception in the middle leaves no co-runner and no bandwidth limit") {
  Run run;
  // The trace grows until its file may not: that is the exception.
  Process process(run.command(), /*largest_file=*/20'000);
  const pid_t rein = process.pid();
  const pid_t co_runner = run.co_runner();
  DOCTEST_REQUIRE(co_runner > 0);
  DOCTEST_CHECK(process.wait() == 1);
  DOCTEST_CHECK(
      process.errors().find("rein: trace.csv: a row cannot be written: File too large\n") !=
      std::string::npos);
  DOCTEST_CHECK(kill(co_runner, 0) == -1);
  DOCTEST_CHECK_FALSE(leaves_a_control_group(rein));
}

DOCTEST_TEST_CASE("a run that is killed leaves no co-runner and no bandwidth limit") {
  Run run;
  Process process(run.command());
  const pid_t rein = process.pid();
  const pid_t co_runner = run.co_runner();
  process.send(SIGKILL);
  DOCTEST_CHECK(process.wait() == 128 + SIGKILL);
  DOCTEST_CHECK(wait_until_gone(co_runner));
  const MachineLock after_the_guardian{SysfsRoot()};
  DOCTEST_CHECK_FALSE(leaves_a_control_group(rein));
  DOCTEST_CHECK_FALSE(std::filesystem::exists(StateFile::default_path(SysfsRoot())));
  DOCTEST_CHECK(process.errors().find("its guardian has done it") != std::string::npos);
}

DOCTEST_TEST_CASE("a second run at once is refused in one line, and the first goes on") {
  Run run;
  Process first(run.command());
  run.co_runner();
  const RunFiles files;
  const auto output = files.folder.path() / "out";
  Process second({kProgram, "run", files.run().string(), "--output", output.string()});
  DOCTEST_CHECK(second.wait() == 1);
  DOCTEST_CHECK(second.errors() == "rein: this machine is managed by another run, process " +
                                       std::to_string(first.pid()) +
                                       ": wait for its end, or end it\n");
  DOCTEST_CHECK_FALSE(std::filesystem::exists(output));
  first.send(SIGTERM);
  DOCTEST_CHECK(first.wait() == 0);
  DOCTEST_CHECK(summary(run)["ended"] == "interrupted");
}

DOCTEST_TEST_CASE("a run to its end writes all its files, and resumes from its checkpoint") {
  const RunFiles files;
  const auto output = files.folder.path() / "out";
  const std::vector<std::string> command = {
      kProgram, "run", files.run().string(), "--agent", "q_learning", "--duration", "0.5"};
  auto first = command;
  first.insert(first.end(), {"--output", output.string()});
  Process process(first);
  DOCTEST_REQUIRE(process.wait() == 0);
  for (const std::string file : {"trace.csv", "trace.yaml", "summary.json", "config.yaml",
                                 "machine.json", "checkpoint/agent.json"}) {
    DOCTEST_CAPTURE(file);
    DOCTEST_CHECK(std::filesystem::file_size(output / file) > 0);
  }
  DOCTEST_CHECK(process.output().find("second half") != std::string::npos);

  auto second = command;
  second.insert(second.end(), {"--output", (files.folder.path() / "more").string(), "--load",
                               (output / "checkpoint").string()});
  Process resumed(second);
  DOCTEST_CHECK(resumed.wait() == 0);

  Process again(first);
  DOCTEST_CHECK(again.wait() == 2);
  DOCTEST_CHECK(again.errors().find("expected a folder without a run") != std::string::npos);

  RunFiles::edit(output / "checkpoint" / "agent.json", "q_learning", "alien");
  Process foreign(second);
  DOCTEST_CHECK(foreign.wait() == 2);  // Its output is there already.
}

DOCTEST_TEST_CASE("a place of two CPUs, one for each thread, is granted as such") {
  if (std::thread::hardware_concurrency() < 2) {
    return;
  }
  const RunFiles files;
  RunFiles::edit(files.board(), "cpus: \"0\"", "cpus: \"0-1\"");
  RunFiles::edit(files.board(), "{name: cpu0, cpus: \"0\", threads: 1}",
                 "{name: cpu0, cpus: \"0\", threads: 1}\n"
                 "  - {name: all2, cpus: \"0-1\", threads: 2}");
  RunFiles::edit(files.run(), "{kind: random}", "{kind: static, configuration: {mapping: all2}}");
  const auto output = files.folder.path() / "out";
  Process process(
      {kProgram, "run", files.run().string(), "--duration", "0.5", "--output", output.string()});
  DOCTEST_REQUIRE(process.wait() == 0);
  std::ifstream trace(output / "trace.csv");
  std::string line;
  std::getline(trace, line);
  int rows = 0;
  for (; std::getline(trace, line); ++rows) {
    // Asked for, and granted.
    const auto asked = line.find(",all2,");
    DOCTEST_REQUIRE(asked != std::string::npos);
    DOCTEST_CHECK(line.find(",all2,", asked + 1) != std::string::npos);
  }
  DOCTEST_CHECK(rows > 5);
}

DOCTEST_TEST_CASE("a place that a run cannot have was left out without a word") {
  const RunFiles files;
  RunFiles::edit(files.board(), "cpus: \"0\"", "cpus: \"0,900\"");
  RunFiles::edit(files.board(), "{name: cpu0, cpus: \"0\", threads: 1}",
                 "{name: cpu0, cpus: \"0\", threads: 1}\n"
                 "  - {name: far, cpus: \"900\", threads: 1}\n"
                 "  - {name: gpu, cpus: \"0\", device: gpu}");
  Process process({kProgram, "run", files.run().string(), "--dry-run"});
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CAPTURE(process.errors());
  DOCTEST_CHECK(process.errors().find("the CPUs 900 of the place far are offline") !=
                std::string::npos);
  DOCTEST_CHECK(process.errors().find("place gpu: is on the gpu") != std::string::npos);
}

/// The program beside modules of which the one for GPUs is made up.
std::string program_with_gpu(const TemporaryFolder& folder) {
  namespace fs = std::filesystem;
  fs::create_directories(folder.path() / "bin");
  fs::create_directories(folder.path() / "lib/rein");
  const auto program = folder.path() / "bin/rein";
  fs::copy_file(kProgram, program);
  for (const auto& module :
       fs::directory_iterator(fs::path(kProgram).parent_path().parent_path() / "lib/rein")) {
    if (module.path().filename() != "rein-gpu.so") {
      fs::create_symlink(module.path(), folder.path() / "lib/rein" / module.path().filename());
    }
  }
  fs::create_symlink(REIN_FAKE_GPU, folder.path() / "lib/rein/rein-gpu.so");
  return program.string();
}

DOCTEST_TEST_CASE("a run serves on the GPU until that is lost, and goes on without it") {
  const TemporaryFolder folder;
  const std::string program = program_with_gpu(folder);
  const RunFiles files;
  RunFiles::edit(files.board(), "{name: cpu0, cpus: \"0\", threads: 1}",
                 "{name: cpu0, cpus: \"0\", threads: 1}\n"
                 "  - {name: gpu, cpus: \"0\", device: gpu}");
  RunFiles::edit(files.run(), "{kind: random}", "{kind: static, configuration: {mapping: gpu}}");
  const auto labels = [&](const std::filesystem::path& output) {
    std::map<std::string, int> periods;
    const CsvTable trace = parse_csv(read_file(output / "trace.csv"), "trace.csv");
    const auto column =
        std::ranges::find(trace.columns, "granted.mapping.app") - trace.columns.begin();
    for (const auto& row : trace.rows) {
      ++periods[row.cells.at(static_cast<std::size_t>(column))];
    }
    return periods;
  };
  const auto run = [&](const std::string& name) {
    const auto output = files.folder.path() / name;
    Process process(
        {program, "run", files.run().string(), "--duration", "0.6", "--output", output.string()});
    DOCTEST_CHECK(process.wait() == 0);
    const auto machine = nlohmann::json::parse(read_file(output / "machine.json"));
    DOCTEST_CHECK(machine["engine"].get<std::string>().ends_with("; made up on the GPU, f32"));
    return std::pair(labels(output), process.errors());
  };

  const auto [whole, quiet] = run("whole");
  DOCTEST_CHECK(whole.size() == 1);
  DOCTEST_CHECK(whole.count("gpu") == 1);
  DOCTEST_CHECK(quiet.find("left out") == std::string::npos);

  setenv("FAKE_GPU_LOST_AFTER", "10", 1);
  const auto [broken, told] = run("broken");
  unsetenv("FAKE_GPU_LOST_AFTER");
  DOCTEST_CHECK(broken.at("gpu") > 0);
  DOCTEST_CHECK(broken.at("cpu0") > 0);
  const std::string& errors = told;  // Clang 14 captures no structured binding.
  DOCTEST_CAPTURE(errors);
  const std::string line =
      "mapping.app gpu: the gpu can no longer be used: made up: the device has "
      "fallen off the bus; left out, the CPU goes on";
  const auto at = told.find(line);
  DOCTEST_REQUIRE(at != std::string::npos);
  DOCTEST_CHECK(told.find(line, at + 1) == std::string::npos);
}

DOCTEST_TEST_CASE("a dry run says what would be run, and leaves nothing behind") {
  const RunFiles files;
  Process process({kProgram, "run", files.run().string(), "--dry-run"});
  const pid_t rein = process.pid();
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CHECK_FALSE(leaves_a_control_group(rein));
  DOCTEST_CHECK(process.output().find("width.app") != std::string::npos);
  DOCTEST_CHECK(process.output().find("sleep 1000") != std::string::npos);
}

DOCTEST_TEST_CASE("mistakes in files end with status 3 and one line") {
  for (const auto file : {&RunFiles::run, &RunFiles::board, &RunFiles::scenario}) {
    const RunFiles files;
    const auto path = (files.*file)();
    write_file(path, read_file(path) + "typo: 1\n");
    Process process({kProgram, "run", files.run().string()});
    DOCTEST_CHECK(process.wait() == 3);
    const std::string errors = process.errors();
    DOCTEST_CAPTURE(errors);
    DOCTEST_CHECK(errors.starts_with("rein: " + path.string() + ":"));
    DOCTEST_CHECK(errors.find("found the unknown key 'typo'") != std::string::npos);
    DOCTEST_CHECK(errors.find('\n') == errors.size() - 1);
  }
}

DOCTEST_TEST_CASE("mistakes on the command line end with status 2, help with 0") {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{kProgram},
                                             {kProgram, "fly"},
                                             {kProgram, "run"},
                                             {kProgram, "run", "x.yaml", "--duration", "-1"},
                                             {kProgram, "run", "x.yaml", "--seed", "-1"}}) {
    Process process(arguments);
    DOCTEST_CHECK(process.wait() == 2);
    DOCTEST_CHECK_FALSE(process.errors().empty());
  }
  for (const std::string verb : {"probe", "run", "evaluate", "restore", "report", "network"}) {
    Process process({kProgram, verb, "--help"});
    DOCTEST_CHECK(process.wait() == 0);
    DOCTEST_CHECK(process.output().find("Usage:") != std::string::npos);
  }
}

}  // namespace
}  // namespace rein
