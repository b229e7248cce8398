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

#include "common/error.hpp"

namespace rein {

namespace {

constexpr int kMaxLinks = 40;  ///< As the kernel's own limit.
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
  [[noreturn]] void fail(const std::string& reason) const {
    throw Error(fmt::format("{}: cannot use this folder: {}", path_.string(), reason));
  }

  void push(const std::filesystem::path& path) {
    const std::filesystem::path relative = path.relative_path();
    const std::vector<std::string> parts(relative.begin(), relative.end());
    ahead_.insert(ahead_.end(), parts.rbegin(), parts.rend());
  }

  void begin_at(const char* folder) { move_to(open(folder, kLook)); }

  void move_to(int descriptor) {
    if (descriptor < 0) {
      fail(std::strerror(errno));
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
    if (next < 0 && errno == ENOENT && if_missing_ == Folder::IfMissing::kMake) {
      if (mkdirat(at_, part.c_str(), 0777) != 0 && errno != EEXIST) {
        fail(std::strerror(errno));
      }
      next = openat(at_, part.c_str(), kLook | O_NOFOLLOW);
    }
    if (next < 0 && (errno == ENOTDIR || errno == ELOOP)) {
      follow(part);
      return;
    }
    move_to(next);
  }

  /// Looks at the link that is open, so that nobody puts another in its place meanwhile.
  void follow(const std::string& part) {
    const int link = openat(at_, part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (link < 0) {
      fail(std::strerror(errno));
    }
    struct stat status {};
    std::array<char, PATH_MAX> target{};
    const bool is_link = fstat(link, &status) == 0 && S_ISLNK(status.st_mode);
    const ssize_t length = readlinkat(link, "", target.data(), target.size() - 1);
    close(link);
    if (!is_link || length < 0) {
      fail(std::strerror(ENOTDIR));
    }
    if (geteuid() == 0 && status.st_uid != 0) {
      fail(fmt::format("expected a folder at '{}', found a symbolic link of user {}", part,
                       status.st_uid));
    }
    if (++links_ > kMaxLinks) {
      fail(std::strerror(ELOOP));
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

Folder::Folder(const std::filesystem::path& path, IfMissing if_missing)
    : descriptor_(Walk(path, if_missing).to_the_end()) {}

Folder::~Folder() { close(descriptor_); }

}  // namespace rein
