#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "platform/restoration.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

/// What a run has to put back, noted before it is changed: for the guardian, and after a power cut
/// for `rein restore`.
///
/// A text file: `rein-state 1`, the run's process id and the kernel's boot id in the first line,
/// then a Restoration a line. It exists while something is to be put back.
class StateFile {
 public:
  /// Where it is: /var/lib/rein/state below the root; for a user who may not write there,
  /// rein/state in $XDG_STATE_HOME or ~/.local/state.
  static std::filesystem::path default_path(const SysfsRoot& root);

  /// What a run left behind that could not put it back.
  struct Leftover {
    int process = 0;
    bool same_boot = true;  ///< False: the machine was started anew since.
    std::string lines;      ///< Restorations.
  };
  /// @return nothing if there is no such file.
  /// @throws ConfigError if it is damaged, names what RestorableFiles do not hold, or is not a
  ///         file that we or root alone can write. Every message says how to be rid of it.
  static std::optional<Leftover> read(const std::filesystem::path& file, const SysfsRoot& root);

  /// Removes whatever is there, and puts nothing back.
  /// @return what it said, without what a terminal takes for a command; nothing if there was none.
  /// @throws Error if it cannot be removed.
  static std::optional<std::string> discard(const std::filesystem::path& file);

  /// Makes the file, or keeps the text in memory where none can be made: then a guardian can still
  /// put everything back.
  StateFile(std::filesystem::path file, const SysfsRoot& root);
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  /// @throws Error if it cannot be noted: then it must not be changed.
  void add(const Restoration& restoration);
  /// Makes sure that what was added outlives a power cut.
  void sync();
  /// All is put back: the file goes.
  void remove();

  int descriptor() const { return descriptor_; }
  /// Empty if it is in memory.
  const std::filesystem::path& path() const { return path_; }

 private:
  void append(const std::string& text);

  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace rein
