#include "platform/control_guard.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "platform/sysfs_root.hpp"

namespace rein {

void ControlGuard::save(const SysfsRoot& root, const std::string& kernel_path) {
  on_restore([root, kernel_path, before = root.read(kernel_path)] {
    if (root.read(kernel_path) != before) {
      root.write(kernel_path, before);
    }
  });
}

void ControlGuard::on_restore(std::function<void()> undo) { undo_.push_back(std::move(undo)); }

void ControlGuard::adopt(ControlGuard& other) {
  std::move(other.undo_.begin(), other.undo_.end(), std::back_inserter(undo_));
  other.undo_.clear();
}

void ControlGuard::restore() noexcept {
  while (!undo_.empty()) {
    const auto undo = std::move(undo_.back());
    undo_.pop_back();
    try {
      undo();
    } catch (const std::exception& error) {
      if (report_) {
        report_(std::string("not restored: ") + error.what());
      }
    }
  }
}

}  // namespace rein
