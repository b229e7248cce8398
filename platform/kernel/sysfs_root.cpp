#include "platform/kernel/sysfs_root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "common/error.hpp"
#include "common/pattern.hpp"

namespace rein {

namespace {

/// "policy2" before "policy10": runs of digits compare as numbers.
bool natural_less(const std::string& left, const std::string& right) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left.size() && j < right.size()) {
    if (is_digit(left[i]) && is_digit(right[j])) {
      const std::size_t i_end =
          std::find_if_not(left.begin() + i, left.end(), is_digit) - left.begin();
      const std::size_t j_end =
          std::find_if_not(right.begin() + j, right.end(), is_digit) - right.begin();
      if (i_end - i != j_end - j) {
        return i_end - i < j_end - j;
      }
      const int order = left.compare(i, i_end - i, right, j, j_end - j);
      if (order != 0) {
        return order < 0;
      }
      i = i_end;
      j = j_end;
    } else if (left[i] != right[j]) {
      return left[i] < right[j];
    } else {
      ++i;
      ++j;
    }
  }
  return left.size() - i < right.size() - j;
}

/// For errors that are ours and tell nothing of the file.
void check_resources(const std::filesystem::path& file, int error) {
  if (error == EMFILE || error == ENFILE || error == ENOMEM) {
    throw ResourceError(
        fmt::format("{}: cannot be read: {}{}", file.string(), std::strerror(error),
                    error == EMFILE ? "; give this process more (`ulimit -n`)" : ""));
  }
}

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// None if it is missing or closed to us; then errno says why.
Directory open_directory(const std::filesystem::path& path) {
  Directory directory(opendir(path.c_str()), &closedir);
  if (!directory) {
    const int error = errno;
    check_resources(path, error);
    errno = error;
  }
  return directory;
}

/// The text of a file without trailing white space. @return 0 or an error.
int read_text(SystemCalls& calls, const std::filesystem::path& file, std::string& text) {
  const int descriptor = calls.open_file(file.c_str(), O_RDONLY);
  if (descriptor < 0) {
    check_resources(file, -descriptor);
    return -descriptor;
  }
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = calls.read_file(descriptor, buffer, static_cast<off_t>(text.size()))) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  calls.close_file(descriptor);
  // A device tree's texts end with a zero byte.
  text.erase(text.find_last_not_of(std::string_view(" \t\r\n\0", 5)) + 1);
  return count < 0 ? static_cast<int>(-count) : 0;
}

/// By whatever name.
bool is_the_root(const std::filesystem::path& path) {
  std::error_code ignored;
  return path == "/" || std::filesystem::equivalent(path, "/", ignored);
}

/// The file systems in which the kernel has what can be set.
constexpr std::array<long, 4> kOfTheKernel{SYSFS_MAGIC, DEBUGFS_MAGIC, CGROUP_SUPER_MAGIC,
                                           CGROUP2_SUPER_MAGIC};

/// What keeps the open file from being taken for a setting. @return 0 or an error.
int obstacle_of(int descriptor, bool is_machine) {
  struct stat status {};
  struct statfs system {};
  if (fstat(descriptor, &status) != 0 || fstatfs(descriptor, &system) != 0) {
    return errno;
  }
  if (S_ISLNK(status.st_mode)) {
    return ELOOP;  // As without O_PATH.
  }
  const auto type = static_cast<long>(system.f_type);
  return !is_machine || std::ranges::find(kOfTheKernel, type) != kOfTheKernel.end() ? 0 : EPERM;
}

}  // namespace

SysfsRoot::SysfsRoot(std::filesystem::path root, SystemCalls& calls)
    : root_(std::move(root)), calls_(&calls), is_machine_(is_the_root(root_)) {}

bool SysfsRoot::is_where_we_run() const {
  return exists(fmt::format("/proc/self/task/{}", calls_->process_id()));
}

std::filesystem::path SysfsRoot::resolve(const std::string& kernel_path) const {
  return root_ / std::filesystem::path(kernel_path).relative_path();
}

bool SysfsRoot::exists(const std::string& kernel_path) const {
  return access(resolve(kernel_path).c_str(), F_OK) == 0;
}

bool SysfsRoot::writable(const std::string& kernel_path) const {
  return access(resolve(kernel_path).c_str(), W_OK) == 0;
}

std::string SysfsRoot::read(const std::string& kernel_path) const {
  std::string text;
  const auto file = resolve(kernel_path);
  if (const int reason = read_text(*calls_, file, text); reason != 0) {
    throw Error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(reason)));
  }
  return text;
}

std::optional<std::string> SysfsRoot::try_read(const std::string& kernel_path) const {
  std::string text;
  if (read_text(*calls_, resolve(kernel_path), text) != 0) {
    return std::nullopt;
  }
  return text;
}

int SysfsRoot::read_error(const std::string& kernel_path) const {
  const auto file = resolve(kernel_path);
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return open_directory(file) ? 0 : errno;
  }
  std::string text;
  return read_text(*calls_, file, text);
}

int SysfsRoot::write_error(const std::string& kernel_path) const {
  return access(resolve(kernel_path).c_str(), W_OK) == 0 ? 0 : errno;
}

bool SysfsRoot::leads_nowhere(const std::string& kernel_path) const {
  std::filesystem::path path = root_;
  for (const auto& part : std::filesystem::path(kernel_path).relative_path()) {
    path /= part;
    std::error_code ignored;
    if (std::filesystem::is_symlink(path, ignored) && !std::filesystem::exists(path, ignored)) {
      return true;
    }
  }
  return false;
}

int SysfsRoot::open_setting(const char* path, int flags) const {
  const bool is_emptied = !is_machine_ && (flags & O_ACCMODE) == O_WRONLY;
  const int descriptor =
      calls_->open_file(path, flags | O_NOFOLLOW | O_NONBLOCK | (is_emptied ? O_TRUNC : 0));
  const int error = descriptor < 0 ? 0 : obstacle_of(descriptor, is_machine_);
  if (error != 0) {
    calls_->close_file(descriptor);
    return -error;
  }
  return descriptor;
}

void SysfsRoot::write(const std::string& kernel_path, const std::string& value) const {
  const auto file = resolve(kernel_path);
  const auto fail = [&](int reason) {
    throw Error(
        fmt::format("{}: cannot write '{}': {}", file.string(), value, std::strerror(reason)));
  };
  // Never O_CREAT: a file that the kernel does not have is a mistake.
  const int descriptor = open_setting(file.c_str(), O_WRONLY);
  if (descriptor < 0) {
    fail(-descriptor);
  }
  const ssize_t count = calls_->write_file(descriptor, value);
  calls_->close_file(descriptor);
  if (count != static_cast<ssize_t>(value.size())) {
    fail(count < 0 ? static_cast<int>(-count) : EIO);
  }
}

std::vector<std::string> SysfsRoot::list(const std::string& kernel_path) const {
  std::vector<std::string> names;
  const Directory directory = open_directory(resolve(kernel_path));
  while (const dirent* entry = directory ? readdir(directory.get()) : nullptr) {
    if (const std::string_view name = entry->d_name; name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

std::vector<std::string> SysfsRoot::find(const std::string& pattern) const {
  std::vector<std::string> paths{""};
  for (const auto& part : std::filesystem::path(pattern).relative_path()) {
    std::vector<std::string> longer;
    for (const auto& path : paths) {
      if (part.string().find('*') == std::string::npos) {
        longer.push_back(fmt::format("{}/{}", path, part.string()));
        continue;
      }
      for (const auto& name : list(path.empty() ? "/" : path)) {
        if (matches(part.string(), name)) {
          longer.push_back(fmt::format("{}/{}", path, name));
        }
      }
    }
    paths = std::move(longer);
  }
  std::erase_if(paths, [this](const std::string& path) { return !exists(path); });
  return paths;
}

}  // namespace rein
