#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rein {

/// Calls `visit` with each entry of a folder that is open, `.` and `..` included. Allocates
/// nothing, and is async-signal-safe if `visit` is.
template <typename Visit>
void visit_entries(int folder, const Visit& visit) {
  // A descriptor with a place of its own: others may have `folder` too.
  const int descriptor = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return;
  }
  alignas(dirent64) char entries[4096];
  long count = 0;
  while ((count = syscall(SYS_getdents64, descriptor, entries, sizeof(entries))) > 0) {
    for (long at = 0; at < count;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      visit(*entry);
    }
  }
  close(descriptor);
}

}  // namespace rein
