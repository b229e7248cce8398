#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "platform/kernel/system_calls.hpp"

namespace rein {

/// Resolves every path of the kernel (/sys, /proc) below an injected root, `/` on a real machine.
///
/// All that reads or writes the kernel's files goes through here and so through SystemCalls, so
/// that a test can give a temporary tree and faults. Paths are given as the kernel has them:
/// "/sys/class/hwmon". Copies share the calls, which must outlive them.
///
/// All that looks throws ResourceError where this process cannot open any more files: what could
/// not be looked at is not missing.
class SysfsRoot {
 public:
  explicit SysfsRoot(std::filesystem::path root = "/", SystemCalls& calls = SystemCalls::kernel());

  const std::filesystem::path& root() const { return root_; }
  SystemCalls& calls() const { return *calls_; }
  /// Whether this process is to be seen below the root, so that what calls() say of threads and
  /// counters is of the same machine.
  bool is_where_we_run() const;

  /// Whether this is the machine itself, and no tree of files that looks like one.
  bool is_machine() const { return is_machine_; }

  std::filesystem::path resolve(const std::string& kernel_path) const;
  bool exists(const std::string& kernel_path) const;
  /// By its permissions; the kernel may refuse a value all the same.
  bool writable(const std::string& kernel_path) const;

  /// The text without trailing white space. @throws Error naming the path and errno's text.
  std::string read(const std::string& kernel_path) const;
  /// The same, or nothing if it cannot be read.
  std::optional<std::string> try_read(const std::string& kernel_path) const;
  /// Why a file cannot be read or a directory listed, as errno has it; 0 if it can.
  int read_error(const std::string& kernel_path) const;
  /// The same of writing, by permissions.
  int write_error(const std::string& kernel_path) const;
  /// Whether a part of the path is a link whose target is not there.
  bool leads_nowhere(const std::string& kernel_path) const;
  /// Opens what is set, as resolve() has it: a file or a folder, never through a link at the end.
  /// What counts is what is open, since anybody may have put something else at a path: on the
  /// machine it has to be in sysfs, in debugfs or a control group, or else this is EPERM, and
  /// nothing has happened to it. Elsewhere a file that is opened to be written is emptied, as the
  /// kernel's are by themselves. Async-signal-safe. `flags` as of open().
  /// @return a descriptor for calls(), or minus an error.
  int open_setting(const char* path, int flags) const;
  /// Never makes a file. @throws Error naming the path, the value and errno's text.
  void write(const std::string& kernel_path, const std::string& value) const;
  /// Names in a directory in ascending order (policy2 before policy10); none if it is missing.
  std::vector<std::string> list(const std::string& kernel_path) const;
  /// Kernel paths that exist and match a pattern whose parts may hold `*`, in ascending order.
  std::vector<std::string> find(const std::string& pattern) const;

 private:
  std::filesystem::path root_;
  SystemCalls* calls_;
  bool is_machine_;
};

}  // namespace rein
