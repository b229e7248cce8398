// Runs in the guest of run.sh, as root on the kernel's own drivers, and does to that machine what
// no other test may: unplugs CPUs, sets the date, kills in the middle.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "common/error.hpp"
#include "common/files.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/linux_platform.hpp"

namespace rein {

namespace {

using namespace std::chrono_literals;

const std::string kCpus = "/sys/devices/system/cpu";
const std::string kGroups = "/sys/fs/cgroup";
const std::string kPolicy = kCpus + "/cpufreq/policy0";
// The kernel does some things after a write has returned, and an emulated machine on a busy one is
// slow: these are patience, not claims. What is claimed is printed.
constexpr auto kSoon = 5000ms;
constexpr auto kLate = 20000ms;
const std::vector<double> kOppsMhz{800.0, 1400.0, 2000.0};  ///< As in ssdt.asl.

std::string read(const std::string& path) {
  return SysfsRoot().try_read(path).value_or("cannot be read");
}

void write(const std::string& path, const std::string& value) { SysfsRoot().write(path, value); }

/// Calls `visit` with each file and folder below a folder. Folders may vanish meanwhile.
void visit_below(const std::string& folder,
                 const std::function<void(const std::string& path, const struct stat&)>& visit) {
  std::error_code error;
  const auto end = std::filesystem::recursive_directory_iterator();
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, error);
       !error && entry != end; entry.increment(error)) {
    struct stat status {};
    if (lstat(entry->path().c_str(), &status) == 0) {
      visit(entry->path(), status);
    }
  }
}

/// All that anybody could set of this machine's CPUs and control groups.
std::map<std::string, std::string> settings() {
  std::map<std::string, std::string> found;
  visit_below(kCpus, [&found](const std::string& path, const struct stat& status) {
    if (S_ISREG(status.st_mode) && (status.st_mode & S_IWUSR) != 0) {
      found[path] = read(path);
    }
  });
  visit_below(kGroups, [&found](const std::string& path, const struct stat& status) {
    if (S_ISDIR(status.st_mode)) {
      found[path] = "";
    } else if (path.ends_with("/cgroup.subtree_control") || path.ends_with("/cpu.max")) {
      found[path] = read(path);
    }
  });
  return found;
}

/// What differs, a line each; empty if nothing does.
std::string changes(const std::map<std::string, std::string>& before,
                    const std::map<std::string, std::string>& now) {
  std::string lines;
  for (const auto& [path, value] : before) {
    if (const auto other = now.find(path); other == now.end()) {
      lines += fmt::format("{} is gone\n", path);
    } else if (other->second != value) {
      lines += fmt::format("{}: was '{}', is '{}'\n", path, value, other->second);
    }
  }
  for (const auto& [path, value] : now) {
    if (!before.contains(path)) {
      lines += fmt::format("{} is new\n", path);
    }
  }
  return lines;
}

template <typename Condition>
bool within(std::chrono::milliseconds time, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      return condition();
    }
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Remembers how the machine is, when nobody is at it any more. Puts it back by hand in the end, so
/// that one test's failure is not all the others'.
class Unchanged {
 public:
  Unchanged() {
    DOCTEST_REQUIRE(within(kLate, [] { return guardians().empty(); }));
    before_ = settings();
  }

  bool within_time(std::chrono::milliseconds time) const {
    const bool same = within(time, [this] { return changes(before_, settings()).empty(); });
    if (!same) {
      DOCTEST_MESSAGE(changes(before_, settings()));
    }
    return same;
  }
  ~Unchanged() {
    within(kLate, [this] {
      for (const auto& [path, value] : before_) {
        if (SysfsRoot().exists(path) && read(path) != value) {
          try {
            write(path, value);
          } catch (const Error&) {
            // Perhaps when the others are back.
          }
        }
      }
      return changes(before_, settings()).empty();
    });
  }
  Unchanged(const Unchanged&) = delete;
  Unchanged& operator=(const Unchanged&) = delete;

  static std::vector<pid_t> guardians() {
    std::vector<pid_t> found;
    for (const auto& name : SysfsRoot().list("/proc")) {
      if (read("/proc/" + name + "/comm") == "rein-guardian" &&
          read("/proc/" + name + "/stat").find(") Z ") == std::string::npos) {
        found.push_back(std::stoi(name));
      }
    }
    return found;
  }

 private:
  std::map<std::string, std::string> before_;
};

/// A process that runs `body`, which calls its argument when it is where the test wants it.
class Child {
 public:
  using Ready = std::function<void()>;

  explicit Child(const std::function<void(const Ready& ready)>& body) {
    int ends[2];
    DOCTEST_REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      try {
        body([&ends] { std::ignore = ::write(ends[1], "r", 1); });
        _exit(0);
      } catch (const std::exception& error) {
        fmt::print(stderr, "child: {}\n", error.what());
      }
      _exit(1);
    }
    close(ends[1]);
    ready_ = ends[0];
  }
  ~Child() {
    end(SIGKILL);
    close(ready_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool wait_until_ready() const {
    char byte = 0;
    return ::read(ready_, &byte, 1) == 1;
  }
  /// Sends a signal (0: none) and waits. @return as waitpid() has it.
  int end(int signal) {
    int status = -1;
    if (pid_ > 0) {
      kill(pid_, signal);
      waitpid(pid_, &status, 0);
      pid_ = -1;
    }
    return status;
  }

 private:
  pid_t pid_ = -1;
  int ready_ = -1;
};

Board detected_board() { return Board::detect(SysfsRoot()); }

/// With a place where CPU 1 is unplugged, beside those found.
Board board_with_unplugged_place() {
  Board board = detected_board();
  board.places.push_back(
      {.name = "alone", .device = "cpu", .cpus = {0}, .threads = 1, .offline = {1}});
  return board;
}

/// As a board file may have it: alike policies that are set apart all the same.
Board board_with_domains_apart() {
  Board board = board_with_unplugged_place();
  const auto points = board.domains.at(0).opps_mhz;
  board.domains.clear();
  for (const int cpu : {0, 1}) {
    const std::string policy = fmt::format("policy{}", cpu);
    board.domains.push_back({.name = policy, .paths = {policy}, .cpus = {cpu}, .opps_mhz = points});
  }
  return board;
}

/// A run on this machine, with its controls by name. What a run before left is put back first.
struct Machine {
  explicit Machine(Board (*make_board)() = detected_board)
      : guard(
            SysfsRoot(), [this](const std::string& line) { reports += line + "\n"; },
            ControlGuard::Reach::kMachine),
        said_at_start(std::exchange(reports, "")),
        board(make_board()),
        platform(board, SysfsRoot(), clock, guard, {}),
        levels(platform.controls().size()) {}
  ~Machine() {
    guard.restore();
    DOCTEST_CHECK(reports == "");
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Indices of the controls of a kind.
  std::vector<std::size_t> controls(Control::Kind kind) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < platform.controls().size(); ++i) {
      if (platform.controls()[i].kind == kind) {
        found.push_back(i);
      }
    }
    return found;
  }
  /// The place's level of the mapping.
  std::size_t place(const std::string& name) const {
    const auto& offered = platform.controls().at(controls(Control::Kind::kMapping).at(0)).levels;
    for (std::size_t level = 0; level < offered.size(); ++level) {
      if (offered[level].label == name) {
        return level;
      }
    }
    throw Error("no place " + name);
  }
  std::vector<Grant> apply() {
    platform.apply(levels);
    return platform.grants();
  }
  /// All domains to a level.
  std::vector<Grant> apply_frequency(std::size_t level) {
    for (const std::size_t control : controls(Control::Kind::kFrequency)) {
      levels[control] = level;
    }
    return apply();
  }
  std::vector<Grant> apply_place(const std::string& name) {
    levels[controls(Control::Kind::kMapping).at(0)] = place(name);
    return apply();
  }
  /// Whether applying the levels again soon says that a control has its own.
  bool is_granted(std::size_t control) {
    const double wanted = platform.controls()[control].levels[levels[control]].value;
    Grant grant;
    const bool granted = within(kSoon, [&] {
      grant = apply()[control];
      return !grant.refused && grant.level == levels[control] && grant.value == wanted;
    });
    if (!granted) {
      DOCTEST_MESSAGE(fmt::format("{}: level {} of {} wanted, found level {} of {}{}",
                                  platform.controls()[control].name, levels[control], wanted,
                                  grant.level, grant.value.value_or(0.0),
                                  grant.refused ? ", refused" : ""));
    }
    return granted;
  }
  Reading reading(const std::string& signal) {
    const Telemetry telemetry = platform.sample();
    for (std::size_t i = 0; i < platform.signals().size(); ++i) {
      if (platform.signals()[i].name == signal) {
        return telemetry.readings.at(i);
      }
    }
    throw Error("no signal " + signal);
  }

  std::string reports;
  ControlGuard guard;
  std::string said_at_start;  ///< What it said of the run before.
  SteadyClock clock;
  Board board;
  LinuxPlatform platform;
  Configuration levels;
};

/// Random configurations until it is killed, CPU 1 unplugged among them.
void change_all_the_time(std::mt19937::result_type seed, const Child::Ready& ready) {
  std::mt19937 random(seed);
  ready();
  Machine machine(board_with_unplugged_place);
  while (true) {
    for (std::size_t i = 0; i < machine.levels.size(); ++i) {
      machine.levels[i] = random() % machine.platform.controls()[i].levels.size();
    }
    machine.apply();
  }
}

/// What is written to a register of the ltc4215 that i2c-stub stands for.
void set_register(std::uint8_t command, std::uint8_t value) {
  const int bus = open("/dev/i2c-0", O_RDWR | O_CLOEXEC);
  DOCTEST_REQUIRE(bus >= 0);
  DOCTEST_REQUIRE(ioctl(bus, I2C_SLAVE_FORCE, 0x6f) == 0);
  i2c_smbus_data data{.byte = value};
  i2c_smbus_ioctl_data call{.read_write = I2C_SMBUS_WRITE,
                            .command = command,
                            .size = I2C_SMBUS_BYTE_DATA,
                            .data = &data};
  DOCTEST_CHECK(ioctl(bus, I2C_SMBUS, &call) == 0);
  close(bus);
  std::this_thread::sleep_for(250ms);  // The driver reads the chip at most every 100 ms.
}

/// Current through its 4 mOhm in steps of 151 uV, times voltage in steps of 60.25 mV; rounded as
/// the driver does.
double ltc4215_w(int current_steps, int voltage_steps) {
  return (current_steps * 151 / 4) * (voltage_steps * 482 * 125 / 1000) / 1e6;
}

void step_date(std::int64_t seconds) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += seconds;
  DOCTEST_REQUIRE(clock_settime(CLOCK_REALTIME, &now) == 0);
}

}  // namespace

DOCTEST_TEST_CASE("the three frequencies are found, and each is set and read back") {
  const Unchanged unchanged;
  {
    Machine machine;
    const auto domains = machine.controls(Control::Kind::kFrequency);
    DOCTEST_REQUIRE(domains.size() == machine.board.domains.size());
    DOCTEST_REQUIRE_FALSE(domains.empty());
    for (const std::size_t level : {0, 2, 1, 2, 0, 1}) {
      machine.apply_frequency(level);
      for (std::size_t d = 0; d < domains.size(); ++d) {
        DOCTEST_REQUIRE(machine.platform.controls()[domains[d]].levels.size() == kOppsMhz.size());
        DOCTEST_CHECK(machine.platform.controls()[domains[d]].levels[level].value ==
                      kOppsMhz[level]);
        DOCTEST_CHECK(machine.is_granted(domains[d]));
        const std::string signal = "frequency_mhz." + machine.board.domains[d].name;
        DOCTEST_CHECK(
            within(kSoon, [&] { return machine.reading(signal).value == kOppsMhz[level]; }));
        DOCTEST_CHECK(machine.reading(signal).valid);
      }
      DOCTEST_CHECK(within(kSoon, [&] {
        return read(kPolicy + "/scaling_cur_freq") == fmt::format("{:.0f}", kOppsMhz[level] * 1e3);
      }));
    }
  }
  DOCTEST_CHECK(unchanged.within_time(kSoon));
}

DOCTEST_TEST_SUITE("shared") {
  DOCTEST_TEST_CASE("CPUs that share a clock are one domain") {
    const Board board = Board::detect(SysfsRoot());
    DOCTEST_REQUIRE(board.domains.size() == 1);
    DOCTEST_CHECK(board.domains[0].cpus == CpuList{0, 1});
  }
}

DOCTEST_TEST_SUITE("apart") {
  DOCTEST_TEST_CASE("two domains are set apart from each other") {
    const Unchanged unchanged;
    {
      Machine machine(board_with_domains_apart);
      const auto domains = machine.controls(Control::Kind::kFrequency);
      DOCTEST_REQUIRE(domains.size() == 2);
      DOCTEST_CHECK(machine.board.domains[1].cpus == CpuList{1});
      for (const auto& [first, second] : {std::pair{0, 2}, {2, 0}, {1, 2}, {0, 0}}) {
        machine.levels[domains[0]] = first;
        machine.levels[domains[1]] = second;
        DOCTEST_CHECK(machine.is_granted(domains[0]));
        DOCTEST_CHECK(machine.is_granted(domains[1]));
      }
    }
    DOCTEST_CHECK(unchanged.within_time(kSoon));
  }

  DOCTEST_TEST_CASE("a domain whose CPU was away gets its frequency again when that comes back") {
    const Unchanged unchanged;
    {
      Machine machine(board_with_domains_apart);
      const auto domains = machine.controls(Control::Kind::kFrequency);
      DOCTEST_REQUIRE(domains.size() == 2);
      machine.levels[domains[1]] = 2;
      machine.apply_place("cpu1");
      DOCTEST_CHECK(machine.is_granted(domains[1]));
      machine.apply_place("alone");
      DOCTEST_CHECK(read(kCpus + "/cpu1/online") == "0");
      machine.apply_place("cpu1");
      DOCTEST_CHECK(read(kCpus + "/cpu1/online") == "1");
      DOCTEST_CHECK(machine.is_granted(domains[1]));
      DOCTEST_CHECK(within(
          2s, [] { return read(kCpus + "/cpufreq/policy1/scaling_cur_freq") == "2000000"; }));
    }
    DOCTEST_CHECK(unchanged.within_time(kSoon));
  }
}

DOCTEST_TEST_SUITE("with userspace") {
  DOCTEST_TEST_CASE("each governor comes back, and so does the speed that somebody had set") {
    const Unchanged unchanged;
    for (const char* governor :
         {"schedutil", "ondemand", "powersave", "performance", "userspace"}) {
      DOCTEST_CAPTURE(governor);
      write(kPolicy + "/scaling_governor", governor);
      if (governor == std::string("userspace")) {
        write(kPolicy + "/scaling_setspeed", "1400000");
      }
      const Unchanged by_us;
      {
        Machine machine;
        machine.apply_frequency(0);
        DOCTEST_CHECK(read(kPolicy + "/scaling_governor") == "userspace");
        DOCTEST_CHECK(read(kPolicy + "/scaling_setspeed") == "800000");
      }
      DOCTEST_CHECK(read(kPolicy + "/scaling_governor") == governor);
      DOCTEST_CHECK(by_us.within_time(kSoon));
    }
  }

  DOCTEST_TEST_CASE("what was tuned of a governor comes back with it") {
    const Unchanged unchanged;
    write(kPolicy + "/scaling_governor", "ondemand");
    const std::string threshold = kCpus + "/cpufreq/ondemand/up_threshold";
    write(threshold, "63");
    {
      Machine machine;
      machine.apply_frequency(1);
    }
    DOCTEST_CHECK(read(kPolicy + "/scaling_governor") == "ondemand");
    DOCTEST_CHECK(read(threshold) == "63");
  }
}

DOCTEST_TEST_SUITE("without userspace") {
  DOCTEST_TEST_CASE("the limits are drawn together") {
    const Unchanged unchanged;
    {
      Machine machine;
      for (const std::size_t level : {2, 0, 1, 0, 2}) {
        machine.apply_frequency(level);
        const std::string khz = fmt::format("{:.0f}", kOppsMhz[level] * 1e3);
        DOCTEST_CHECK(within(kSoon, [&] {
          return read(kPolicy + "/scaling_min_freq") == khz &&
                 read(kPolicy + "/scaling_max_freq") == khz;
        }));
      }
    }
    DOCTEST_CHECK(unchanged.within_time(kSoon));
  }
}

DOCTEST_TEST_CASE("limits that somebody had narrowed come back") {
  const Unchanged unchanged;
  for (const auto& each : std::vector<std::pair<std::string, std::string>>{
           {"800000", "1400000"}, {"1400000", "2000000"}, {"1400000", "1400000"}}) {
    const std::string min = each.first;
    const std::string max = each.second;
    DOCTEST_CAPTURE(min);
    DOCTEST_CAPTURE(max);
    write(kPolicy + "/scaling_min_freq", "800000");
    write(kPolicy + "/scaling_max_freq", max);
    write(kPolicy + "/scaling_min_freq", min);
    DOCTEST_REQUIRE(within(kSoon, [&] {
      return read(kPolicy + "/scaling_min_freq") == min &&
             read(kPolicy + "/scaling_max_freq") == max;
    }));
    const Unchanged by_us;
    {
      Machine machine;
      for (const std::size_t level : {0, 2, 1}) {
        machine.apply_frequency(level);
        std::this_thread::sleep_for(50ms);
        // Granted or not, what it says is what is in force.
        const Grant grant = machine.apply().at(machine.controls(Control::Kind::kFrequency).at(0));
        DOCTEST_CHECK(grant.value.value_or(0.0) == kOppsMhz[grant.level]);
        DOCTEST_CHECK(read(kPolicy + "/scaling_cur_freq") ==
                      fmt::format("{:.0f}", grant.value.value_or(0.0) * 1e3));
      }
    }
    DOCTEST_CHECK(by_us.within_time(kSoon));
  }
}

DOCTEST_TEST_CASE("a real power sensor is read, and follows what it measures") {
  constexpr std::uint8_t kCurrent = 4;
  constexpr std::uint8_t kVoltage = 6;
  set_register(kVoltage, 100);
  set_register(kCurrent, 40);
  Machine machine;
  DOCTEST_CHECK(machine.reading("power_w").value == doctest::Approx(ltc4215_w(40, 100)));
  DOCTEST_CHECK(machine.reading("power_w").valid);
  set_register(kCurrent, 200);
  DOCTEST_CHECK(machine.reading("power_w").value == doctest::Approx(ltc4215_w(200, 100)));
  // No machine that runs draws nothing.
  set_register(kVoltage, 0);
  DOCTEST_CHECK_FALSE(machine.reading("power_w").valid);
  set_register(kVoltage, 100);
  DOCTEST_CHECK(machine.reading("power_w").value == doctest::Approx(ltc4215_w(200, 100)));
}

DOCTEST_TEST_CASE("a power sensor that is taken away is a trouble, not a number") {
  const std::string device = "/sys/class/i2c-adapter/i2c-0";
  Machine machine;
  DOCTEST_CHECK(machine.reading("power_w").valid);
  machine.platform.new_troubles();
  write(device + "/delete_device", "0x6f");
  DOCTEST_CHECK_FALSE(machine.reading("power_w").valid);
  const auto troubles = machine.platform.new_troubles();
  DOCTEST_REQUIRE_FALSE(troubles.empty());
  DOCTEST_CHECK(troubles[0].find("power1_input") != std::string::npos);
  write(device + "/new_device", "ltc4215 0x6f");
}

DOCTEST_TEST_CASE("a place unplugs a CPU and plugs it in again, and frequencies stay in hand") {
  const Unchanged unchanged;
  {
    Machine machine(board_with_unplugged_place);
    const std::size_t domain = machine.controls(Control::Kind::kFrequency).at(0);
    for (int round = 0; round < 2; ++round) {
      machine.apply_place("alone");
      DOCTEST_CHECK(read(kCpus + "/online") == "0");
      for (const std::size_t level : {0, 2, 1}) {
        machine.levels[domain] = level;
        DOCTEST_CHECK(machine.is_granted(domain));
        machine.platform.sample();
      }
      machine.apply_place("cpu1");
      DOCTEST_CHECK(read(kCpus + "/online") == "0-1");
      DOCTEST_CHECK(sched_getcpu() == 1);
      machine.apply_frequency(2);
      DOCTEST_CHECK(machine.is_granted(domain));
    }
    machine.apply_place("alone");
  }
  DOCTEST_CHECK(unchanged.within_time(kSoon));
  cpu_set_t cpus;
  DOCTEST_REQUIRE(sched_getaffinity(0, sizeof(cpus), &cpus) == 0);
  DOCTEST_CHECK(CPU_COUNT(&cpus) == 2);
}

DOCTEST_TEST_CASE("a CPU that somebody else unplugs is survived") {
  const Unchanged unchanged;
  {
    Machine machine;
    const std::size_t domain = machine.controls(Control::Kind::kFrequency).at(0);
    machine.apply_place("cpu1");
    write(kCpus + "/cpu1/online", "0");
    for (const std::size_t level : {1, 2}) {
      machine.levels[domain] = level;
      DOCTEST_CHECK(machine.is_granted(domain));
      machine.platform.sample();
    }
    write(kCpus + "/cpu1/online", "1");
    const auto grants = machine.apply();  // The kernel has moved us; that is set right.
    DOCTEST_CHECK_FALSE(grants.at(machine.controls(Control::Kind::kMapping).at(0)).refused);
    DOCTEST_CHECK(sched_getcpu() == 1);
  }
  DOCTEST_CHECK(unchanged.within_time(kSoon));
}

DOCTEST_TEST_CASE("after a SIGKILL the guardian puts everything back") {
  const Unchanged unchanged;
  Child child([](const Child::Ready& ready) {
    Machine machine(board_with_unplugged_place);
    machine.apply_frequency(1);
    machine.apply_place("alone");
    ready();
    pause();
  });
  DOCTEST_REQUIRE(child.wait_until_ready());
  DOCTEST_CHECK(read(kCpus + "/online") == "0");
  DOCTEST_CHECK(read(kPolicy + "/scaling_cur_freq") == "1400000");
  DOCTEST_CHECK(Unchanged::guardians().size() == 1);
  const auto killed = std::chrono::steady_clock::now();
  DOCTEST_CHECK(WTERMSIG(child.end(SIGKILL)) == SIGKILL);
  DOCTEST_CHECK(unchanged.within_time(kSoon));
  DOCTEST_MESSAGE(fmt::format("given back within {} ms of the kill",
                              std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::steady_clock::now() - killed)
                                  .count()));
  DOCTEST_CHECK(within(kLate, [] { return Unchanged::guardians().empty(); }));
}

DOCTEST_TEST_CASE("a run that the out-of-memory killer ends is followed by its guardian") {
  const Unchanged unchanged;
  Child child([](const Child::Ready& ready) {
    std::ofstream("/proc/self/oom_score_adj") << 500;  // Rather than the tests.
    Machine machine(board_with_unplugged_place);
    machine.apply_frequency(1);
    machine.apply_place("alone");
    ready();
    constexpr std::size_t kStep = 16 << 20;
    for (std::vector<std::string> memory;;) {
      memory.emplace_back(kStep, 'x');
    }
  });
  DOCTEST_REQUIRE(child.wait_until_ready());
  const int status = child.end(0);
  DOCTEST_CHECK(WIFSIGNALED(status));
  DOCTEST_CHECK(WTERMSIG(status) == SIGKILL);
  DOCTEST_CHECK(unchanged.within_time(kSoon));
  DOCTEST_CHECK(within(kLate, [] { return Unchanged::guardians().empty(); }));
}

DOCTEST_TEST_CASE(
    "what a run and its guardian left when both were killed, the next run puts back") {
  const Unchanged unchanged;
  Child child([](const Child::Ready& ready) {
    Machine machine(board_with_unplugged_place);
    machine.apply_frequency(2);
    machine.apply_place("alone");
    ready();
    pause();
  });
  DOCTEST_REQUIRE(child.wait_until_ready());
  for (const pid_t guardian : Unchanged::guardians()) {
    kill(guardian, SIGKILL);
  }
  child.end(SIGKILL);
  DOCTEST_CHECK(read(kCpus + "/online") == "0");
  {
    Machine next;
    DOCTEST_CHECK(next.said_at_start.find("settings changed: put back") != std::string::npos);
    DOCTEST_CHECK(read(kCpus + "/online") == "0-1");
    next.apply_frequency(0);
  }
  DOCTEST_CHECK(unchanged.within_time(kSoon));
}

DOCTEST_TEST_CASE("a run whose guardian was killed still puts everything back") {
  const Unchanged unchanged;
  {
    Machine machine;
    machine.apply_frequency(0);
    for (const pid_t guardian : Unchanged::guardians()) {
      kill(guardian, SIGKILL);
    }
    machine.apply_frequency(1);
  }
  DOCTEST_CHECK(unchanged.within_time(kSoon));
}

DOCTEST_TEST_CASE("twenty kills at random moments leave every attribute as it was") {
  const Unchanged unchanged;
  std::mt19937 random(20);
  for (int round = 0; round < 20; ++round) {
    DOCTEST_CAPTURE(round);
    const std::mt19937::result_type seed = random();
    Child child([seed](const Child::Ready& ready) { change_all_the_time(seed, ready); });
    DOCTEST_REQUIRE(child.wait_until_ready());
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300'000));
    DOCTEST_CHECK(WTERMSIG(child.end(SIGKILL)) == SIGKILL);
    DOCTEST_CHECK(unchanged.within_time(kLate));
    DOCTEST_REQUIRE(within(kLate, [] { return Unchanged::guardians().empty(); }));
  }
}

DOCTEST_TEST_CASE(
    "ten kills of a run and its guardian leave nothing that the next run does not put back") {
  const Unchanged unchanged;
  std::mt19937 random(10);
  for (int round = 0; round < 10; ++round) {
    DOCTEST_CAPTURE(round);
    const auto seed = random();
    Child child([seed](const Child::Ready& ready) { change_all_the_time(seed, ready); });
    DOCTEST_REQUIRE(child.wait_until_ready());
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 300'000));
    child.end(SIGKILL);
    // Some in the middle of putting back.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2 * (random() % 30'000)));
    for (const pid_t guardian : Unchanged::guardians()) {
      kill(guardian, SIGKILL);
    }
    DOCTEST_CHECK_NOTHROW(Machine());
    DOCTEST_CHECK(unchanged.within_time(kSoon));
  }
}

DOCTEST_TEST_CASE("a run that was killed and is not yet reaped does not keep the next one out") {
  const Unchanged unchanged;
  Child child([](const Child::Ready& ready) {
    Machine machine;
    machine.apply_frequency(1);
    ready();
    pause();
  });
  DOCTEST_REQUIRE(child.wait_until_ready());
  kill(child.pid(), SIGKILL);
  siginfo_t ended{};
  DOCTEST_REQUIRE(waitid(P_PID, static_cast<id_t>(child.pid()), &ended, WEXITED | WNOWAIT) == 0);
  DOCTEST_CHECK_NOTHROW(Machine());
  DOCTEST_CHECK(unchanged.within_time(kSoon));
}

DOCTEST_TEST_CASE("a second run is refused and disturbs nothing") {
  const Unchanged unchanged;
  Child first([](const Child::Ready& ready) {
    Machine machine;
    machine.apply_frequency(1);
    ready();
    pause();
  });
  DOCTEST_REQUIRE(first.wait_until_ready());
  const auto during = settings();
  for (int attempt = 0; attempt < 12; ++attempt) {
    DOCTEST_CAPTURE(attempt);
    DOCTEST_CHECK_THROWS_WITH_AS(
        Machine(),
        fmt::format(
            "this machine is managed by another run, process {}: wait for its end, or end it",
            first.pid())
            .c_str(),
        Error);
  }
  DOCTEST_CHECK(changes(during, settings()) == "");
  first.end(SIGKILL);
  DOCTEST_CHECK(unchanged.within_time(kLate));
  DOCTEST_REQUIRE(within(kLate, [] { return Unchanged::guardians().empty(); }));
  Machine after;
}

DOCTEST_TEST_CASE("a date that is stepped does no harm to intervals") {
  Machine machine;
  auto begin = machine.clock.now();
  machine.platform.sample();
  for (const std::int64_t hours : {5, -9, 0, 48, -100, 56}) {
    step_date(hours * 3600);
    std::this_thread::sleep_for(50ms);
    const auto before = machine.clock.now();
    const Telemetry telemetry = machine.platform.sample();
    const auto after = machine.clock.now();
    DOCTEST_CAPTURE(hours);
    DOCTEST_CHECK(telemetry.interval >= 50ms);
    DOCTEST_CHECK(telemetry.interval <= after - begin);
    for (std::size_t i = 0; i < telemetry.readings.size(); ++i) {
      DOCTEST_CAPTURE(machine.platform.signals()[i].name);
      DOCTEST_CHECK(telemetry.readings[i].age <= after - begin);
      if (machine.platform.signals()[i].name.starts_with("cpu_others_share")) {
        DOCTEST_CHECK(telemetry.readings[i].value <= 1.0);
      }
    }
    begin = before;
  }
}

}  // namespace rein

int main(int argc, char** argv) {
  if (rein::read("/proc/cmdline").find("rein.guest") == std::string::npos) {
    fmt::print(stderr, "kernel_guest: runs in the guest of tests/kernel/run.sh only\n");
    return 2;
  }
  return doctest::Context(argc, argv).run();
}
