#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "platform/cpu_set.hpp"

struct perf_event_attr;

namespace rein {

/// The kernel's calls that have no file; all else goes through SysfsRoot. A test derives from it,
/// so that it can run without rights and make each call fail. Errors are errno's numbers.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;

  virtual int process_id();

  /// Of one thread. @return 0 or an error; ESRCH if the thread is gone.
  virtual int set_affinity(int thread, const CpuList& cpus);
  virtual std::optional<CpuList> affinity(int thread);

  /// For control groups. @return 0 or an error.
  virtual int make_directory(const std::filesystem::path& path);
  virtual int remove_directory(const std::filesystem::path& path);

  /// Opens a performance counter for a thread, in the group of the counter `leader` (-1: none).
  /// @return its descriptor, or an error as a negative number.
  virtual int open_counter(const perf_event_attr& attributes, int thread, int leader);
  /// Reads a whole group. @return false if it does not give as many numbers.
  virtual bool read_counters(int descriptor, std::span<std::uint64_t> numbers);
  virtual void close_counter(int descriptor);
};

}  // namespace rein
