#pragma once

#include <filesystem>
#include <string>

#include "common/error.hpp"

namespace rein {

/// A folder that cannot be used, with errno's number.
class FolderError final : public Error {
 public:
  FolderError(const std::string& message, int reason) : Error(message), reason_(reason) {}

  int reason() const { return reason_; }
  bool is_missing() const;

 private:
  int reason_;
};

/// A directory that is open: what is made, renamed or removed in it by its descriptor is in it,
/// whoever moves it or puts something else in its place.
class Folder {
 public:
  enum class IfMissing {
    kFail,
    kMake,
    kMakeOurs,  ///< The last part such that all may look into it and we alone write, whatever the
                ///< umask.
  };

  /// Goes down part by part. Root follows no symbolic link but its own: any other could be put
  /// there to have it write elsewhere. An empty path is the working folder.
  /// @throws FolderError naming the path and the reason.
  explicit Folder(const std::filesystem::path& path, IfMissing if_missing = IfMissing::kMake);
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// For openat() and its like; it cannot be read from.
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Removes `name` from a folder, if it still is the file that is open as `file`.
/// Async-signal-safe. @return 0, also if it is gone, or an error: ESTALE if it is another by now.
int remove_from(int folder, const char* name, int file);

}  // namespace rein
