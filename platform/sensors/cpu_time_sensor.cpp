#include "platform/sensors/cpu_time_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

constexpr std::uint64_t kNsPerTick = 10'000'000;  ///< USER_HZ is 100 on all that Linux runs on.
constexpr std::size_t kThreadFileSize = 512;
constexpr std::size_t kListFileSize = 1024;
constexpr std::size_t kStatLineSize = 256;  ///< At most, of one CPU.

/// Takes the next word off the front; empty at the end.
std::string_view next_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

/// The fields of a thread's `stat` that stand behind its name, which may hold anything.
struct StatFields {
  std::uint64_t run_ticks = 0;
  int cpu = 0;
};

std::optional<StatFields> parse_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(name_end + 1);
  // As the manual page counts them: utime is 14, stime 15, processor 39.
  std::array<std::optional<std::uint64_t>, 3> numbers;
  for (int field = 3; field <= 39; ++field) {
    const std::string_view word = next_word(text);
    if (field == 14 || field == 15) {
      numbers[static_cast<std::size_t>(field) - 14] = parse_count(word);
    } else if (field == 39) {
      numbers[2] = parse_count(word);
    }
  }
  const auto& [user, system, cpu] = numbers;
  if (!user || !system || !cpu) {
    return std::nullopt;
  }
  return StatFields{.run_ticks = *user + *system, .cpu = static_cast<int>(*cpu)};
}

}  // namespace

CpuTimeSensor::CpuTimeSensor(const SysfsRoot& root, const CpuList& cpus, Subject subject)
    : root_(root),
      subject_(std::move(subject)),
      with_threads_(root.is_where_we_run()),
      // The lines of the CPUs come first; what follows may be long, and is not needed.
      stat_(root, "/proc/stat",
            kStatLineSize * static_cast<std::size_t>(cpus.empty() ? 1 : cpus.back() + 2)),
      online_(root, "/sys/devices/system/cpu/online", kListFileSize) {
  struct Kind {
    const char* name;
    std::string source;
    bool of_threads;
  };
  const std::array<Kind, 3> kinds{{
      {"cpu_ours_share", subject_.list_path() + (subject_.is_self() ? "/*/schedstat" : ""), true},
      {"cpu_others_share", "/proc/stat", true},
      {"cpu_steal_share", "/proc/stat", false},
  }};
  for (const auto& [name, source, of_threads] : kinds) {
    for (std::size_t i = 0; i < cpus.size() && (with_threads_ || !of_threads); ++i) {
      signals_.push_back(make_signal(name, fmt::format("cpu{}", cpus[i]), source));
    }
  }
  for (const int cpu : cpus) {
    cpus_.push_back({.number = cpu});
  }
}

std::optional<CpuTimeSensor::Ticks> CpuTimeSensor::parse_ticks(std::string_view numbers) {
  // user nice system idle iowait irq softirq steal; guests' time is in user's already.
  std::array<std::uint64_t, 8> times{};
  for (auto& time : times) {
    const auto number = parse_count(next_word(numbers));
    if (!number) {
      return std::nullopt;
    }
    time = *number;
  }
  Ticks ticks;
  ticks.busy = times[0] + times[1] + times[2] + times[5] + times[6];
  ticks.steal = times[7];
  ticks.total = ticks.busy + ticks.steal + times[3] + times[4];
  return ticks;
}

CpuTimeSensor::Cpu* CpuTimeSensor::find_cpu(int number) {
  const auto found =
      std::lower_bound(cpus_.begin(), cpus_.end(), number,
                       [](const Cpu& cpu, int wanted) { return cpu.number < wanted; });
  return found != cpus_.end() && found->number == number ? &*found : nullptr;
}

void CpuTimeSensor::read_ticks() {
  online_now_.reset();
  for (auto& cpu : cpus_) {
    cpu.last = std::exchange(cpu.now, std::nullopt);
    cpu.problem.clear();
  }
  const auto all = stat_.read();
  std::string_view text = all.value_or("");
  while (text.starts_with("cpu")) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view whole = line;
    const auto number = parse_count(next_word(line).substr(3));
    Cpu* const cpu = number ? find_cpu(static_cast<int>(*number)) : nullptr;
    if (cpu != nullptr) {
      cpu->now = parse_ticks(line);
      if (!cpu->now) {
        cpu->problem =
            fmt::format("{}: expected 8 times of cpu{}, found '{}'", stat_.path(), *number, whole);
      }
    }
  }
  for (auto& cpu : cpus_) {
    if (!cpu.now && !all) {
      cpu.problem = stat_.problem();
    }
  }
}

bool CpuTimeSensor::is_offline(int number) {
  if (!online_now_) {
    try {
      online_now_ = parse_cpu_list(std::string(online_.read().value_or("")));
    } catch (const Error&) {
      online_now_ = CpuList{};
    }
  }
  return !online_now_->empty() &&
         !std::binary_search(online_now_->begin(), online_now_->end(), number);
}

void CpuTimeSensor::advance_share(Cpu& cpu) {
  cpu.share.reset();
  if (!cpu.now) {
    if (cpu.problem.empty() && is_offline(cpu.number)) {
      cpu.share = Share{};
    } else if (cpu.problem.empty()) {
      cpu.problem =
          fmt::format("{}: expected a line of cpu{}, found none", stat_.path(), cpu.number);
    }
    return;
  }
  if (!cpu.last) {
    return;
  }
  const Ticks& now = *cpu.now;
  const Ticks& last = *cpu.last;
  if (now.total < last.total || now.busy < last.busy || now.steal < last.steal) {
    cpu.problem = fmt::format("{}: the times of cpu{} went backwards", stat_.path(), cpu.number);
    return;
  }
  if (now.total == last.total) {
    return;
  }
  const auto total = static_cast<double>(now.total - last.total);
  cpu.share = {
      .busy = std::min(static_cast<double>(now.busy - last.busy) / total, 1.0),
      .steal = std::min(static_cast<double>(now.steal - last.steal) / total, 1.0),
  };
}

std::optional<CpuTimeSensor::ThreadTime> CpuTimeSensor::read_thread(Thread& thread) {
  std::string_view schedstat = thread.schedstat.read().value_or("");
  const auto run_ns = parse_count(next_word(schedstat));
  if (run_ns == thread.run_ns && thread.cpu >= 0) {
    // It did not run, so it is where it was: its `stat`, which costs more, is not needed.
    return ThreadTime{.run_ns = thread.run_ns, .cpu = thread.cpu};
  }
  const auto fields = parse_stat(thread.stat.read().value_or(""));
  if (!run_ns && !fields) {
    return std::nullopt;
  }
  return ThreadTime{.run_ns = run_ns.value_or(fields ? fields->run_ticks * kNsPerTick : 0),
                    .cpu = fields ? fields->cpu : thread.cpu};
}

bool CpuTimeSensor::advance_ours(const SampleContext& context) {
  // Others may have none for a while, or not any more.
  const bool is_known = !subject_.is_self() || !context.threads.empty();
  const bool has_before = std::exchange(has_before_, is_known);
  for (auto& cpu : cpus_) {
    cpu.ours_s = 0.0;
  }
  elsewhere_s_ = 0.0;
  std::erase_if(threads_, [&context](const auto& entry) {
    return !std::binary_search(context.threads.begin(), context.threads.end(), entry.first);
  });
  for (const int id : context.threads) {
    auto found = threads_.find(id);
    if (found == threads_.end()) {
      const std::string folder = subject_.folder_of(id);
      found = threads_
                  .emplace(id, Thread{.schedstat = {root_, folder + "/schedstat", kThreadFileSize},
                                      .stat = {root_, folder + "/stat", kThreadFileSize}})
                  .first;
    }
    Thread& thread = found->second;
    const auto time = read_thread(thread);
    if (!time || time->run_ns < thread.run_ns) {
      // Gone, or another thread of the same id.
      threads_.erase(found);
      continue;
    }
    if (thread.cpu < 0 && !subject_.is_self() &&
        static_cast<double>(time->run_ns) / 1e9 > to_seconds(context.interval)) {
      // It was there before the sample before, but was not ours.
      thread.run_ns = time->run_ns;
    }
    thread.cpu = time->cpu;
    Cpu* const cpu = find_cpu(thread.cpu);
    // A thread that was not there before began with 0.
    (cpu != nullptr ? cpu->ours_s : elsewhere_s_) +=
        static_cast<double>(time->run_ns - thread.run_ns) / 1e9;
    thread.run_ns = time->run_ns;
  }
  return has_before && is_known && (!subject_.is_self() || !threads_.empty());
}

void CpuTimeSensor::sum_up(bool ours_known, double interval_s) {
  ours_cpus_ = {};
  busy_cpus_ = {};
  if (ours_known) {
    double sum_s = elsewhere_s_;
    for (const auto& cpu : cpus_) {
      sum_s += cpu.ours_s;
    }
    ours_cpus_.value = sum_s / interval_s;
  } else if (with_threads_ && subject_.is_self() && threads_.empty()) {
    ours_cpus_.problem =
        fmt::format("{}: lists no threads", root_.resolve(subject_.list_path()).string());
  }
  busy_cpus_.value = 0.0;
  for (const auto& cpu : cpus_) {
    if (!cpu.share) {
      busy_cpus_.value.reset();
      busy_cpus_.problem = cpu.problem;
      return;
    }
    *busy_cpus_.value += cpu.share->busy;
  }
}

void CpuTimeSensor::sample(const SampleContext& context, std::vector<Measurement>& measurements) {
  const bool has_interval = context.interval > Duration::zero();
  read_ticks();
  for (auto& cpu : cpus_) {
    advance_share(cpu);
    if (!has_interval) {
      cpu.share.reset();
    }
  }
  const bool ours_known = advance_ours(context) && has_interval;
  const double interval_s = to_seconds(context.interval);
  sum_up(ours_known, interval_s);

  if (with_threads_) {
    for (const auto& cpu : cpus_) {
      Measurement& ours = measurements.emplace_back();
      ours.problem = ours_cpus_.problem;
      if (ours_known) {
        ours.value = std::min(cpu.ours_s / interval_s, 1.0);
      }
    }
    for (const auto& cpu : cpus_) {
      Measurement& others = measurements.emplace_back();
      others.problem = ours_cpus_.problem.empty() ? cpu.problem : ours_cpus_.problem;
      if (ours_known && cpu.share) {
        others.value = std::max(cpu.share->busy - std::min(cpu.ours_s / interval_s, 1.0), 0.0);
      }
    }
  }
  for (const auto& cpu : cpus_) {
    Measurement& steal = measurements.emplace_back();
    steal.problem = cpu.problem;
    if (cpu.share) {
      steal.value = cpu.share->steal;
    }
  }
}

}  // namespace rein
