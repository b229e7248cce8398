// Kills a process that manages a machine at random moments, from its first call on, and compares
// every attribute afterwards. The machine is a temporary tree; what ends the process is real.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "platform/fake_calls.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/giving_back/machine_lock.hpp"
#include "platform/linux_platform.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

constexpr int kKills = 200;
const std::string kState = "/var/lib/rein/state";

/// Two clusters, one with `userspace` and one without, a GPU, a memory clock, CPUs that a place
/// takes offline, a sensor that must be switched on, control groups of version 2.
struct Machine {
  Machine() {
    board = Board::from_yaml(ConfigNode::parse(
        "name: x\n"
        "cpus: \"0-3\"\n"
        "domains:\n"
        "  - {name: little, policy: policy0, cpus: \"0-1\"}\n"
        "  - {name: big, policy: policy2, cpus: \"2-3\"}\n"
        "  - {name: gpu, devfreq: \"/sys/devices/gpu.0/devfreq/*\"}\n"
        "  - {name: memory, bpmp: /sys/kernel/debug/bpmp/debug/clk/emc, opps_mhz: [204, 1600]}\n"
        "places:\n"
        "  - {name: little2, cpus: \"0-1\", offline: \"2-3\"}\n"
        "  - {name: big2, cpus: \"2-3\", offline: \"1\"}\n"
        "  - {name: all4, cpus: \"0-3\"}\n"
        "sensors:\n"
        "  - {signal: power_w.A15, path: /sys/ina/sensor_W, enable: /sys/ina/enable}\n"
        "bandwidth: {levels_cpus: [0.5, 1, 4]}\n",
        "b.yaml"));
    const std::string cpus = "/sys/devices/system/cpu";
    tree.write(cpus + "/online", "0-3\n");
    for (const char* cpu : {"1", "2", "3"}) {
      tree.write(cpus + "/cpu" + cpu + "/online", "1\n");
    }
    for (const char* policy : {"policy0", "policy2"}) {
      const std::string folder = cpus + "/cpufreq/" + policy;
      tree.write(folder + "/scaling_available_frequencies", "200000 600000 1400000 \n");
      tree.write(folder + "/scaling_governor", "schedutil\n");
      tree.write(folder + "/scaling_setspeed", "<unsupported>\n");
      tree.write(folder + "/scaling_min_freq", "200000\n");
      tree.write(folder + "/scaling_max_freq", "1400000\n");
      tree.write(folder + "/scaling_cur_freq", "600000\n");
    }
    tree.write(cpus + "/cpufreq/policy0/scaling_available_governors", "schedutil userspace \n");
    tree.write(cpus + "/cpufreq/policy2/scaling_available_governors", "schedutil performance \n");
    const std::string gpu = "/sys/devices/gpu.0/devfreq/57000000.gpu";
    tree.write(gpu + "/available_frequencies", "76800000 921600000\n");
    tree.write(gpu + "/available_governors", "nvhost_podgov\n");
    tree.write(gpu + "/governor", "nvhost_podgov\n");
    tree.write(gpu + "/min_freq", "76800000\n");
    tree.write(gpu + "/max_freq", "921600000\n");
    tree.write(gpu + "/cur_freq", "76800000\n");
    const std::string emc = "/sys/kernel/debug/bpmp/debug/clk/emc";
    tree.write(emc + "/mrq_rate_locked", "0\n");
    tree.write(emc + "/rate", "204000000\n");
    tree.write("/sys/ina/enable", "0\n");
    tree.write("/sys/ina/sensor_W", "1.5\n");
    tree.write("/proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    tree.write("/proc/self/cgroup", "0::/\n");
    tree.write("/proc/self/task/100/schedstat", "0 0 0\n");
    tree.write("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
    tree.write("/sys/fs/cgroup/cgroup.subtree_control", "cpu\n");
    tree.write("/sys/fs/cgroup/cgroup.procs", "100\n");
    calls.online = {0, 1, 2, 3};
    calls.home = tree.root().resolve("/sys/fs/cgroup");
    calls.group_files = {{"cgroup.procs", ""}, {"cpu.max", "max 100000\n"}};
    calls.refused_types = {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE};
  }

  /// Every file of the kernel's, without white space at its end. What `scaling_setspeed` says
  /// without its governor is the kernel's business.
  std::map<std::string, std::string> attributes() const {
    std::map<std::string, std::string> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.path() / "sys")) {
      if (entry.is_regular_file() && entry.path().filename() != "scaling_setspeed") {
        const auto path = "/" + entry.path().lexically_relative(tree.path()).string();
        result[path] = tree.root().read(path);
      }
    }
    return result;
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  Board board;
};

/// Applies random configurations until it is killed, with an end and a new beginning now and then.
/// A byte goes to `started` when something has been changed.
[[noreturn]] void manage(Machine& machine, std::uint64_t seed, int started) {
  Random random(seed);
  const SysfsRoot root(machine.tree.path(), machine.calls);
  const SteadyClock clock;
  while (true) {
    ControlGuard guard(root, nullptr, ControlGuard::Reach::kMachine);
    LinuxPlatform platform(machine.board, root, clock, guard, {});
    for (std::uint64_t steps = random.index(20); steps > 0; --steps) {
      Configuration configuration;
      for (const auto& control : platform.controls()) {
        configuration.push_back(random.index(control.levels.size()));
      }
      platform.apply(configuration);
      [[maybe_unused]] const ssize_t ignored = write(started, "s", 1);  // It may be full.
      platform.sample();
    }
  }
}

/// Settings that a state file says are to be put back.
std::ptrdiff_t num_noted(const test::TemporaryTree& tree) {
  const std::string text = tree.exists(kState) ? tree.read(kState) : "";
  return std::max<std::ptrdiff_t>(std::ranges::count(text, '\n') - 1, 0);
}

}  // namespace

DOCTEST_TEST_CASE("200 kills at random moments leave every attribute as it was") {
  Machine machine;
  const auto before = machine.attributes();
  Random random(1);
  const SteadyClock clock;
  Duration worst{};
  for (int kill_number = 0; kill_number < kKills; ++kill_number) {
    // Every other one when it is under way, the others perhaps before it has begun.
    const bool under_way = kill_number % 2 == 0;
    const auto delay = std::chrono::microseconds(random.index(under_way ? 5'000 : 20'000));
    std::array<int, 2> ends{};
    DOCTEST_REQUIRE(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const pid_t child = fork();
    if (child == 0) {
      if (freopen("/dev/null", "w", stderr) == nullptr) {
        _exit(1);
      }
      manage(machine, static_cast<std::uint64_t>(kill_number), ends[1]);
    }
    close(ends[1]);
    if (under_way) {
      pollfd started{ends[0], POLLIN, 0};
      DOCTEST_REQUIRE(poll(&started, 1, -1) == 1);
    }
    std::this_thread::sleep_for(delay);
    const TimePoint killed = clock.now();
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    DOCTEST_REQUIRE(WIFSIGNALED(status));
    close(ends[0]);
    {
      const MachineLock after_the_guardian(machine.tree.root());
      worst = std::max(worst, clock.now() - killed);
    }
    DOCTEST_REQUIRE(num_noted(machine.tree) == 0);
    const auto now = machine.attributes();
    DOCTEST_CAPTURE(kill_number);
    DOCTEST_CAPTURE(delay.count());
    for (const auto& each : before) {
      const auto& [path, text] = each;
      DOCTEST_CAPTURE(each.first);
      DOCTEST_REQUIRE(now.contains(path));
      DOCTEST_REQUIRE(now.at(path) == text);
    }
    for (const auto& each : now) {
      const auto& [path, text] = each;
      DOCTEST_CAPTURE(each.first);
      DOCTEST_REQUIRE(before.contains(path));
    }
  }
  DOCTEST_MESSAGE("given back within " << to_milliseconds(worst) << " ms of each kill");
}

}  // namespace rein
