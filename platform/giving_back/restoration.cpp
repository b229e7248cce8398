#include "platform/giving_back/restoration.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <utility>

#include "platform/giving_back/given_cpus.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::array<std::pair<std::string_view, Restoration::Kind>, 4> kKinds{{
    {"value", Restoration::Kind::kValue},
    {"write", Restoration::Kind::kWrite},
    {"group", Restoration::Kind::kGroup},
    {"cpus", Restoration::Kind::kCpus},
}};
constexpr int kMaxPasses = 5;
constexpr int kMaxRounds = 64;  ///< Of some hundred processes each.
constexpr int kLongestPauseMs = 64;

/// A path with an end, as the kernel wants it; one that is too long stays too long for the kernel.
class CPath {
 public:
  explicit CPath(std::string_view path, std::string_view file = {}) {
    const std::size_t first = path.copy(text_.data(), text_.size() - 1);
    text_[first + file.copy(text_.data() + first, text_.size() - 1 - first)] = '\0';
  }
  const char* get() const { return text_.data(); }

 private:
  std::array<char, PATH_MAX + 1> text_;
};

enum class Outcome { kAsItWas, kChanged, kFailed };

struct Step {
  Outcome outcome = Outcome::kAsItWas;
  int error = 0;
};

Step failure(ssize_t result) { return {Outcome::kFailed, static_cast<int>(-result)}; }

/// What a file holds, in `buffer`. @return the number of bytes, or minus an error.
ssize_t read_whole(const SysfsRoot& root, const char* path, std::span<char> buffer) {
  const int descriptor = root.open_setting(path, O_RDONLY);
  if (descriptor < 0) {
    return descriptor;
  }
  const ssize_t count = root.calls().read_file(descriptor, buffer, 0);
  root.calls().close_file(descriptor);
  return count;
}

/// @return 0 or minus an error.
ssize_t write_whole(const SysfsRoot& root, const char* path, std::string_view text) {
  const int descriptor = root.open_setting(path, O_WRONLY);
  if (descriptor < 0) {
    return descriptor;
  }
  const ssize_t count = root.calls().write_file(descriptor, text);
  root.calls().close_file(descriptor);
  if (count < 0) {
    return count;
  }
  return count == static_cast<ssize_t>(text.size()) ? 0 : -EIO;
}

Step write_text(const SysfsRoot& root, const Restoration& restoration) {
  const CPath path(restoration.path);
  const ssize_t result = write_whole(root, path.get(), restoration.text);
  return result < 0 ? failure(result) : Step{Outcome::kChanged, 0};
}

Step write_value(const SysfsRoot& root, const Restoration& restoration) {
  const CPath path(restoration.path);
  std::array<char, 4096> buffer;
  const ssize_t count = read_whole(root, path.get(), buffer);
  if (count < 0) {
    return failure(count);
  }
  if (trim({buffer.data(), static_cast<std::size_t>(count)}) == restoration.text) {
    return {};
  }
  return write_text(root, restoration);
}

/// Sends the processes of a group to another one. @return 0 or minus an error.
ssize_t send_members(const SysfsRoot& root, const char* members, const char* home) {
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  std::optional<std::uint64_t> first;
  for (int round = 0; round < kMaxRounds; ++round) {
    count = read_whole(root, members, buffer);
    std::string_view rest(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    const bool is_all = rest.size() < buffer.size();
    // The last number may go on behind the buffer.
    rest = rest.substr(0, is_all ? rest.size() : rest.rfind('\n') + 1);
    const auto now_first = parse_count(rest.substr(0, rest.find('\n')));
    if (now_first == std::exchange(first, now_first)) {
      break;  // It does not go.
    }
    while (!(rest = trim(rest)).empty()) {
      const std::string_view process = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(process.size());
      const ssize_t result = write_whole(root, home, process);
      if (result < 0 && result != -ESRCH) {
        return result;
      }
    }
    if (is_all) {
      break;
    }
  }
  return count == -ENOENT || count == -ENODEV ? 0 : std::min<ssize_t>(count, 0);
}

/// In the folder that is open, so that nobody puts another in its place. @return 0 or an error.
int remove_directory(const SysfsRoot& root, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const CPath above(path.substr(0, slash));
  const CPath name(path.substr(slash + 1));
  const int folder = root.open_setting(above.get(), O_PATH | O_DIRECTORY);
  if (folder < 0) {
    return -folder;
  }
  const int error = root.calls().remove_directory(folder, name.get());
  root.calls().close_file(folder);
  return error;
}

Step remove_group(const SysfsRoot& root, const Restoration& restoration) {
  const CPath members(restoration.path, "/cgroup.procs");
  const CPath home(restoration.text, "/cgroup.procs");
  if (const ssize_t result = send_members(root, members.get(), home.get()); result < 0) {
    return failure(result);
  }
  const int error = remove_directory(root, restoration.path);
  if (error == ENOENT) {
    return {};
  }
  return error == 0 ? Step{Outcome::kChanged, 0} : failure(-error);
}

Step put_back(const SysfsRoot& root, const Restoration& restoration, bool first_pass) {
  switch (restoration.kind) {
    case Restoration::Kind::kValue:
      return write_value(root, restoration);
    case Restoration::Kind::kWrite: {
      const Step step = write_text(root, restoration);
      return first_pass || step.outcome == Outcome::kFailed ? step : Step{};
    }
    case Restoration::Kind::kGroup:
      return remove_group(root, restoration);
    case Restoration::Kind::kCpus: {
      const int error = give_back_cpus(root, restoration.path, restoration.text);
      return error != 0 ? failure(-error)
                        : Step{first_pass ? Outcome::kChanged : Outcome::kAsItWas};
    }
  }
  return {};
}

/// Calls `visit` with each restoration, the last one first.
template <typename Visit>
void visit_backwards(std::string_view lines, const Visit& visit) {
  std::size_t end = lines.rfind('\n');
  while (end != std::string_view::npos) {
    const std::size_t before = end == 0 ? std::string_view::npos : lines.rfind('\n', end - 1);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    Restoration restoration;
    if (Restoration::parse(lines.substr(begin, end - begin), restoration)) {
      visit(restoration);
    }
    end = before;
  }
}

}  // namespace

std::string Restoration::line() const {
  std::string line;
  for (const auto& [word, each] : kKinds) {
    if (each == kind) {
      line = word;
    }
  }
  return line.append(" ").append(path).append("\t").append(text).append("\n");
}

bool Restoration::parse(std::string_view line, Restoration& restoration) {
  const std::size_t blank = line.find(' ');
  const std::size_t tab = line.find('\t');
  if (blank == std::string_view::npos || tab == std::string_view::npos || tab < blank) {
    return false;
  }
  restoration.path = line.substr(blank + 1, tab - blank - 1);
  restoration.text = line.substr(tab + 1);
  for (const auto& [word, kind] : kKinds) {
    if (line.substr(0, blank) == word) {
      restoration.kind = kind;
      return restoration.path.starts_with('/');
    }
  }
  return false;
}

bool restore(const SysfsRoot& root, std::string_view lines, RestorationListener& listener) {
  bool all_well = true;
  bool moved = true;
  for (int pass = 0; pass < kMaxPasses && moved; ++pass) {
    moved = false;
    all_well = true;
    visit_backwards(lines, [&](const Restoration& restoration) {
      const Step step = put_back(root, restoration, pass == 0);
      moved = moved || step.outcome == Outcome::kChanged;
      all_well = all_well && step.outcome != Outcome::kFailed;
      if (step.outcome == Outcome::kChanged) {
        listener.restored(restoration);
      }
    });
  }
  if (all_well && !moved) {
    return true;
  }
  // The kernel does some things after a write has returned: cpufreq's limits, the end of a process.
  for (int pause_ms = 1; pause_ms <= kLongestPauseMs; pause_ms *= 2) {
    poll(nullptr, 0, pause_ms);
    bool as_it_was = true;
    visit_backwards(lines, [&](const Restoration& restoration) {
      const Step step = put_back(root, restoration, /*first_pass=*/false);
      as_it_was = as_it_was && step.outcome == Outcome::kAsItWas;
      if (step.outcome == Outcome::kChanged) {
        listener.restored(restoration);
      }
    });
    if (as_it_was) {
      return true;
    }
  }
  // What is still not as it was, and why.
  bool refused = false;
  visit_backwards(lines, [&](const Restoration& restoration) {
    const Step step = put_back(root, restoration, /*first_pass=*/false);
    refused = refused || step.outcome == Outcome::kFailed;
    if (step.outcome != Outcome::kAsItWas) {
      listener.failed(restoration, step.error);
    }
  });
  return !refused;
}

}  // namespace rein
