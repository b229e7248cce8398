#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace rein {

class SysfsRoot;

/// Whose CPUs are given back. Other programs live on when a run ends, whatever ends it.
struct CpusOwner {
  enum class Kind {
    kThread,   ///< `/proc/T/task/T`
    kProcess,  ///< `/proc/P`: its threads, and those of what comes of it.
    kGroup,    ///< Any other folder: the threads of a control group and of those below it.
  };
  Kind kind = Kind::kGroup;
  int id = 0;             ///< Of a thread or process.
  std::string_view proc;  ///< The folder `/proc` on this machine, for those.

  /// @param path  on this machine.
  static CpusOwner of(const SysfsRoot& root, std::string_view path);
};

/// What is noted of an owner's CPUs: when a thread or process was born, a blank, and a list of CPUs
/// in the kernel's notation; of a group the list alone.
struct GivenCpus {
  std::uint64_t born = 0;
  std::array<int, 8192> numbers{};
  std::size_t count = 0;

  std::span<const int> cpus() const { return std::span(numbers).first(count); }
  /// @return whether `text` is one.
  bool parse(const CpusOwner& owner, std::string_view text);
};

/// Gives them back. What has ended, or is another of the same id, is left alone. Async-signal-safe:
/// allocates nothing, takes no lock.
/// @return 0, or the error of the last one that was refused; EINVAL if `text` is none.
int give_back_cpus(const SysfsRoot& root, std::string_view path, std::string_view text);

}  // namespace rein
