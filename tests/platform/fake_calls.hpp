#pragma once

#include <linux/perf_event.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/faulty_calls.hpp"

namespace rein::test {

/// A kernel with threads, control groups and counters of its own, whose calls fail when told to.
class FakeCalls final : public FaultyCalls {
 public:
  static constexpr int kProcess = 100;

  // Threads.
  std::map<int, CpuList> cpus_of{{kProcess, {0, 1}}};
  int affinity_error = 0;
  CpuList online{0, 1, 2, 3};  ///< Others are dropped without a word.

  int process_id() override { return kProcess; }
  int set_affinity(int thread, std::span<const int> cpus) override {
    if (affinity_error != 0) {
      return affinity_error;
    }
    if (!cpus_of.contains(thread)) {
      return ESRCH;
    }
    CpuList granted;
    std::set_intersection(cpus.begin(), cpus.end(), online.begin(), online.end(),
                          std::back_inserter(granted));
    cpus_of[thread] = granted;
    return granted.empty() ? EINVAL : 0;
  }
  std::optional<CpuList> affinity(int thread) override {
    const auto found = cpus_of.find(thread);
    return found == cpus_of.end() ? std::nullopt : std::optional(found->second);
  }

  // Control groups: the files that a new group has, and the home of this process.
  std::map<std::string, std::string> group_files;
  std::filesystem::path home;
  int make_error = 0;

  int make_directory(const char* folder) override {
    if (make_error != 0) {
      return make_error;
    }
    const std::filesystem::path path(folder);
    std::filesystem::create_directory(path);
    for (const auto& [name, text] : group_files) {
      std::ofstream(path / name) << text;
    }
    return 0;
  }
  int remove_directory(int folder, const char* name) override {
    const auto above = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(folder));
    const std::filesystem::path path = above / name;
    if (!std::filesystem::exists(path)) {
      return ENOENT;
    }
    const std::string members = first_word(path / "cgroup.procs");
    const bool moved_home =
        members == std::to_string(kProcess) && first_word(home / "cgroup.procs") == members;
    if (!members.empty() && !moved_home) {
      return EBUSY;
    }
    std::filesystem::remove_all(path);
    return 0;
  }

  // Counters.
  struct Counter {
    std::uint32_t type = 0;
    std::uint64_t config = 0;
    int thread = -1;
    int cpu = -1;
  };
  std::set<std::uint32_t> refused_types;    ///< PERF_TYPE_*, or a unit's.
  std::set<std::uint64_t> refused_configs;  ///< Of units with types of their own.
  int open_error = ENOENT;                  ///< Of those that are refused.
  bool kernel_is_private = false;           ///< EACCES unless the kernel's work is left out.
  /// What a read of a thread's group gives behind the number of counters: enabled, running, counts.
  std::map<int, std::vector<std::uint64_t>> counts_of;
  /// The same of units with types of their own: by type and thread.
  std::map<std::pair<std::uint32_t, int>, std::vector<std::uint64_t>> unit_counts_of;
  /// Of counters of a whole CPU: by config and CPU.
  std::map<std::pair<std::uint64_t, int>, std::uint64_t> cpu_counts;
  std::map<int, Counter> open_counters;  ///< By descriptor.

  int open_counter(const perf_event_attr& attributes, int thread, int cpu, int leader) override {
    if (kernel_is_private && attributes.exclude_kernel == 0) {
      return -EACCES;
    }
    if (refused_types.contains(attributes.type) ||
        (is_own(attributes.type) && refused_configs.contains(attributes.config))) {
      return -open_error;
    }
    if (thread >= 0 ? !cpus_of.contains(thread) : cpu < 0) {
      return thread >= 0 ? -ESRCH : -EINVAL;
    }
    if (leader >= 0 && open_counters.at(leader).type != attributes.type) {
      return -EINVAL;
    }
    open_counters[next_descriptor_] = {attributes.type, attributes.config, thread, cpu};
    return next_descriptor_++;
  }
  bool read_counters(int descriptor, std::span<std::uint64_t> numbers) override {
    const auto& [type, config, thread, cpu] = open_counters.at(descriptor);
    if (thread < 0) {
      const auto count = cpu_counts.find({config, cpu});
      if (count == cpu_counts.end() || numbers.size() != 1) {
        return false;
      }
      numbers[0] = count->second;
      return true;
    }
    const auto& counts = is_own(type) ? unit_counts_of[{type, thread}] : counts_of[thread];
    if (counts.size() + 1 != numbers.size()) {
      return false;
    }
    numbers[0] = counts.size() - 2;
    std::copy(counts.begin(), counts.end(), numbers.begin() + 1);
    return true;
  }
  void close_counter(int descriptor) override { open_counters.erase(descriptor); }

 private:
  static bool is_own(std::uint32_t type) { return type == PERF_TYPE_RAW || type >= PERF_TYPE_MAX; }
  static std::string first_word(const std::filesystem::path& file) {
    std::string word;
    std::ifstream(file) >> word;
    return word;
  }

  int next_descriptor_ = 1000;
};

}  // namespace rein::test
