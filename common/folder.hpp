#pragma once

#include <filesystem>

namespace rein {

/// A directory that is open: what is made, renamed or removed in it by its descriptor is in it,
/// whoever moves it or puts something else in its place.
class Folder {
 public:
  enum class IfMissing { kFail, kMake };

  /// Goes down part by part. Root follows no symbolic link but its own: any other could be put
  /// there to have it write elsewhere. An empty path is the working folder.
  /// @throws Error naming the path and the reason.
  explicit Folder(const std::filesystem::path& path, IfMissing if_missing = IfMissing::kMake);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// For openat() and its like; it cannot be read from.
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace rein
