#include "platform/probe/overhead.hpp"

#include <fmt/format.h>

#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "platform/linux_platform.hpp"

namespace rein {

namespace {

constexpr double kPeriodsHz = 10.0;

class CountingCalls final : public SystemCalls {
 public:
  std::uint64_t count = 0;

  int open_file(const char* path, int flags) override {
    ++count;
    return SystemCalls::open_file(path, flags);
  }
  ssize_t read_file(int descriptor, std::span<char> buffer, off_t offset) override {
    ++count;
    return SystemCalls::read_file(descriptor, buffer, offset);
  }
  ssize_t write_file(int descriptor, std::string_view text) override {
    ++count;
    return SystemCalls::write_file(descriptor, text);
  }
  void close_file(int descriptor) override {
    ++count;
    SystemCalls::close_file(descriptor);
  }
  int set_affinity(int thread, std::span<const int> cpus) override {
    ++count;
    return SystemCalls::set_affinity(thread, cpus);
  }
  std::optional<CpuList> affinity(int thread) override {
    ++count;
    return SystemCalls::affinity(thread);
  }
  bool read_counters(int descriptor, std::span<std::uint64_t> numbers) override {
    ++count;
    return SystemCalls::read_counters(descriptor, numbers);
  }
};

double cpu_time_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

/// Measures one thing after the other, until it is told to stop.
class Stopwatch {
 public:
  Stopwatch(const CountingCalls& calls, const Clock& clock, const OverheadOptions& options)
      : calls_(calls), clock_(clock), options_(options) {}

  Overhead::Cost operator()(const std::function<void(std::uint64_t round)>& work) {
    const TimePoint begin = clock_.now();
    const std::uint64_t calls_before = calls_.count;
    const double before_us = cpu_time_us();
    std::uint64_t round = 0;
    do {
      if (stopped_ = stopped_ || options_.stop(); stopped_) {
        return {};
      }
      work(round);
      options_.progress(done_ + ++round);
    } while (round < options_.rounds && clock_.now() - begin < options_.time);
    done_ += options_.rounds;
    const auto divisor = static_cast<double>(round);
    return {.time_us = (cpu_time_us() - before_us) / divisor,
            .num_calls = static_cast<double>(calls_.count - calls_before) / divisor};
  }
  bool stopped() const { return stopped_; }

 private:
  const CountingCalls& calls_;
  const Clock& clock_;
  const OverheadOptions& options_;
  std::uint64_t done_ = 0;
  bool stopped_ = false;
};

}  // namespace

std::optional<Overhead> measure_overhead(const Board& board, const std::filesystem::path& root_path,
                                         const Clock& clock, const OverheadOptions& options) {
  CountingCalls calls;
  const SysfsRoot root(root_path, calls);
  ControlGuard guard(root, options.report, ControlGuard::Reach::kMachine);
  LinuxPlatformOptions wanted;
  if (!root.is_where_we_run()) {
    wanted.applications.clear();
  }
  // What a sensor does may depend on how long ago the sample before was.
  ManualClock periods;
  LinuxPlatform platform(board, root, periods, guard, wanted);

  Configuration first;
  Configuration last;
  for (const auto& control : platform.controls()) {
    first.push_back(0);
    last.push_back(control.levels.size() - 1);
  }
  platform.sample();
  platform.apply(first);
  platform.grants();  // Files are open from here on.
  Overhead overhead{.num_signals = platform.signals().size(),
                    .num_controls = platform.controls().size()};
  Stopwatch measure(calls, clock, options);
  overhead.sample = measure([&](std::uint64_t) {
    periods.advance(from_seconds(1.0 / kPeriodsHz));
    platform.sample();
  });
  overhead.apply_same = measure([&](std::uint64_t) { platform.apply(first); });
  overhead.read_back = measure([&](std::uint64_t) { platform.grants(); });
  overhead.apply = measure([&](std::uint64_t round) {
    for (const auto& grant : platform.apply(round % 2 == 0 ? last : first)) {
      if (grant.refused) {
        throw Error(platform.new_troubles().back());
      }
    }
  });
  return measure.stopped() ? std::nullopt : std::optional(overhead);
}

std::string to_table(const Overhead& overhead) {
  const auto line = [](const char* what, const Overhead::Cost& cost, const std::string& remark) {
    return fmt::format("{:<10}{:>9.1f} us{:>8.1f} system calls   {}\n", what, cost.time_us,
                       cost.num_calls, remark);
  };
  return line("sample", overhead.sample, fmt::format("{} signals", overhead.num_signals)) +
         line("apply", overhead.apply,
              fmt::format("each of {} controls changes", overhead.num_controls)) +
         line("apply", overhead.apply_same, "nothing changes") +
         line("read back", overhead.read_back, "what is in force") +
         fmt::format("{:<10}{:>9.1f} us   {:.4f} % of a core at {:.0f} periods a second\n",
                     "period", overhead.period_us(), 100.0 * overhead.core_share(kPeriodsHz),
                     kPeriodsHz);
}

std::string to_json(const Overhead& overhead) {
  const auto cost = [](const Overhead::Cost& each) {
    return nlohmann::ordered_json{{"time_us", each.time_us}, {"system_calls", each.num_calls}};
  };
  const nlohmann::ordered_json document{{"signals", overhead.num_signals},
                                        {"controls", overhead.num_controls},
                                        {"sample", cost(overhead.sample)},
                                        {"apply", cost(overhead.apply)},
                                        {"apply_same", cost(overhead.apply_same)},
                                        {"read_back", cost(overhead.read_back)},
                                        {"period_us", overhead.period_us()},
                                        {"periods_hz", kPeriodsHz},
                                        {"core_share", overhead.core_share(kPeriodsHz)}};
  return document.dump(2) + "\n";
}

}  // namespace rein
