#include "platform/state_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "platform/kernel_file.hpp"

namespace rein {

namespace {

constexpr std::string_view kMagic = "rein-state";
constexpr std::string_view kVersion = "1";

std::string boot_id(const SysfsRoot& root) {
  return root.try_read("/proc/sys/kernel/random/boot_id").value_or("unknown");
}

bool can_be_made(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  return access(file.parent_path().c_str(), W_OK) == 0;
}

/// Root would write what another user put there.
void require_safe(const std::filesystem::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    throw ConfigError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
  }
  if ((status.st_uid != geteuid() && status.st_uid != 0) || (status.st_mode & 022) != 0) {
    throw ConfigError(fmt::format(
        "{}: expected a file that only you or root can write, found owner {} and mode {:o}",
        file.string(), status.st_uid, status.st_mode & 07777));
  }
}

/// A setting of the kernel: nothing else may ever be written because of a state file.
bool is_setting(std::string_view path, const std::string& sys) {
  return path.starts_with(sys) && path.find("/../") == std::string_view::npos;
}

}  // namespace

std::filesystem::path StateFile::default_path(const SysfsRoot& root) {
  auto file = root.resolve("/var/lib/rein/state");
  if (root.root() != "/" || std::filesystem::exists(file) || can_be_made(file)) {
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
  if (!std::filesystem::exists(file)) {
    return std::nullopt;
  }
  require_safe(file);
  const std::string text = read_file(file);
  const std::size_t end = text.find('\n');
  const auto words = split_words(std::string_view(text).substr(0, end));
  if (end == std::string::npos) {
    return std::nullopt;  // Cut off before anything was changed.
  }
  const auto fail = [&file](std::size_t line, const std::string& expected, std::string_view found) {
    throw ConfigError(
        fmt::format("{}:{}: expected {}, found '{}'", file.string(), line, expected, found));
  };
  if (words.size() != 4 || words[0] != kMagic || words[1] != kVersion || !parse_count(words[2])) {
    fail(1, "'rein-state 1', a process id and a boot id", text.substr(0, end));
  }
  Leftover leftover{.process = static_cast<int>(*parse_count(words[2])),
                    .same_boot = words[3] == boot_id(root),
                    .lines = text.substr(end + 1)};
  std::size_t number = 2;
  std::string_view rest = leftover.lines;
  for (std::size_t length = 0; (length = rest.find('\n')) != std::string_view::npos; ++number) {
    Restoration restoration;
    const std::string sys = root.resolve("/sys").string() + "/";
    if (!Restoration::parse(rest.substr(0, length), restoration)) {
      fail(number, "'value', 'write' or 'group', a path, a tab and a text", rest.substr(0, length));
    }
    if (!is_setting(restoration.path, sys)) {
      fail(number, "a path below " + sys, restoration.path);
    }
    rest.remove_prefix(length + 1);
  }
  return leftover;
}

StateFile::StateFile(std::filesystem::path file, const SysfsRoot& root) : path_(std::move(file)) {
  if (can_be_made(path_)) {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
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
