#include "platform/giving_back/state_file.hpp"

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
#include <vector>

#include "common/error.hpp"
#include "common/folder.hpp"
#include "common/printable.hpp"
#include "platform/giving_back/restorable.hpp"
#include "platform/kernel/kernel_file.hpp"

namespace rein {

namespace {

constexpr std::string_view kMagic = "rein-state";
constexpr std::string_view kVersion = "1";

/// Its lines, with nothing in them that a terminal takes for a command.
std::string printable_lines(std::string_view text) {
  std::string shown;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
    shown += printable(text.substr(0, end)) + '\n';
    text.remove_prefix(end + 1);
  }
  return shown + printable(text);
}

std::string boot_id(const SysfsRoot& root) {
  return root.try_read("/proc/sys/kernel/random/boot_id").value_or("unknown");
}

/// Only we and root can change what is there.
bool is_ours(const struct stat& status) {
  return (status.st_uid == geteuid() || status.st_uid == 0) && (status.st_mode & 022) == 0;
}

/// @throws Error unless only we and root can change what is there.
void require_ours(const std::filesystem::path& folder, int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    throw Error(fmt::format("{}: {}", folder.string(), std::strerror(errno)));
  }
  if (!is_ours(status)) {
    throw Error(fmt::format(
        "{}: expected a folder that only you or root can write, found owner {} and mode {:o}",
        folder.string(), status.st_uid, status.st_mode & 07777));
  }
}

/// The folder that a state file may be made in. @throws Error with the reason.
std::unique_ptr<const Folder> make_folder_of(const std::filesystem::path& file) {
  const auto path = file.parent_path();
  auto folder = std::make_unique<const Folder>(path, Folder::IfMissing::kMakeOurs);
  require_ours(path, folder->descriptor());
  if (faccessat(folder->descriptor(), ".", W_OK, AT_EACCESS) != 0) {
    throw Error(fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
  }
  return folder;
}

bool can_be_made(const std::filesystem::path& file) {
  try {
    make_folder_of(file);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// The best first.
std::vector<std::filesystem::path> places(const SysfsRoot& root) {
  std::vector<std::filesystem::path> files{root.resolve("/var/lib/rein/state")};
  if (!root.is_machine()) {
    return files;
  }
  if (geteuid() == 0) {
    // Never where the environment says: with sudo that may be another user's folder.
    files.emplace_back("/run/rein/state");
    return files;
  }
  for (const auto& [variable, below] :
       {std::pair{"XDG_STATE_HOME", "rein/state"}, {"HOME", ".local/state/rein/state"}}) {
    const char* folder = std::getenv(variable);
    if (folder != nullptr && *folder == '/') {
      files.push_back(std::filesystem::path(folder) / below);
      break;
    }
  }
  return files;
}

std::string name_of(uid_t user) { return user == 0 ? "root" : fmt::format("user {}", user); }

/// Throws what is wrong with a file that is there, and who can be rid of it.
[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  std::string who;
  const auto folder = file.parent_path();
  struct stat status {};
  if (stat(folder.empty() ? "." : folder.c_str(), &status) == 0 &&
      faccessat(AT_FDCWD, folder.empty() ? "." : folder.c_str(), W_OK, AT_EACCESS) != 0) {
    who = fmt::format(", run as {},", name_of(status.st_uid));
  }
  throw ConfigError(
      fmt::format("{}{}; `rein restore --discard`{} drops it", file.string(), why, who));
}

/// Another user's, which we cannot read.
[[noreturn]] void refuse_closed(const std::filesystem::path& file, const Folder& folder) {
  struct stat status {};
  const bool is_known =
      fstatat(folder.descriptor(), file.filename().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!is_known || status.st_uid == geteuid()) {
    refuse(file, fmt::format(": cannot be read: {}", std::strerror(EACCES)));
  }
  const std::string owner = name_of(status.st_uid);
  throw ConfigError(fmt::format(
      "{}: a run of {} has left settings of this machine changed, and only {} can put them back: "
      "`rein restore` has to be run as {}",
      file.string(), owner, status.st_uid == 0 ? owner : owner + " or root", owner));
}

/// What is wrong with a file for a state file; empty if nothing is.
std::string obstacle_of(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    return fmt::format(": cannot be read: {}", std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return ": expected a file, found something else";
  }
  if (!is_ours(status)) {
    return fmt::format(
        ": expected a file that only you or root can write, found owner {} and mode {:o}",
        status.st_uid, status.st_mode & 07777);
  }
  if (status.st_nlink > 1) {
    return ": expected a file of one name, found hard links to it";
  }
  if (static_cast<std::size_t>(status.st_size) > StateFile::kMostBytes) {
    return fmt::format(": expected at most {} bytes, found {}", StateFile::kMostBytes,
                       status.st_size);
  }
  return "";
}

/// What a file says, as far as a state file goes. @return 0 or an error.
int read_text(int descriptor, std::string& text) {
  struct stat status {};
  int error = fstat(descriptor, &status) == 0 ? 0 : errno;
  text.resize(std::min(static_cast<std::size_t>(status.st_size), StateFile::kMostBytes));
  std::size_t size = 0;
  while (error == 0 && size < text.size()) {
    const ssize_t count =
        pread(descriptor, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (count == 0) {
      break;
    }
    if (count < 0) {
      error = errno == EINTR ? 0 : errno;
    } else {
      size += static_cast<std::size_t>(count);
    }
  }
  text.resize(size);
  return error;
}

/// Null if there is none, or none that we may look into: we have left nothing there.
std::unique_ptr<const Folder> find_folder_of(const std::filesystem::path& file) {
  try {
    return std::make_unique<const Folder>(file.parent_path(), Folder::IfMissing::kFail);
  } catch (const FolderError& error) {
    if (error.is_missing() || error.reason() == EACCES) {
      return nullptr;
    }
    throw;
  }
}

constexpr int kToRead = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

/// Opens a state file in its folder, and reads it. What is looked at is what is read, whoever
/// renames what meanwhile.
/// @return false if there is no such file.
bool read_own(const std::filesystem::path& file, StateFile::Held& held, std::string& text) {
  auto folder = find_folder_of(file);
  if (!folder) {
    return false;
  }
  held.name = file.filename().string();
  held.descriptor = openat(folder->descriptor(), held.name.c_str(), kToRead);
  const int reason = held.descriptor < 0 ? errno : 0;
  if (reason == ENOENT) {
    return false;
  }
  if (reason == EACCES) {
    refuse_closed(file, *folder);
  }
  if (reason == EMFILE || reason == ENFILE || reason == ENOMEM) {
    // Nothing is wrong with the file.
    throw Error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(reason)));
  }
  if (reason != 0) {
    refuse(file, reason == ELOOP ? ": expected a file, found a symbolic link"
                                 : fmt::format(": cannot be read: {}", std::strerror(reason)));
  }
  if (const std::string obstacle = obstacle_of(held.descriptor); !obstacle.empty()) {
    refuse(file, obstacle);
  }
  try {
    require_ours(file.parent_path(), folder->descriptor());
  } catch (const Error& error) {
    refuse(file, fmt::format(": {}", error.what()));
  }
  if (const int error = read_text(held.descriptor, text); error != 0) {
    refuse(file, fmt::format(": cannot be read: {}", std::strerror(error)));
  }
  held.folder = std::move(folder);
  return true;
}

}  // namespace

StateFile::Held::~Held() {
  if (descriptor >= 0) {
    close(descriptor);
  }
}

StateFile::Held::Held(Held&& other) noexcept
    : folder(std::move(other.folder)),
      name(std::move(other.name)),
      descriptor(std::exchange(other.descriptor, -1)) {}

StateFile::Held& StateFile::Held::operator=(Held&& other) noexcept {
  std::swap(folder, other.folder);
  std::swap(name, other.name);
  std::swap(descriptor, other.descriptor);
  return *this;
}

int StateFile::Held::remove() const {
  return folder ? remove_from(folder->descriptor(), name.c_str(), descriptor) : 0;
}

std::filesystem::path StateFile::default_path(const SysfsRoot& root) {
  const auto files = places(root);
  if (!root.is_machine()) {
    return files.front();
  }
  const auto is_taken = [](const std::filesystem::path& file) {
    struct stat status {};
    return lstat(file.c_str(), &status) == 0;
  };
  auto found = std::ranges::find_if(files, is_taken);
  if (found == files.end()) {
    found = std::ranges::find_if(files, can_be_made);
  }
  return found == files.end() ? files.back() : *found;
}

std::optional<StateFile::Leftover> StateFile::read(const std::filesystem::path& file,
                                                   const SysfsRoot& root) {
  Leftover leftover;
  std::string text;
  if (!read_own(file, leftover.file, text)) {
    return std::nullopt;
  }
  if (text.find('\n') == std::string::npos) {
    return leftover;
  }
  const std::size_t end = text.find('\n');
  const auto words = split_words(std::string_view(text).substr(0, end));
  const auto fail = [&file](std::size_t line, const std::string& expected, std::string_view found) {
    refuse(file, fmt::format(":{}: expected {}, found '{}'", line, expected, printable(found)));
  };
  if (words.size() != 4 || words[0] != kMagic || words[1] != kVersion || !parse_count(words[2])) {
    fail(1, "'rein-state 1', a process id and a boot id", text.substr(0, end));
  }
  leftover.process = static_cast<int>(*parse_count(words[2]));
  leftover.same_boot = words[3] == boot_id(root);
  leftover.is_begun = true;
  leftover.lines = text.substr(end + 1);
  const RestorableFiles files(root);
  std::size_t number = 2;
  std::string_view rest = leftover.lines;
  for (std::size_t length = 0; (length = rest.find('\n')) != std::string_view::npos; ++number) {
    Restoration restoration;
    if (!Restoration::parse(rest.substr(0, length), restoration)) {
      fail(number, "'value', 'write', 'group' or 'cpus', a path, a tab and a text",
           rest.substr(0, length));
    }
    if (!files.hold(restoration)) {
      fail(number, files.expected(), rest.substr(0, length));
    }
    rest.remove_prefix(length + 1);
  }
  return leftover;
}

std::optional<std::string> StateFile::discard(const std::filesystem::path& file) {
  Held held;
  held.folder = find_folder_of(file);
  if (!held.folder) {
    return std::nullopt;
  }
  held.name = file.filename().string();
  const int folder = held.folder->descriptor();
  // Whatever it is, and whether or not we may read it.
  held.descriptor = openat(folder, held.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  int reason = held.descriptor < 0 ? errno : 0;
  if (reason == ENOENT) {
    return std::nullopt;
  }
  std::string text;
  struct stat status {};
  if (reason == 0 && fstat(held.descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
    if (const int readable = openat(folder, held.name.c_str(), kToRead); readable >= 0) {
      // What cannot be shown is dropped all the same.
      [[maybe_unused]] const int ignored = read_text(readable, text);
      close(readable);
    }
  }
  reason = reason == 0 ? held.remove() : reason;
  if (reason != 0) {
    throw Error(fmt::format("{}: cannot be removed: {}{}", file.string(), std::strerror(reason),
                            reason == EACCES || reason == EPERM
                                ? fmt::format("; it is of {}", name_of(status.st_uid))
                                : ""));
  }
  return printable_lines(text);
}

StateFile::StateFile(const std::filesystem::path& file, const SysfsRoot& root)
    : place_(file.string()) {
  const std::string head =
      fmt::format("{} {} {} {}\n", kMagic, kVersion, root.calls().process_id(), boot_id(root));
  if (make(file, head)) {
    return;
  }
  place_ = "the state file in memory";
  held_.descriptor = memfd_create("rein-state", MFD_CLOEXEC);
  const int reason = held_.descriptor < 0 ? errno : append(head);
  if (reason != 0) {
    throw Error(
        fmt::format("{}: cannot be written: {}; and {}", place_, std::strerror(reason), problem_));
  }
}

bool StateFile::make(const std::filesystem::path& file, const std::string& head) {
  try {
    held_.folder = make_folder_of(file);
  } catch (const Error& error) {
    problem_ = error.what();
    return false;
  }
  held_.name = file.filename().string();
  held_.descriptor = openat(held_.folder->descriptor(), held_.name.c_str(),
                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  const int reason = held_.descriptor < 0 ? errno : append(head);
  if (reason == 0) {
    return true;
  }
  if (held_.descriptor >= 0) {
    held_.remove();
  }
  held_ = Held();
  problem_ = fmt::format("{}: cannot be written: {}", file.string(), std::strerror(reason));
  return false;
}

/// All of it, or nothing that counts: what a full disk leaves of a line has no end, and is written
/// over. @return 0 or an error.
int StateFile::append(const std::string& text) {
  if (size_ + text.size() > kMostBytes) {
    return EFBIG;
  }
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = pwrite(held_.descriptor, text.data() + done, text.size() - done,
                                 static_cast<off_t>(size_ + done));
    if (count < 0 && errno != EINTR) {
      const int reason = errno;
      [[maybe_unused]] const int ignored = ftruncate(held_.descriptor, static_cast<off_t>(size_));
      return reason;
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  size_ += done;
  return 0;
}

void StateFile::add(const Restoration& restoration) {
  if (const int reason = append(restoration.line()); reason != 0) {
    throw Error(fmt::format("{}: cannot be written: {}", place_, std::strerror(reason)));
  }
}

int StateFile::sync() const { return held_.folder && fdatasync(held_.descriptor) != 0 ? errno : 0; }

}  // namespace rein
