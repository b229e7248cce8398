#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rein {

class SysfsRoot;

/// A control group of one co-runner. All that comes of the co-runner is in it, whatever session,
/// parent or user it takes, and is killed as a whole.
///
/// `rein-co-runner-<process id>-<number>`, below the group that this process is in. The processes
/// that look after it have it locked, so that whoever finds it can tell whether one of them lives,
/// in another PID namespace too. All but making it is async-signal-safe.
class CoRunnerGroup {
 public:
  /// Where one may be made, best first: the own group in each hierarchy in which a group gets no
  /// share of CPU time, memory or I/O, so that what is in it competes as it would outside.
  static std::vector<std::filesystem::path> parents(const SysfsRoot& root);
  /// Below the first of `parents` that allows it; null if none does.
  static std::unique_ptr<CoRunnerGroup> make(const std::vector<std::filesystem::path>& parents);

  /// Ends it.
  ~CoRunnerGroup();
  CoRunnerGroup(const CoRunnerGroup&) = delete;
  CoRunnerGroup& operator=(const CoRunnerGroup&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// That of its folder, which is all that a forked process has to keep.
  int descriptor() const { return folder_; }
  /// Another one of the same folder from now on.
  void use_descriptor(int descriptor) { folder_ = descriptor; }

  /// Moves this process into it; where that is refused the process stays outside.
  void enter() const;
  /// Kills, once, what is in it now.
  void kill_all() const;
  /// Kills until nothing is left in it, and removes it: 2 s at most. Again does nothing.
  /// @return whether it is gone.
  bool end() const;

 private:
  CoRunnerGroup(std::filesystem::path path, int folder);

  std::filesystem::path path_;
  int folder_;
};

/// The groups of runs that were killed together with all that looked after their co-runners.
class CoRunnerLeftovers {
 public:
  struct Ended {
    int processes = 0;  ///< That were in such groups, which are gone.
    int stuck = 0;      ///< Groups with processes that cannot be killed.
    int attended = 0;   ///< Groups of the process that made this object which are looked after.

    /// What was ended and what could not be, in a line; empty if there was nothing.
    std::string line() const;
  };

  /// Does nothing yet. Below a root that is not the machine that we run on there are none.
  explicit CoRunnerLeftovers(const SysfsRoot& root);
  /// Ends all that are seen from here. Those that somebody looks after are left, but those of the
  /// process that made this object are waited for as long as that. Async-signal-safe.
  Ended end(int patience_ms = 0) const;

 private:
  std::vector<std::filesystem::path> mounts_;
  std::string own_prefix_;
};

}  // namespace rein
