#include "platform/giving_back/given_cpus.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "platform/controls/placement.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/giving_back/machine_lock.hpp"
#include "platform/giving_back/restorable.hpp"
#include "platform/kernel/birth.hpp"
#include "support/other_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

CpuList cpus_of(pid_t thread) { return SystemCalls::kernel().affinity(thread).value_or(CpuList{}); }

/// A tree in which real processes are to be seen.
struct Machine {
  Machine() { tree.make_folder("/proc"); }
  void show(pid_t process) const {
    const std::string folder = fmt::format("/proc/{}", process);
    std::filesystem::create_directory_symlink(folder, tree.root().resolve(folder));
  }
  std::string path(const std::string& kernel_path) const {
    return tree.root().resolve(kernel_path).string();
  }
  /// As it would be noted now.
  std::string text(const std::string& folder, const CpuList& cpus) const {
    int error = 0;
    const auto birth = read_birth(SystemCalls::kernel(), path(folder + "/stat").c_str(), error);
    DOCTEST_REQUIRE(birth);
    return fmt::format("{} {}", birth->at, format_cpu_list(cpus));
  }

  test::TemporaryTree tree;
};

bool is_skipped(const CpuList& cpus) {
  if (cpus.size() < 2) {
    DOCTEST_MESSAGE("skipped: one CPU is no choice");
  }
  return cpus.size() < 2;
}

}  // namespace

DOCTEST_TEST_CASE("another program's CPUs stayed as a run that was killed had set them") {
  const CpuList cpus = cpus_of(getpid());
  if (is_skipped(cpus)) {
    return;
  }
  const CpuList first{cpus[0]};
  const CpuList second{cpus[1]};
  const Machine machine;
  test::OtherProcess other;
  const pid_t child = other.fork_child();
  SystemCalls::kernel().set_affinity(child, second);
  machine.show(other.pid());
  machine.show(child);
  int pipe[2];
  DOCTEST_REQUIRE(::pipe(pipe) == 0);
  const pid_t run = fork();
  if (run == 0) {
    ControlGuard guard(machine.tree.root(), nullptr, ControlGuard::Reach::kMachine);
    Placement placement(machine.tree.root(), "dnn", {{.name = "a", .cpus = first}}, guard,
                        Subject::process(other.pid()));
    placement.set(0);
    // What comes later has them from its parent.
    const pid_t later = other.fork_child();
    other.start_thread();
    machine.show(later);
    const bool moved =
        cpus_of(other.pid()) == first && cpus_of(child) == first && cpus_of(later) == first;
    const pid_t told = moved ? later : -1;
    _exit(write(pipe[1], &told, sizeof(told)) == sizeof(told) ? raise(SIGKILL) : 1);
  }
  waitpid(run, nullptr, 0);
  { const MachineLock guardian_has_finished(machine.tree.root()); }
  pid_t later = -1;
  DOCTEST_REQUIRE(read(pipe[0], &later, sizeof(later)) == sizeof(later));
  close(pipe[0]);
  close(pipe[1]);
  DOCTEST_REQUIRE(later > 0);
  DOCTEST_CHECK(cpus_of(child) == second);
  DOCTEST_CHECK(cpus_of(later) == cpus);
  for (const auto& entry :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", other.pid()))) {
    DOCTEST_CHECK(cpus_of(std::stoi(entry.path().filename().string())) == cpus);
  }
}

DOCTEST_TEST_CASE("a process or thread that has another's id is left alone") {
  const CpuList cpus = cpus_of(getpid());
  if (is_skipped(cpus)) {
    return;
  }
  const CpuList first{cpus[0]};
  const Machine machine;
  const SysfsRoot root = machine.tree.root();
  test::OtherProcess other;
  machine.show(other.pid());
  const std::string process = fmt::format("/proc/{}", other.pid());
  const std::string thread = fmt::format("{}/task/{}", process, other.pid());
  for (const auto& folder : {process, thread}) {
    const std::string text = machine.text(folder, first);
    DOCTEST_CHECK(give_back_cpus(root, machine.path(folder), "1" + text) == 0);
    DOCTEST_CHECK(cpus_of(other.pid()) == cpus);
    DOCTEST_CHECK(give_back_cpus(root, machine.path(folder), text) == 0);
    DOCTEST_CHECK(cpus_of(other.pid()) == first);
    DOCTEST_CHECK(give_back_cpus(root, machine.path(folder), machine.text(folder, cpus)) == 0);
    DOCTEST_CHECK(cpus_of(other.pid()) == cpus);
  }
  other.end();
  DOCTEST_CHECK(give_back_cpus(root, machine.path(process), "5 0") == 0);
}

DOCTEST_TEST_CASE("the threads of a control group and of those below it have their CPUs again") {
  const CpuList cpus = cpus_of(getpid());
  if (is_skipped(cpus)) {
    return;
  }
  const CpuList first{cpus[0]};
  const Machine machine;
  test::OtherProcess one;
  test::OtherProcess other;
  test::OtherProcess stranger;
  machine.tree.write("/sys/fs/cgroup/app/tasks", fmt::format("0\n{}\n", one.pid()));
  machine.tree.write("/sys/fs/cgroup/app/below/cgroup.threads", fmt::format("{}\n", other.pid()));
  machine.tree.write("/sys/fs/cgroup/tasks", fmt::format("{}\n", stranger.pid()));
  DOCTEST_CHECK(give_back_cpus(machine.tree.root(), machine.path("/sys/fs/cgroup/app"),
                               format_cpu_list(first)) == 0);
  DOCTEST_CHECK(cpus_of(one.pid()) == first);
  DOCTEST_CHECK(cpus_of(other.pid()) == first);
  DOCTEST_CHECK(cpus_of(stranger.pid()) == cpus);
  DOCTEST_CHECK(cpus_of(getpid()) == cpus);
}

DOCTEST_TEST_CASE("only what can be given back as CPUs is noted as such") {
  const Machine machine;
  machine.tree.make_folder("/sys/fs/cgroup/app");
  const RestorableFiles files(machine.tree.root());
  const auto holds = [&](const std::string& path, const std::string& text) {
    const std::string full = machine.path(path);
    return files.hold({.kind = Restoration::Kind::kCpus, .path = full, .text = text});
  };
  DOCTEST_CHECK(holds("/proc/12", "5 0-3,7"));
  DOCTEST_CHECK(holds("/proc/12/task/12", "5 8191"));
  DOCTEST_CHECK(holds("/sys/fs/cgroup/app", "0-3"));
  for (const char* path : {"/proc/12/task/13", "/proc/12/mem", "/proc/self", "/proc/0", "/proc/-1",
                           "/etc", "/proc/12/../13"}) {
    DOCTEST_CAPTURE(path);
    DOCTEST_CHECK_FALSE(holds(path, "5 0"));
    DOCTEST_CHECK_FALSE(holds(path, "0"));
  }
  for (const char* text : {"", "5", "5 ", "x 0", "5 0,", "5 3-1", "5 0-8192", "5 0-4000,0-8191",
                           "5 -1", "5 0 1", "99999999999999999999 0"}) {
    DOCTEST_CAPTURE(text);
    DOCTEST_CHECK_FALSE(holds("/proc/12", text));
  }
}

}  // namespace rein
