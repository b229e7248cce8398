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
#include <vector>

#include "platform/system_calls.hpp"

namespace rein::test {

/// A kernel with threads, control groups and counters of its own, whose calls fail when told to.
class FakeCalls final : public SystemCalls {
 public:
  static constexpr int kProcess = 100;

  // Threads.
  std::map<int, CpuList> cpus_of{{kProcess, {0, 1}}};
  int affinity_error = 0;
  CpuList online{0, 1, 2, 3};  ///< Others are dropped without a word.

  int process_id() override { return kProcess; }
  int set_affinity(int thread, const CpuList& cpus) override {
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

  int make_directory(const std::filesystem::path& path) override {
    if (make_error != 0) {
      return make_error;
    }
    std::filesystem::create_directory(path);
    for (const auto& [name, text] : group_files) {
      std::ofstream(path / name) << text;
    }
    return 0;
  }
  int remove_directory(const std::filesystem::path& path) override {
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
  std::set<std::uint64_t> refused_types;  ///< PERF_TYPE_*.
  int open_error = ENOENT;                ///< Of those that are refused.
  bool kernel_is_private = false;         ///< EACCES unless the kernel's work is left out.
  /// What a read of a thread's group gives behind the number of counters: enabled, running, counts.
  std::map<int, std::vector<std::uint64_t>> counts_of;
  std::map<int, int> open_counters;  ///< Descriptor to thread.

  int open_counter(const perf_event_attr& attributes, int thread, int) override {
    if (kernel_is_private && attributes.exclude_kernel == 0) {
      return -EACCES;
    }
    if (refused_types.contains(attributes.type)) {
      return -open_error;
    }
    if (!cpus_of.contains(thread)) {
      return -ESRCH;
    }
    open_counters[next_descriptor_] = thread;
    return next_descriptor_++;
  }
  bool read_counters(int descriptor, std::span<std::uint64_t> numbers) override {
    const auto counts = counts_of.find(open_counters.at(descriptor));
    if (counts == counts_of.end() || counts->second.size() + 1 != numbers.size()) {
      return false;
    }
    numbers[0] = counts->second.size() - 2;
    std::copy(counts->second.begin(), counts->second.end(), numbers.begin() + 1);
    return true;
  }
  void close_counter(int descriptor) override { open_counters.erase(descriptor); }

 private:
  static std::string first_word(const std::filesystem::path& file) {
    std::string word;
    std::ifstream(file) >> word;
    return word;
  }

  int next_descriptor_ = 1000;
};

}  // namespace rein::test
