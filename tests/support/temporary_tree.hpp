#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "platform/kernel/sysfs_root.hpp"

namespace rein::test {

/// A folder that is gone with this object: a stand-in for the kernel's files, or a place to write.
class TemporaryTree {
 public:
  TemporaryTree() : path_((std::filesystem::temp_directory_path() / "rein-test-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error(path_ + ": cannot be made");
    }
  }
  ~TemporaryTree() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;

  std::filesystem::path path() const { return path_; }
  SysfsRoot root() const { return SysfsRoot(path_); }

  /// Writes in place, as the kernel's files change, so that who has it open sees it.
  void write(const std::string& kernel_path, const std::string& text) const {
    const auto file = root().resolve(kernel_path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string read(const std::string& kernel_path) const {
    std::ifstream file(root().resolve(kernel_path));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool exists(const std::string& kernel_path) const { return root().exists(kernel_path); }
  void make_folder(const std::string& kernel_path) const {
    std::filesystem::create_directories(root().resolve(kernel_path));
  }
  void remove(const std::string& kernel_path) const {
    std::filesystem::remove_all(root().resolve(kernel_path));
  }

 private:
  std::string path_;
};

}  // namespace rein::test
