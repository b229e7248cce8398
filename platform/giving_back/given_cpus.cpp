#include "platform/giving_back/given_cpus.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>

#include "platform/kernel/birth.hpp"
#include "platform/kernel/cgroup.hpp"
#include "platform/kernel/folder_entries.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::size_t kMostProcesses = 1024;  ///< That are looked for, of one subject.

std::optional<int> parse_id(std::string_view text) {
  const auto id = parse_count(text);
  return id && *id > 0 && *id <= INT_MAX ? std::optional(static_cast<int>(*id)) : std::nullopt;
}

/// A path with an end.
class Path {
 public:
  explicit Path(std::string_view folder) { add(folder); }
  Path& add(std::string_view part) {
    size_ += part.copy(text_.data() + size_, text_.size() - 1 - size_);
    text_[size_] = '\0';
    return *this;
  }
  Path& add(int id) {
    const auto end = std::to_chars(text_.data() + size_, text_.data() + text_.size() - 1, id).ptr;
    size_ = static_cast<std::size_t>(end - text_.data());
    text_[size_] = '\0';
    return *this;
  }
  const char* get() const { return text_.data(); }

 private:
  std::array<char, PATH_MAX + 1> text_{};
  std::size_t size_ = 0;
};

class Giver {
 public:
  Giver(const SysfsRoot& root, const CpusOwner& owner, const GivenCpus& given)
      : calls_(root.calls()), proc_(owner.proc), given_(given) {}

  int error() const { return error_; }

  void give_thread(int thread) {
    const auto birth = birth_at(Path(proc_).add("/").add(thread).add("/task/").add(thread));
    if (birth && birth->at == given_.born) {
      give(thread);
    }
  }

  void give_process(int process) {
    const auto birth = birth_at(Path(proc_).add("/").add(process));
    if (!birth || birth->at != given_.born) {
      return;
    }
    members_[num_members_++] = process;
    // A child may be listed before its parent.
    for (std::size_t before = 0; before != num_members_;) {
      before = num_members_;
      visit(AT_FDCWD, Path(proc_).get(), [this](int /*folder*/, const dirent64& entry) {
        if (const auto id = parse_id(entry.d_name); id && num_members_ < members_.size()) {
          add_child(*id);
        }
      });
    }
    for (std::size_t i = 0; i < num_members_; ++i) {
      visit(AT_FDCWD, Path(proc_).add("/").add(members_[i]).add("/task").get(),
            [this](int /*folder*/, const dirent64& entry) {
              if (const auto thread = parse_id(entry.d_name)) {
                give(*thread);
              }
            });
    }
  }

  void give_group(int above, const char* name, int level = 0) {
    visit(above, name, [this, level](int folder, const dirent64& entry) {
      const std::string_view file = entry.d_name;
      if (file == "cgroup.threads" || file == "tasks") {
        give_listed(folder, entry.d_name);
      } else if (entry.d_type == DT_DIR && file[0] != '.' && level < kMostGroupLevels) {
        give_group(folder, entry.d_name, level + 1);
      }
    });
  }

 private:
  std::optional<Birth> birth_at(Path folder) {
    int ignored = 0;
    return read_birth(calls_, folder.add("/stat").get(), ignored);
  }

  void add_child(int process) {
    const auto end = members_.begin() + static_cast<std::ptrdiff_t>(num_members_);
    const auto is_member = [&](int id) { return std::find(members_.begin(), end, id) != end; };
    if (is_member(process)) {
      return;
    }
    const auto birth = birth_at(Path(proc_).add("/").add(process));
    if (birth && is_member(birth->parent)) {
      members_[num_members_++] = process;
    }
  }

  void give(int thread) {
    const int error = calls_.set_affinity(thread, given_.cpus());
    error_ = error == 0 || error == ESRCH ? error_ : error;
  }

  void give_listed(int folder, const char* name) {
    const int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
      return;
    }
    std::array<char, 4096> text;
    std::int64_t thread = 0;
    ssize_t count = 0;
    while ((count = read(file, text.data(), text.size())) > 0) {
      for (ssize_t i = 0; i < count; ++i) {
        const char c = text[static_cast<std::size_t>(i)];
        if (c >= '0' && c <= '9') {
          thread = std::min<std::int64_t>(thread * 10 + (c - '0'), INT_MAX);
          continue;
        }
        // 0 is in another PID namespace, and would be this one.
        if (thread > 0) {
          give(static_cast<int>(thread));
        }
        thread = 0;
      }
    }
    close(file);
  }

  template <typename Visit>
  static void visit(int above, const char* name, const Visit& visit) {
    const int folder = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
      return;
    }
    visit_entries(folder, [&](const dirent64& entry) { visit(folder, entry); });
    close(folder);
  }

  SystemCalls& calls_;
  std::string_view proc_;
  const GivenCpus& given_;
  std::array<int, kMostProcesses> members_{};
  std::size_t num_members_ = 0;
  int error_ = 0;
};

}  // namespace

CpusOwner CpusOwner::of(const SysfsRoot& root, std::string_view path) {
  std::string_view rest = path;
  const std::string_view top = root.root().native();
  if (!rest.starts_with(top)) {
    return {};
  }
  rest.remove_prefix(top.size());
  rest.remove_prefix(rest.starts_with("/") ? 1 : 0);
  if (!rest.starts_with("proc/")) {
    return {};
  }
  rest.remove_prefix(std::string_view("proc").size());
  const std::string_view proc = path.substr(0, path.size() - rest.size());
  rest.remove_prefix(1);
  const std::size_t slash = rest.find('/');
  const auto id = parse_id(rest.substr(0, slash));
  if (!id) {
    return {};
  }
  if (slash == std::string_view::npos) {
    return {.kind = Kind::kProcess, .id = *id, .proc = proc};
  }
  const std::string_view task = "task/";
  rest.remove_prefix(slash + 1);
  return rest.starts_with(task) && parse_id(rest.substr(task.size())) == id
             ? CpusOwner{.kind = Kind::kThread, .id = *id, .proc = proc}
             : CpusOwner{};
}

bool GivenCpus::parse(const CpusOwner& owner, std::string_view text) {
  if (owner.kind != CpusOwner::Kind::kGroup) {
    const std::size_t blank = text.find(' ');
    const auto at = parse_count(text.substr(0, blank));
    if (!at || blank == std::string_view::npos) {
      return false;
    }
    born = *at;
    text.remove_prefix(blank + 1);
  }
  count = 0;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    const auto first = parse_count(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_count(part.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= numbers.size() ||
        count + (*last - *first) >= numbers.size() || comma + 1 == text.size()) {
      return false;
    }
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) {
      numbers[count++] = static_cast<int>(cpu);
    }
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return count > 0;
}

int give_back_cpus(const SysfsRoot& root, std::string_view path, std::string_view text) {
  const CpusOwner owner = CpusOwner::of(root, path);
  GivenCpus given;
  if (!given.parse(owner, text)) {
    return EINVAL;
  }
  Giver giver(root, owner, given);
  switch (owner.kind) {
    case CpusOwner::Kind::kThread:
      giver.give_thread(owner.id);
      break;
    case CpusOwner::Kind::kProcess:
      giver.give_process(owner.id);
      break;
    case CpusOwner::Kind::kGroup:
      giver.give_group(AT_FDCWD, Path(path).get());
      break;
  }
  return giver.error();
}

}  // namespace rein
