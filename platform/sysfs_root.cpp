#include "platform/sysfs_root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/error.hpp"

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

/// The text of a file without trailing white space, or errno.
int read_text(const std::filesystem::path& file, std::string& text) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return errno;
  }
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = ::read(descriptor, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  const int reason = count < 0 ? errno : 0;
  close(descriptor);
  // A device tree's texts end with a zero byte.
  text.erase(text.find_last_not_of(std::string_view(" \t\r\n\0", 5)) + 1);
  return reason;
}

}  // namespace

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
  if (const int reason = read_text(file, text); reason != 0) {
    throw Error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(reason)));
  }
  return text;
}

std::optional<std::string> SysfsRoot::try_read(const std::string& kernel_path) const {
  std::string text;
  if (read_text(resolve(kernel_path), text) != 0) {
    return std::nullopt;
  }
  return text;
}

void SysfsRoot::write(const std::string& kernel_path, const std::string& value) const {
  const auto file = resolve(kernel_path);
  const auto fail = [&](int reason) {
    throw Error(
        fmt::format("{}: cannot write '{}': {}", file.string(), value, std::strerror(reason)));
  };
  // Never O_CREAT: a file that the kernel does not have is a mistake.
  const int descriptor = open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (descriptor < 0) {
    fail(errno);
  }
  // The kernel takes a value whole, in one write, or refuses it.
  const ssize_t count = ::write(descriptor, value.data(), value.size());
  const int reason = count < 0 ? errno : EIO;
  close(descriptor);
  if (count != static_cast<ssize_t>(value.size())) {
    fail(reason);
  }
}

std::vector<std::string> SysfsRoot::list(const std::string& kernel_path) const {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(resolve(kernel_path).c_str()),
                                                      &closedir);
  if (!directory) {
    return names;
  }
  while (const dirent* entry = readdir(directory.get())) {
    if (const std::string_view name = entry->d_name; name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

}  // namespace rein
