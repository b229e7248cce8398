#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rein {

class SysfsRoot;

/// Remembers how things were before they were changed, and puts them back in reverse order on every
/// way out that runs destructors. What comes after a SIGKILL is the next run's to clear up.
class ControlGuard {
 public:
  using Report = std::function<void(const std::string& problem)>;

  /// `report` is told, in one line each, what could not be put back; the rest is all the same.
  explicit ControlGuard(Report report) : report_(std::move(report)) {}
  ~ControlGuard() { restore(); }
  ControlGuard(const ControlGuard&) = delete;
  ControlGuard& operator=(const ControlGuard&) = delete;

  /// Saves what a file says now. Call it before the first write to the file.
  /// @throws Error if the file cannot be read: what cannot be saved must not be changed.
  void save(const SysfsRoot& root, const std::string& kernel_path);
  /// For what is not a single file: `undo` may throw, and must not refer to what dies before this.
  void on_restore(std::function<void()> undo);
  /// Takes over what `other` would restore.
  void adopt(ControlGuard& other);

  /// Puts everything back now. A second call does nothing.
  void restore() noexcept;

 private:
  Report report_;
  std::vector<std::function<void()>> undo_;
};

}  // namespace rein
