#include "platform/giving_back/control_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "common/error.hpp"
#include "platform/co_runners/co_runner_group.hpp"
#include "platform/giving_back/guardian.hpp"
#include "platform/giving_back/machine_lock.hpp"
#include "platform/giving_back/state_file.hpp"

namespace rein {

namespace {

class CollectingListener final : public RestorationListener {
 public:
  std::vector<std::string> changed;
  std::vector<std::string> problems;

  void restored(const Restoration& restoration) override {
    if (std::ranges::find(changed, restoration.path) == changed.end()) {
      changed.emplace_back(restoration.path);
    }
  }
  void failed(const Restoration& restoration, int error) override {
    problems.push_back(
        fmt::format("not restored: {}: expected '{}': {}", restoration.path, restoration.text,
                    error == 0 ? "the kernel takes it and says another" : std::strerror(error)));
  }
};

/// @throws Error if it cannot be removed.
void drop(const StateFile::Leftover& leftover, const std::filesystem::path& file) {
  if (const int error = leftover.file.remove(); error != 0) {
    throw Error(fmt::format("{}: cannot be removed: {}", file.string(), std::strerror(error)));
  }
}

/// @pre the machine is locked.
std::optional<std::vector<std::string>> put_back_leftover(const SysfsRoot& root,
                                                          const std::filesystem::path& file) {
  const auto leftover = StateFile::read(file, root);
  if (!leftover) {
    return std::nullopt;
  }
  CollectingListener listener;
  if (!restore(root, leftover->lines, listener)) {
    throw Error(
        fmt::format("{}: what process {} had changed cannot all be put back: {}; "
                    "`rein restore --discard` leaves it at that",
                    file.string(), leftover->process, fmt::join(listener.problems, "; ")));
  }
  drop(*leftover, file);
  return leftover->is_begun ? std::optional(listener.changed) : std::nullopt;
}

}  // namespace

/// In the order in which they are made; the guardian ends first.
struct ControlGuard::Machine {
  MachineLock lock;
  StateFile state;
  std::optional<Guardian> guardian;

  explicit Machine(const SysfsRoot& root, const Report& report)
      : lock(root), state(clean(root, report), root) {
    try {
      guardian.emplace(root, state, lock.descriptor());
    } catch (...) {
      state.remove();  // Nothing has been changed yet.
      throw;
    }
  }

  /// @return the path for a new state file.
  static std::filesystem::path clean(const SysfsRoot& root, const Report& report) {
    auto file = StateFile::default_path(root);
    if (const auto leftover = StateFile::read(file, root); leftover && !leftover->same_boot) {
      // The kernel has begun anew, and who set something since then meant it.
      drop(*leftover, file);
      return file;
    }
    const auto changed = put_back_leftover(root, file);
    if (changed && !changed->empty() && report) {
      report(fmt::format("{}: a run before had left {} settings changed: put back", file.string(),
                         changed->size()));
    }
    return file;
  }
};

ControlGuard::ControlGuard(const SysfsRoot& root, Report report, Reach reach)
    : root_(root), restorable_(root), report_(std::move(report)) {
  if (reach == Reach::kMachine) {
    machine_ = std::make_unique<Machine>(root_, report_);
    if (const auto& notice = machine_->lock.notice(); !notice.empty()) {
      this->report(notice);
    }
    if (const auto ended = CoRunnerLeftovers(root_).end().line(); !ended.empty()) {
      this->report(ended);
    }
    if (const auto& problem = machine_->state.problem(); !problem.empty()) {
      this->report(fmt::format(
          "{}: what this run changes is noted in memory only: its guardian gives it back if the "
          "run is killed, but after that of both, or a power cut, nothing can",
          problem));
    }
  }
}

ControlGuard::~ControlGuard() { restore(); }

void ControlGuard::report(const std::string& line) const {
  if (report_) {
    report_(line);
  }
}

void ControlGuard::note(const Restoration& restoration) {
  if (!restorable_.hold(restoration)) {
    throw Error(
        fmt::format("{}: is left alone, since `rein restore` could not put it back: "
                    "expected {}, and a text of one line",
                    restoration.path, restorable_.expected()));
  }
  if (machine_) {
    machine_->state.add(restoration);
  }
  undo_.push_back({restoration.line(), nullptr});
}

void ControlGuard::save(const std::string& kernel_path) {
  const std::string before = root_.read(kernel_path);
  const std::string path = root_.resolve(kernel_path).string();
  note({.kind = Restoration::Kind::kValue, .path = path, .text = before});
}

void ControlGuard::restore_by_writing(const std::string& kernel_path, const std::string& text) {
  const std::string path = root_.resolve(kernel_path).string();
  note({.kind = Restoration::Kind::kWrite, .path = path, .text = text});
}

void ControlGuard::remove_group(const std::string& kernel_path, const std::string& home) {
  const std::string group = root_.resolve(kernel_path).string();
  const std::string to = root_.resolve(home).string();
  note({.kind = Restoration::Kind::kGroup, .path = group, .text = to});
}

void ControlGuard::restore_cpus(const std::string& kernel_path, const std::string& text) {
  const std::string path = root_.resolve(kernel_path).string();
  note({.kind = Restoration::Kind::kCpus, .path = path, .text = text});
}

void ControlGuard::on_restore(std::function<void()> undo) {
  undo_.push_back({"", std::move(undo)});
}

void ControlGuard::seal() {
  const int error = machine_ ? machine_->state.sync() : 0;
  if (error != 0) {
    report(fmt::format("the state file may not outlive a power cut: {}", std::strerror(error)));
  }
}

bool ControlGuard::restore_part(std::size_t begin, std::size_t end) {
  std::string lines;
  for (std::size_t i = begin; i < end; ++i) {
    lines += undo_[i].line;
  }
  CollectingListener listener;
  const bool complete = rein::restore(root_, lines, listener);
  for (const auto& problem : listener.problems) {
    report(problem);
  }
  // Threads last: the CPUs that they had may have been offline.
  for (std::size_t i = end; i-- > begin;) {
    if (!undo_[i].action) {
      continue;
    }
    try {
      undo_[i].action();
    } catch (const std::exception& error) {
      report(std::string("not restored: ") + error.what());
    }
  }
  return complete;
}

void ControlGuard::restore() noexcept {
  try {
    const bool complete = restore_part(0, undo_.size());
    undo_.clear();
    const int error = machine_ && complete ? machine_->state.remove() : 0;
    if (error != 0) {
      report(fmt::format("the state file cannot be removed: {}", std::strerror(error)));
    }
  } catch (const std::exception&) {
    undo_.clear();
    if (machine_) {
      machine_->guardian->take_over();
    }
  }
  machine_.reset();
}

std::optional<std::string> discard_leftover(const SysfsRoot& root,
                                            const std::filesystem::path& state_file) {
  const MachineLock lock(root);
  return StateFile::discard(state_file);
}

std::optional<std::vector<std::string>> restore_leftover(const SysfsRoot& root,
                                                         const std::filesystem::path& state_file) {
  const MachineLock lock(root);
  return put_back_leftover(root, state_file);
}

}  // namespace rein
