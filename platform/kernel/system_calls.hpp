#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "platform/kernel/cpu_set.hpp"

struct perf_event_attr;

namespace rein {

/// All calls to the kernel that read or change the machine. A test derives from it, so that it can
/// run without rights and make each call fail. Errors are errno's numbers.
///
/// Those for files and directories, and set_affinity(), allocate nothing and take no lock: the
/// guardian makes them too.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;
  /// The kernel's own.
  static SystemCalls& kernel();

  virtual int process_id();
  /// Whether this process is root's: what is refused to it is refused to all here.
  virtual bool is_root();

  /// Never makes a file. `flags` as of open(). @return a descriptor, or minus an error.
  virtual int open_file(const char* path, int flags);
  /// From `offset` on. @return the number of bytes, 0 at the end, or minus an error.
  virtual ssize_t read_file(int descriptor, std::span<char> buffer, off_t offset);
  /// In one call, as the kernel takes a value whole or refuses it. @return like read_file().
  virtual ssize_t write_file(int descriptor, std::string_view text);
  virtual void close_file(int descriptor);

  /// For control groups. @return 0 or an error.
  virtual int make_directory(const char* path);
  /// That is called `name` in a folder that is open.
  virtual int remove_directory(int folder, const char* name);

  /// Of one thread. @return 0 or an error; ESRCH if the thread is gone.
  virtual int set_affinity(int thread, std::span<const int> cpus);
  virtual std::optional<CpuList> affinity(int thread);

  /// Opens a performance counter for a thread (-1: all that run on `cpu`) on a CPU (-1: any), in
  /// the group of the counter `leader` (-1: none). @return a descriptor, or minus an error.
  virtual int open_counter(const perf_event_attr& attributes, int thread, int cpu, int leader);
  /// Reads a whole group. @return false if it does not give as many numbers.
  virtual bool read_counters(int descriptor, std::span<std::uint64_t> numbers);
  virtual void close_counter(int descriptor);

  /// A driver's library, by the name that dlopen() searches for. @return null if it cannot be
  /// loaded; dlerror() says why.
  virtual void* open_library(const char* name);
};

}  // namespace rein
