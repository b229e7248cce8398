#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/folder.hpp"
#include "platform/giving_back/restoration.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// What a run has to put back, noted before it is changed: for the guardian, and after a power cut
/// for `rein restore`.
///
/// A text file: `rein-state 1`, the run's process id and the kernel's boot id in the first line,
/// then a Restoration a line. It exists while something is to be put back.
class StateFile {
 public:
  /// Several thousand settings: what is longer is neither written nor read [bytes].
  static constexpr std::size_t kMostBytes = 1'048'576;

  /// Where it is: /var/lib/rein/state below the root. On this machine, where that cannot be made,
  /// /run/rein/state for root, and for others rein/state in $XDG_STATE_HOME or ~/.local/state. One
  /// that is there goes first.
  static std::filesystem::path default_path(const SysfsRoot& root);

  /// A file that is open, and the folder that it is in.
  struct Held {
    std::unique_ptr<const Folder> folder;  ///< Null if the file has no name.
    std::string name;
    int descriptor = -1;

    Held() = default;
    ~Held();
    Held(Held&& other) noexcept;
    Held& operator=(Held&& other) noexcept;
    /// @return 0 or an error, as remove_from() has it.
    int remove() const;
  };

  /// What a run left behind that could not put it back.
  struct Leftover {
    int process = 0;
    bool same_boot = true;  ///< False: the machine was started anew since.
    bool is_begun = false;  ///< False: its first line was cut off, before anything was changed.
    std::string lines;      ///< Restorations.
    Held file;
  };
  /// @return nothing if there is no such file.
  /// @throws ConfigError if it is damaged, names what RestorableFiles do not hold, or is not a
  ///         file that we or root alone can write, in a folder of that kind. Every message says how
  ///         to be rid of it, or who can be.
  static std::optional<Leftover> read(const std::filesystem::path& file, const SysfsRoot& root);

  /// Removes whatever is there, and puts nothing back.
  /// @return what it said, without what a terminal takes for a command; nothing if there was none.
  /// @throws Error if it cannot be removed.
  static std::optional<std::string> discard(const std::filesystem::path& file);

  /// Makes the file, or keeps the text in memory where none can be made: then a guardian can still
  /// put everything back. @throws Error if there is no memory either.
  StateFile(const std::filesystem::path& file, const SysfsRoot& root);

  /// @throws Error if it cannot be noted: then it must not be changed.
  void add(const Restoration& restoration);
  /// Makes sure that what was added outlives a power cut. @return 0 or an error.
  int sync() const;
  /// All is put back: the file goes. @return 0 or an error, as remove_from() has it.
  int remove() const { return held_.remove(); }

  /// Stays the same file for as long as this is.
  const Held& held() const { return held_; }
  /// Why the text is in memory, with the path; empty if it is in the file.
  const std::string& problem() const { return problem_; }

 private:
  bool make(const std::filesystem::path& file, const std::string& head);
  int append(const std::string& text);

  std::string place_;  ///< For messages.
  Held held_;
  std::size_t size_ = 0;
  std::string problem_;
};

}  // namespace rein
