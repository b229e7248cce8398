#include "platform/kernel/thread_list.hpp"

#include <algorithm>

#include "common/error.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

ThreadList::ThreadList(const SysfsRoot& root)
    : path_(root.resolve("/proc/self/task").string()), directory_(nullptr, &closedir) {}

void ThreadList::read(std::vector<int>& threads) {
  threads.clear();
  // A directory that is gone lists nothing, and another may be in its place.
  for (int attempt = 0; threads.empty() && attempt < 2; ++attempt) {
    if (directory_ && attempt == 0) {
      rewinddir(directory_.get());
    } else {
      directory_.reset(opendir(path_.c_str()));
    }
    while (const dirent* entry = directory_ ? readdir(directory_.get()) : nullptr) {
      if (const auto id = parse_count(entry->d_name)) {
        threads.push_back(static_cast<int>(*id));
      }
    }
  }
  std::sort(threads.begin(), threads.end());
}

std::vector<int> list_threads(const SysfsRoot& root) {
  std::vector<std::string> names;
  try {
    names = root.list("/proc/self/task");
  } catch (const ResourceError& error) {
    throw Error(error.what());
  }
  std::vector<int> threads;
  for (const auto& name : names) {
    if (const auto id = parse_count(name)) {
      threads.push_back(static_cast<int>(*id));
    }
  }
  return threads;
}

}  // namespace rein
