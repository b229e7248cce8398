#include "platform/kernel/subject.hpp"

#include <fmt/format.h>

namespace rein {

std::string Subject::text() const {
  switch (kind_) {
    case Kind::kSelf:
      return "this process";
    case Kind::kProcess:
      return fmt::format("process {} with its children", process_);
    case Kind::kGroup:
      return "control group " + path_;
  }
  return "";
}

std::string Subject::folder_of(int thread) const {
  // The kernel has a folder for each thread in /proc, although it lists processes alone. In it only
  // what is below `task` is of the thread and not of all that its process has.
  return is_self() ? fmt::format("/proc/self/task/{}", thread)
                   : fmt::format("/proc/{0}/task/{0}", thread);
}

std::string Subject::list_path() const {
  switch (kind_) {
    case Kind::kSelf:
      return "/proc/self/task";
    case Kind::kProcess:
      return fmt::format("/proc/{}/task", process_);
    case Kind::kGroup:
      return path_;
  }
  return "";
}

}  // namespace rein
