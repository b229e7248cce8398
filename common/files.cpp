#include "common/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "common/error.hpp"

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

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
  }
}

void write_file(const std::filesystem::path& file, std::string_view content) {
  if (file.has_parent_path()) {
    make_folder(file.parent_path());
  }
  const std::filesystem::path draft = file.string() + ".part";
  std::ofstream stream(draft, std::ios::binary | std::ios::trunc);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  stream.close();
  std::error_code error;
  if (!stream) {
    const int reason = errno;
    std::filesystem::remove(draft, error);
    throw Error(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(reason)));
  }
  std::filesystem::rename(draft, file, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be written: {}", file.string(), error.message()));
  }
}

}  // namespace rein
