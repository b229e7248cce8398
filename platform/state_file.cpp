#include "platform/state_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "common/error.hpp"
#include "common/folder.hpp"
#include "platform/kernel_file.hpp"
#include "platform/restorable.hpp"

namespace rein {

namespace {

constexpr std::string_view kMagic = "rein-state";
constexpr std::string_view kVersion = "1";
constexpr off_t kMostBytes = 1'048'576;  ///< Several thousand settings.

/// What a terminal does not take for a command.
std::string printable(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(
      shown, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; },
      '?');
  return shown;
}

std::string boot_id(const SysfsRoot& root) {
  return root.try_read("/proc/sys/kernel/random/boot_id").value_or("unknown");
}

/// Only we and root can change what is there.
bool is_ours(const struct stat& status) {
  return (status.st_uid == geteuid() || status.st_uid == 0) && (status.st_mode & 022) == 0;
}

/// The folder of the file, if a state file may be made in it.
std::unique_ptr<Folder> folder_for(const std::filesystem::path& file) {
  try {
    auto folder = std::make_unique<Folder>(file.parent_path());
    struct stat status {};
    const bool is_fit = fstat(folder->descriptor(), &status) == 0 && is_ours(status) &&
                        faccessat(folder->descriptor(), ".", W_OK, AT_EACCESS) == 0;
    return is_fit ? std::move(folder) : nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  throw ConfigError(fmt::format("{}{}; `rein restore --discard` drops it", file.string(), why));
}

/// The whole text. What is looked at is what is read, whoever renames what meanwhile.
/// @return nothing if there is no such file.
std::optional<std::string> read_own(const std::filesystem::path& file) {
  const int descriptor =
      open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return std::nullopt;
  }
  if (descriptor < 0) {
    refuse(file, errno == ELOOP ? ": expected a file, found a symbolic link"
                                : fmt::format(": cannot be read: {}", std::strerror(errno)));
  }
  struct stat status {};
  fstat(descriptor, &status);
  std::string why;
  if (!S_ISREG(status.st_mode)) {
    why = ": expected a file, found something else";
  } else if (!is_ours(status)) {
    why = fmt::format(
        ": expected a file that only you or root can write, found owner {} and mode {:o}",
        status.st_uid, status.st_mode & 07777);
  } else if (status.st_nlink > 1) {
    why = ": expected a file of one name, found hard links to it";
  } else if (status.st_size > kMostBytes) {
    why = fmt::format(": expected at most {} bytes, found {}", kMostBytes, status.st_size);
  }
  std::string text(why.empty() ? static_cast<std::size_t>(status.st_size) : 0, '\0');
  if (why.empty()) {
    const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
    if (count < 0) {
      why = fmt::format(": cannot be read: {}", std::strerror(errno));
    }
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  close(descriptor);
  if (!why.empty()) {
    refuse(file, why);
  }
  return text;
}

}  // namespace

std::filesystem::path StateFile::default_path(const SysfsRoot& root) {
  auto file = root.resolve("/var/lib/rein/state");
  if (root.root() != "/" || std::filesystem::exists(file) || folder_for(file)) {
    return file;
  }
  const char* state_home = std::getenv("XDG_STATE_HOME");
  if (state_home != nullptr && *state_home != '\0') {
    return std::filesystem::path(state_home) / "rein" / "state";
  }
  const char* home = std::getenv("HOME");
  return home == nullptr ? file : std::filesystem::path(home) / ".local/state/rein/state";
}

std::optional<StateFile::Leftover> StateFile::read(const std::filesystem::path& file,
                                                   const SysfsRoot& root) {
  const auto content = read_own(file);
  if (!content || content->find('\n') == std::string::npos) {
    return std::nullopt;  // Or cut off before anything was changed.
  }
  const std::string& text = *content;
  const std::size_t end = text.find('\n');
  const auto words = split_words(std::string_view(text).substr(0, end));
  const auto fail = [&file](std::size_t line, const std::string& expected, std::string_view found) {
    refuse(file, fmt::format(":{}: expected {}, found '{}'", line, expected, printable(found)));
  };
  if (words.size() != 4 || words[0] != kMagic || words[1] != kVersion || !parse_count(words[2])) {
    fail(1, "'rein-state 1', a process id and a boot id", text.substr(0, end));
  }
  Leftover leftover{.process = static_cast<int>(*parse_count(words[2])),
                    .same_boot = words[3] == boot_id(root),
                    .lines = text.substr(end + 1)};
  const RestorableFiles files(root);
  std::size_t number = 2;
  std::string_view rest = leftover.lines;
  for (std::size_t length = 0; (length = rest.find('\n')) != std::string_view::npos; ++number) {
    Restoration restoration;
    if (!Restoration::parse(rest.substr(0, length), restoration)) {
      fail(number, "'value', 'write' or 'group', a path, a tab and a text", rest.substr(0, length));
    }
    if (!files.hold(restoration)) {
      fail(number, files.expected(), rest.substr(0, length));
    }
    rest.remove_prefix(length + 1);
  }
  return leftover;
}

std::optional<std::string> StateFile::discard(const std::filesystem::path& file) {
  const Folder folder(file.parent_path(), Folder::IfMissing::kFail);
  const std::string name = file.filename().string();
  struct stat status {};
  if (fstatat(folder.descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  std::string text;
  const int descriptor = openat(folder.descriptor(), name.c_str(),
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor >= 0) {
    text.resize(static_cast<std::size_t>(
        S_ISREG(status.st_mode) ? std::min(status.st_size, kMostBytes) : 0));
    const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    close(descriptor);
  }
  if (unlinkat(folder.descriptor(), name.c_str(), 0) != 0) {
    throw Error(fmt::format("{}: cannot be removed: {}", file.string(), std::strerror(errno)));
  }
  return printable(text);
}

StateFile::StateFile(std::filesystem::path file, const SysfsRoot& root) : path_(std::move(file)) {
  if (const auto folder = folder_for(path_)) {
    descriptor_ = openat(folder->descriptor(), path_.filename().c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  }
  if (descriptor_ < 0) {
    path_.clear();
    descriptor_ = memfd_create("rein-state", MFD_CLOEXEC);
  }
  append(fmt::format("{} {} {} {}\n", kMagic, kVersion, root.calls().process_id(), boot_id(root)));
}

StateFile::~StateFile() { close(descriptor_); }

void StateFile::append(const std::string& text) {
  if (write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw Error(fmt::format("{}: cannot be written: {}", path_.string(), std::strerror(errno)));
  }
}

void StateFile::add(const Restoration& restoration) { append(restoration.line()); }

void StateFile::sync() {
  if (!path_.empty()) {
    fdatasync(descriptor_);
  }
}

void StateFile::remove() {
  if (!path_.empty()) {
    unlink(path_.c_str());
  }
}

}  // namespace rein
