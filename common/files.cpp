#include "common/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ext/stdio_filebuf.h>

#include "common/error.hpp"
#include "common/folder.hpp"

namespace rein {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& problem) {
  throw ConfigError(fmt::format("{}: {}", file.string(), problem));
}

/// @throws ConfigError unless it is a regular file.
void require_regular(const std::filesystem::path& file, const struct stat& status) {
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      return;
    case S_IFDIR:
      refuse(file, "expected a file, found a folder");
    case S_IFIFO:
      refuse(file, "expected a regular file, found a pipe: write it into a file first");
    case S_IFSOCK:
      refuse(file, "expected a regular file, found a socket");
    default:
      refuse(file, "expected a regular file, found a device");
  }
}

/// Closes itself.
class OpenFile {
 public:
  /// Does not wait for anybody, if it has become a pipe meanwhile.
  explicit OpenFile(const std::filesystem::path& file)
      : descriptor_(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

std::string read_file(const std::filesystem::path& file, std::size_t most) {
  const auto fail = [&file] {
    refuse(file, fmt::format("cannot be read: {}", std::strerror(errno)));
  };
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    fail();
  }
  require_regular(file, status);
  const OpenFile open_file(file);
  if (open_file.descriptor() < 0 || fstat(open_file.descriptor(), &status) != 0) {
    fail();
  }
  require_regular(file, status);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > most) {
    refuse(file, fmt::format("expected at most {} bytes, found {}", most, size));
  }
  // Files of the kernel have no size, and others may grow.
  std::string content(size + 1, '\0');
  std::size_t have = 0;
  while (true) {
    const ssize_t got = read(open_file.descriptor(), content.data() + have, content.size() - have);
    if (got < 0 && errno != EINTR) {
      fail();
    }
    if (got == 0) {
      break;
    }
    have += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (have > most) {
      refuse(file, fmt::format("expected at most {} bytes, found more", most));
    }
    if (have == content.size()) {
      content.resize(2 * have);
    }
  }
  content.resize(have);
  return content;
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool is_regular(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

namespace {

/// What a file is to be written in, and its name there.
struct Target {
  explicit Target(const std::filesystem::path& file)
      : path(file), folder(file.parent_path()), name(file.filename().string()) {}

  [[noreturn]] void fail(int reason) const {
    throw Error(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(reason)));
  }

  /// Where a rename would put an end to a device, a pipe or a folder.
  void require_file_or_nothing() const {
    struct stat status {};
    if (name.empty() || name == "." || name == "..") {
      fail(EISDIR);
    }
    if (fstatat(folder.descriptor(), name.c_str(), &status, 0) == 0 && !S_ISREG(status.st_mode)) {
      throw Error(fmt::format("{}: cannot be written: expected a file or nothing, found {}",
                              path.string(),
                              S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket"));
    }
  }

  /// @return a descriptor of a file that was not there before, or -1 with errno.
  int make(const std::string& as) const {
    return openat(folder.descriptor(), as.c_str(),
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  }
  /// The same in the place of whatever is there.
  int make_anew(const std::string& as) const {
    const int descriptor = make(as);
    if (descriptor >= 0 || errno != EEXIST || unlinkat(folder.descriptor(), as.c_str(), 0) != 0) {
      return descriptor;
    }
    return make(as);
  }

  const std::filesystem::path& path;
  Folder folder;
  std::string name;
};

/// @return 0 or an error.
int write_whole(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(descriptor, content.data(), content.size());
    if (count < 0 && errno != EINTR) {
      return errno;
    }
    content.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return 0;
}

/// @return a descriptor.
int open_output(const std::filesystem::path& file, OutputFile::IfThere if_there) {
  const Target target(file);
  target.require_file_or_nothing();
  int descriptor = -1;
  switch (if_there) {
    case OutputFile::IfThere::kFail:
      descriptor = target.make(target.name);
      break;
    case OutputFile::IfThere::kReplace:
      descriptor = target.make_anew(target.name);
      break;
    case OutputFile::IfThere::kAppend:
      descriptor = openat(target.folder.descriptor(), target.name.c_str(),
                          O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
      break;
  }
  if (descriptor < 0) {
    target.fail(errno);
  }
  return descriptor;
}

}  // namespace

void make_folder(const std::filesystem::path& folder) { const Folder made(folder); }

void write_file(const std::filesystem::path& file, std::string_view content) {
  const Target target(file);
  target.require_file_or_nothing();
  const std::string draft = target.name + ".part";
  const int descriptor = target.make_anew(draft);
  if (descriptor < 0) {
    target.fail(errno);
  }
  int reason = write_whole(descriptor, content);
  if (close(descriptor) != 0 && reason == 0) {
    reason = errno;
  }
  const int folder = target.folder.descriptor();
  if (reason == 0 && renameat(folder, draft.c_str(), folder, target.name.c_str()) != 0) {
    reason = errno;
  }
  if (reason != 0) {
    unlinkat(folder, draft.c_str(), 0);
    target.fail(reason);
  }
}

OutputFile::OutputFile(const std::filesystem::path& file, IfThere if_there)
    : std::ostream(nullptr),
      path_(file),
      descriptor_(open_output(file, if_there)),
      buffer_(std::make_unique<__gnu_cxx::stdio_filebuf<char>>(descriptor_,
                                                               std::ios::out | std::ios::binary)) {
  rdbuf(buffer_.get());
}

OutputFile::~OutputFile() = default;

void OutputFile::shorten(std::size_t size) {
  if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    throw Error(fmt::format("{}: cannot be shortened: {}", path_.string(), std::strerror(errno)));
  }
}

void OutputFile::close() {
  if (buffer_->close() == nullptr) {
    setstate(std::ios::failbit);
  }
}

}  // namespace rein
