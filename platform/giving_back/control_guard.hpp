#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/giving_back/restorable.hpp"
#include "platform/giving_back/restoration.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// Remembers how things were before they were changed, and puts them back on every way out.
///
/// For a machine: takes the MachineLock, puts back what a run before left behind, notes everything
/// in the StateFile and has a Guardian for the ways out that run no destructors. Make it before
/// there are threads and much memory, as it forks.
class ControlGuard {
 public:
  using Report = std::function<void(const std::string& line)>;
  enum class Reach {
    kProcess,  ///< Only what destructors can do: for trials.
    kMachine,
  };

  /// `report` is told, in one line each, what a run before had left behind and what could not be
  /// put back; the rest is all the same.
  /// @throws Error if another run has the machine, or what one before left cannot be put back.
  /// @throws ConfigError if its state file is damaged.
  ControlGuard(const SysfsRoot& root, Report report, Reach reach = Reach::kProcess);
  ~ControlGuard();
  ControlGuard(const ControlGuard&) = delete;
  ControlGuard& operator=(const ControlGuard&) = delete;

  /// Saves what a file says now. Call it before the first write to the file.
  /// @throws Error if the file cannot be read, or `rein restore` could not put it back: what
  ///         cannot be saved must not be changed. So do the three below.
  void save(const std::string& kernel_path);
  /// For a file that does not say what has to be written to it.
  void restore_by_writing(const std::string& kernel_path, const std::string& text);
  /// For a control group that is made: its processes go back to `home`.
  void remove_group(const std::string& kernel_path, const std::string& home);
  /// For other programs' threads that are moved: `text` as GivenCpus has it. What is noted last is
  /// given first, so that a thread may have others than its process.
  void restore_cpus(const std::string& kernel_path, const std::string& text);
  /// For what ends with this process anyway: `undo` may throw, and must not refer to what dies
  /// before this.
  void on_restore(std::function<void()> undo);
  /// Everything that may be changed is noted: makes that outlive a power cut.
  void seal();

  /// How many have been noted so far: says where a part begins and ends.
  std::size_t mark() const { return undo_.size(); }
  /// Puts back what was noted from `begin` to before `end`, and keeps it noted.
  /// @return whether the kernel refused nothing.
  bool restore_part(std::size_t begin, std::size_t end);
  /// Puts everything back now. A second call does nothing. The state file stays if the kernel
  /// refused something. What cannot be done for want of memory is left to the guardian.
  void restore() noexcept;

 private:
  struct Machine;
  struct Undo {
    std::string line;  ///< A Restoration; empty if it is an action.
    std::function<void()> action;
  };
  void note(const Restoration& restoration);
  void report(const std::string& line) const;

  SysfsRoot root_;
  RestorableFiles restorable_;
  Report report_;
  std::unique_ptr<Machine> machine_;
  std::vector<Undo> undo_;
};

/// Puts back what a run left behind, as its state file says, and removes that file.
/// @return the files that were changed; nothing if there is no state file.
/// @throws Error if another run has the machine, something cannot be put back (then the state file
///         stays), or the file cannot be removed. @throws ConfigError if it is damaged.
std::optional<std::vector<std::string>> restore_leftover(const SysfsRoot& root,
                                                         const std::filesystem::path& state_file);

/// Removes the state file of a run that is dead, whatever is in it, and puts nothing back.
/// @return what it said; nothing if there is none.
/// @throws Error if another run has the machine, or the file cannot be removed.
std::optional<std::string> discard_leftover(const SysfsRoot& root,
                                            const std::filesystem::path& state_file);

}  // namespace rein
