#include "common/folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace rein {

namespace {

constexpr int kMaxLinks = 40;  ///< As the kernel's own limit.
constexpr mode_t kOurs = 0755;
constexpr int kLook = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// The walk to a folder. What is still to be walked is kept the last part first.
class Walk {
 public:
  Walk(const std::filesystem::path& path, Folder::IfMissing if_missing)
      : path_(path), if_missing_(if_missing) {
    begin_at(path.is_absolute() ? "/" : ".");
    push(path);
  }
  ~Walk() {
    if (at_ >= 0) {
      close(at_);
    }
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  int to_the_end() {
    while (!ahead_.empty()) {
      const std::string part = std::move(ahead_.back());
      ahead_.pop_back();
      enter(part);
    }
    return std::exchange(at_, -1);
  }

 private:
  [[noreturn]] void fail(int reason) const { fail(reason, std::strerror(reason)); }
  [[noreturn]] void fail(int reason, const std::string& text) const {
    throw FolderError(fmt::format("{}: cannot use this folder: {}", path_.string(), text), reason);
  }

  void push(const std::filesystem::path& path) {
    const std::filesystem::path relative = path.relative_path();
    const std::vector<std::string> parts(relative.begin(), relative.end());
    ahead_.insert(ahead_.end(), parts.rbegin(), parts.rend());
  }

  void begin_at(const char* folder) { move_to(open(folder, kLook)); }

  void move_to(int descriptor) {
    if (descriptor < 0) {
      fail(errno);
    }
    if (at_ >= 0) {
      close(at_);
    }
    at_ = descriptor;
  }

  void enter(const std::string& part) {
    if (part.empty() || part == ".") {
      return;
    }
    int next = openat(at_, part.c_str(), kLook | O_NOFOLLOW);
    if (next < 0 && errno == ENOENT && if_missing_ != Folder::IfMissing::kFail) {
      make(part);
      next = openat(at_, part.c_str(), kLook | O_NOFOLLOW);
    }
    if (next < 0 && (errno == ENOTDIR || errno == ELOOP)) {
      follow(part);
      return;
    }
    move_to(next);
  }

  void make(const std::string& part) const {
    const bool is_ours = if_missing_ == Folder::IfMissing::kMakeOurs && ahead_.empty();
    const bool is_made = mkdirat(at_, part.c_str(), is_ours ? kOurs : 0777) == 0;
    if (!is_made && errno != EEXIST) {
      fail(errno);
    }
    if (is_made && is_ours && fchmodat(at_, part.c_str(), kOurs, 0) != 0) {
      fail(errno);
    }
  }

  /// Looks at the link that is open, so that nobody puts another in its place meanwhile.
  void follow(const std::string& part) {
    const int link = openat(at_, part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (link < 0) {
      fail(errno);
    }
    struct stat status {};
    std::array<char, PATH_MAX> target{};
    int reason = fstat(link, &status) == 0 ? 0 : errno;
    if (reason == 0 && !S_ISLNK(status.st_mode)) {
      reason = ENOTDIR;
    }
    ssize_t length = 0;
    if (reason == 0 && (length = readlinkat(link, "", target.data(), target.size() - 1)) < 0) {
      reason = errno;
    }
    close(link);
    if (reason != 0) {
      fail(reason);
    }
    if (geteuid() == 0 && status.st_uid != 0) {
      fail(ELOOP, fmt::format("expected a folder at '{}', found a symbolic link of user {}", part,
                              status.st_uid));
    }
    if (++links_ > kMaxLinks) {
      fail(ELOOP);
    }
    const std::filesystem::path to(std::string(target.data(), static_cast<std::size_t>(length)));
    if (to.is_absolute()) {
      begin_at("/");
    }
    push(to);
  }

  const std::filesystem::path& path_;
  Folder::IfMissing if_missing_;
  std::vector<std::string> ahead_;
  int at_ = -1;
  int links_ = 0;
};

}  // namespace

bool FolderError::is_missing() const { return reason_ == ENOENT || reason_ == ENOTDIR; }

Folder::Folder(const std::filesystem::path& path, IfMissing if_missing)
    : descriptor_(Walk(path, if_missing).to_the_end()) {}

Folder::~Folder() { close(descriptor_); }

int remove_from(int folder, const char* name, int file) {
  struct stat open_one {};
  struct stat there {};
  if (fstat(file, &open_one) != 0 || fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? 0 : errno;
  }
  if (open_one.st_dev != there.st_dev || open_one.st_ino != there.st_ino) {
    return ESTALE;
  }
  return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace rein
