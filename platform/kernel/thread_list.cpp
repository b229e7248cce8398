#include "platform/kernel/thread_list.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <utility>

#include "platform/kernel/birth.hpp"
#include "platform/kernel/cgroup.hpp"
#include "platform/kernel/folder_entries.hpp"
#include "platform/kernel/kernel_file.hpp"

namespace rein {

namespace {

std::optional<int> parse_id(std::string_view text) {
  const auto id = parse_count(text);
  // 0 is one that cannot be seen from here.
  return id && *id > 0 && *id <= INT32_MAX ? std::optional(static_cast<int>(*id)) : std::nullopt;
}

}  // namespace

ThreadList::ThreadList(const SysfsRoot& root, Subject subject)
    : root_(root),
      subject_(std::move(subject)),
      proc_(root.resolve("/proc").string()),
      group_(root.resolve(subject_.group_path()).string()),
      directory_(nullptr, &closedir) {
  if (subject_.kind() == Subject::Kind::kProcess) {
    add_member(subject_.process_id(), read_birth_of(subject_.process_id()));
  }
}

int ThreadList::read(std::vector<int>& threads) {
  threads.clear();
  error_ = 0;
  switch (subject_.kind()) {
    case Subject::Kind::kSelf:
      read_self(threads);
      break;
    case Subject::Kind::kProcess:
      read_process(threads);
      break;
    case Subject::Kind::kGroup:
      path_ = group_;
      read_group(threads, 0);
      break;
  }
  std::sort(threads.begin(), threads.end());
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
  return error_;
}

void ThreadList::note(int error) {
  if (error == EMFILE || error == ENFILE || error == ENOMEM) {
    error_ = error;
  }
}

void ThreadList::read_self(std::vector<int>& threads) {
  // A directory that is gone lists nothing, and another may be in its place.
  for (int attempt = 0; threads.empty() && attempt < 2; ++attempt) {
    if (directory_ && attempt == 0) {
      rewinddir(directory_.get());
    } else {
      directory_.reset(opendir((proc_ + "/self/task").c_str()));
      note(directory_ ? 0 : errno);
    }
    while (const dirent* entry = directory_ ? readdir(directory_.get()) : nullptr) {
      if (const auto id = parse_id(entry->d_name)) {
        threads.push_back(*id);
      }
    }
  }
}

void ThreadList::read_process(std::vector<int>& threads) {
  std::erase_if(members_, [this](const Member& member) {
    const auto born = read_birth_of(member.id);
    return !born || born->at != member.born;
  });
  // Grows meanwhile.
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::size_t begin = threads.size();
    add_threads_of(members_[i].id, threads);
    if (has_children_files_) {
      add_children_of(threads, begin);
    }
    if (!has_children_files_ && i + 1 == members_.size()) {
      add_children_by_parent();
    }
  }
}

void ThreadList::add_threads_of(int process, std::vector<int>& threads) {
  note(visit_folder(path_of(process, "/task"), [&threads](const dirent64& entry) {
    if (const auto id = parse_id(entry.d_name)) {
      threads.push_back(*id);
    }
  }));
}

void ThreadList::add_children_of(const std::vector<int>& threads, std::size_t begin) {
  for (std::size_t i = begin; i < threads.size(); ++i) {
    const int error = visit_numbers(path_of_thread(threads[i], "/children"),
                                    [this](int child) { add_member(child, read_birth_of(child)); });
    note(error);
    // Threads end, but those that are there have all the same files.
    if (error == ENOENT && access(path_of_thread(threads[i], "/stat"), F_OK) == 0) {
      has_children_files_ = false;
      return;
    }
  }
}

void ThreadList::add_children_by_parent() {
  note(visit_folder(proc_.c_str(), [this](const dirent64& entry) {
    const auto id = parse_id(entry.d_name);
    const auto born = id ? read_birth_of(*id) : std::nullopt;
    if (born && std::ranges::find(members_, born->parent, &Member::id) != members_.end()) {
      add_member(*id, born);
    }
  }));
}

void ThreadList::add_member(int process, const std::optional<Birth>& born) {
  if (born && std::ranges::find(members_, process, &Member::id) == members_.end()) {
    members_.push_back({process, born->at});
  }
}

std::optional<Birth> ThreadList::read_birth_of(int process) {
  int error = 0;
  const auto birth = read_birth(root_.calls(), path_of(process, "/stat"), error);
  note(error);
  return birth;
}

void ThreadList::read_group(std::vector<int>& threads, int level) {
  const std::size_t size = path_.size();
  const auto add = [&threads](int thread) { threads.push_back(thread); };
  // Version 2, or 1.
  for (const char* const file : {"/cgroup.threads", "/tasks"}) {
    path_ += file;
    const int error = visit_numbers(path_.c_str(), add);
    path_.resize(size);
    note(error);
    if (error == 0) {
      break;
    }
  }
  note(visit_folder(path_.c_str(), [&](const dirent64& entry) {
    if (entry.d_type == DT_DIR && entry.d_name[0] != '.' && level < kMostGroupLevels) {
      path_.append("/").append(entry.d_name);
      read_group(threads, level + 1);
      path_.resize(size);
    }
  }));
}

const char* ThreadList::path_of(int process, const char* rest) {
  path_.clear();
  fmt::format_to(std::back_inserter(path_), "{}/{}{}", proc_, process, rest);
  return path_.c_str();
}

const char* ThreadList::path_of_thread(int thread, const char* rest) {
  path_.clear();
  fmt::format_to(std::back_inserter(path_), "{0}/{1}/task/{1}{2}", proc_, thread, rest);
  return path_.c_str();
}

/// Calls `visit` with each number of a file that holds nothing else. @return 0 or an error.
template <typename Visit>
int ThreadList::visit_numbers(const char* path, const Visit& visit) {
  const int file = root_.calls().open_file(path, O_RDONLY);
  if (file < 0) {
    return -file;
  }
  std::array<char, 4096> buffer;
  off_t offset = 0;
  ssize_t count = 0;
  std::int64_t number = -1;
  while ((count = root_.calls().read_file(file, buffer, offset)) > 0) {
    offset += count;
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(count))) {
      if (c >= '0' && c <= '9') {
        number =
            std::min<std::int64_t>(std::max<std::int64_t>(number, 0) * 10 + (c - '0'), INT32_MAX);
      } else if (number > 0) {
        visit(static_cast<int>(std::exchange(number, -1)));
      } else {
        number = -1;
      }
    }
  }
  if (number > 0) {
    visit(static_cast<int>(number));
  }
  root_.calls().close_file(file);
  return count < 0 ? static_cast<int>(-count) : 0;
}

template <typename Visit>
int ThreadList::visit_folder(const char* path, const Visit& visit) {
  const int folder = root_.calls().open_file(path, O_RDONLY | O_DIRECTORY);
  if (folder < 0) {
    return -folder;
  }
  visit_entries(folder, visit);
  root_.calls().close_file(folder);
  return 0;
}

}  // namespace rein
