#pragma once

#include <dirent.h>

#include <memory>
#include <string>
#include <vector>

namespace rein {

class SysfsRoot;

/// The threads of this process, listed each period: the directory is kept open.
class ThreadList {
 public:
  explicit ThreadList(const SysfsRoot& root);

  /// Replaces `threads` by the ids, ascending; none if they cannot be listed.
  void read(std::vector<int>& threads);

 private:
  std::string path_;
  std::unique_ptr<DIR, int (*)(DIR*)> directory_;
};

/// Ids of the threads of this process, ascending; none on a machine where it is not to be seen.
/// @throws Error if the list cannot be opened for want of descriptors: a move is refused then.
std::vector<int> list_threads(const SysfsRoot& root);

}  // namespace rein
