#include "platform/cpu_time_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rein {

namespace {

constexpr std::uint64_t kNsPerTick = 10'000'000;  ///< USER_HZ is 100 on all that Linux runs on.
constexpr std::size_t kThreadFileSize = 512;
constexpr std::size_t kStatLineSize = 256;  ///< At most, of one CPU.

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
  // The first field here is the third of the manual page: utime is 14, stime 15, processor 39.
  const auto fields = split_words(text.substr(name_end + 1));
  if (fields.size() < 37) {
    return std::nullopt;
  }
  const auto user = parse_count(fields[11]);
  const auto system = parse_count(fields[12]);
  const auto cpu = parse_count(fields[36]);
  if (!user || !system || !cpu) {
    return std::nullopt;
  }
  return StatFields{.run_ticks = *user + *system, .cpu = static_cast<int>(*cpu)};
}

}  // namespace

CpuTimeSensor::CpuTimeSensor(const SysfsRoot& root, const CpuList& cpus)
    : root_(root),
      cpus_(cpus),
      // The lines of the CPUs come first; what follows may be long, and is not needed.
      stat_(root, "/proc/stat",
            kStatLineSize * static_cast<std::size_t>(cpus.empty() ? 1 : cpus.back() + 2)) {
  const std::array<std::pair<const char*, const char*>, 3> kinds{{
      {"cpu_ours_share.cpu", "/proc/self/task/*/schedstat"},
      {"cpu_others_share.cpu", "/proc/stat"},
      {"cpu_steal_share.cpu", "/proc/stat"},
  }};
  for (const auto& [name, source] : kinds) {
    for (const int cpu : cpus_) {
      signals_.push_back({.name = fmt::format("{}{}", name, cpu), .unit = "1", .source = source});
    }
  }
}

std::map<int, CpuTimeSensor::Ticks> CpuTimeSensor::read_ticks() {
  std::map<int, Ticks> result;
  std::string_view text = stat_.read().value_or("");
  while (text.starts_with("cpu")) {
    const std::size_t end = text.find('\n');
    const auto fields = split_words(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto cpu = parse_count(fields[0].substr(3));
    if (!cpu || fields.size() < 9) {
      continue;
    }
    // user nice system idle iowait irq softirq steal; guests' time is in user's already.
    std::array<std::uint64_t, 8> numbers{};
    bool all = true;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto number = parse_count(fields[i + 1]);
      all = all && number;
      numbers[i] = number.value_or(0);
    }
    if (!all) {
      continue;
    }
    Ticks ticks;
    ticks.busy = numbers[0] + numbers[1] + numbers[2] + numbers[5] + numbers[6];
    ticks.steal = numbers[7];
    ticks.total = ticks.busy + ticks.steal + numbers[3] + numbers[4];
    result[static_cast<int>(*cpu)] = ticks;
  }
  return result;
}

std::map<int, CpuTimeSensor::Share> CpuTimeSensor::advance_shares() {
  std::map<int, Share> shares;
  const auto before = std::exchange(ticks_, read_ticks());
  for (const auto& [cpu, now] : ticks_) {
    const auto found = before.find(cpu);
    if (found == before.end()) {
      continue;
    }
    const Ticks& old = found->second;
    if (now.total <= old.total || now.busy < old.busy || now.steal < old.steal) {
      continue;
    }
    const auto total = static_cast<double>(now.total - old.total);
    shares[cpu] = {
        .busy = std::min(static_cast<double>(now.busy - old.busy) / total, 1.0),
        .steal = std::min(static_cast<double>(now.steal - old.steal) / total, 1.0),
    };
  }
  return shares;
}

std::optional<CpuTimeSensor::ThreadTime> CpuTimeSensor::read_thread(Thread& thread) {
  const auto words = split_words(thread.schedstat.read().value_or(""));
  const auto run_ns = words.empty() ? std::nullopt : parse_count(words.front());
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

std::optional<std::map<int, double>> CpuTimeSensor::advance_ours(const SampleContext& context) {
  const bool has_before = std::exchange(has_threads_, !context.threads.empty());
  std::map<int, double> ours;
  std::erase_if(threads_, [&context](const auto& entry) {
    return !std::binary_search(context.threads.begin(), context.threads.end(), entry.first);
  });
  for (const int id : context.threads) {
    auto found = threads_.find(id);
    if (found == threads_.end()) {
      const std::string folder = fmt::format("/proc/self/task/{}", id);
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
    thread.cpu = time->cpu;
    // A thread that was not there before began with 0.
    ours[thread.cpu] += static_cast<double>(time->run_ns - thread.run_ns) / 1e9;
    thread.run_ns = time->run_ns;
  }
  if (!has_before || threads_.empty() || context.interval <= Duration::zero()) {
    return std::nullopt;
  }
  return ours;
}

void CpuTimeSensor::sample(const SampleContext& context,
                           std::vector<std::optional<double>>& values) {
  const auto shares = advance_shares();
  const auto ours_s = advance_ours(context);
  const double interval_s = to_seconds(context.interval);

  std::vector<std::optional<double>> ours;
  std::vector<std::optional<double>> others;
  std::vector<std::optional<double>> steal;
  ours_cpus_ = std::nullopt;
  if (ours_s) {
    ours_cpus_ = 0.0;
    for (const auto& [cpu, time_s] : *ours_s) {
      *ours_cpus_ += time_s / interval_s;
    }
  }
  busy_cpus_ = 0.0;
  for (const int cpu : cpus_) {
    const auto share = shares.find(cpu);
    const bool known = share != shares.end();
    busy_cpus_ =
        busy_cpus_ && known ? std::optional(*busy_cpus_ + share->second.busy) : std::nullopt;
    steal.push_back(known ? std::optional(share->second.steal) : std::nullopt);
    if (!ours_s) {
      ours.emplace_back();
      others.emplace_back();
      continue;
    }
    const auto time = ours_s->find(cpu);
    const double present = time == ours_s->end() ? 0.0 : std::min(time->second / interval_s, 1.0);
    ours.emplace_back(present);
    others.push_back(known ? std::optional(std::max(share->second.busy - present, 0.0))
                           : std::nullopt);
  }
  values.insert(values.end(), ours.begin(), ours.end());
  values.insert(values.end(), others.begin(), others.end());
  values.insert(values.end(), steal.begin(), steal.end());
}

}  // namespace rein
