#pragma once

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/kernel/birth.hpp"
#include "platform/kernel/subject.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// The threads of a subject, listed each period without allocating anything, once it has seen as
/// many.
///
/// What a process starts is known by its parent. What has lost it before it was listed for the
/// first time is not found, and what has lost it later stays known until it ends.
class ThreadList {
 public:
  explicit ThreadList(const SysfsRoot& root, Subject subject = {});

  const Subject& subject() const { return subject_; }
  /// Replaces `threads` by the ids, ascending; none if there are none.
  /// @return 0, or errno's number of why they may not be all: this process can open no more files.
  int read(std::vector<int>& threads);

 private:
  /// A process that is known to be the subject's.
  struct Member {
    int id = 0;
    std::uint64_t born = 0;  ///< Birth::at.
  };
  void read_self(std::vector<int>& threads);
  void read_process(std::vector<int>& threads);
  /// Of the group whose folder is in path_, and of those below it.
  void read_group(std::vector<int>& threads, int level);
  void add_threads_of(int process, std::vector<int>& threads);
  /// Adds those whose parent is a member. By the list that each thread has of its children, or of a
  /// kernel without them by looking at all processes.
  void add_children_of(const std::vector<int>& threads, std::size_t begin);
  void add_children_by_parent();
  void add_member(int process, const std::optional<Birth>& born);
  std::optional<Birth> read_birth_of(int process);

  /// In path_, until the next call.
  const char* path_of(int process, const char* rest);
  const char* path_of_thread(int thread, const char* rest);
  template <typename Visit>
  int visit_numbers(const char* path, const Visit& visit);
  template <typename Visit>
  int visit_folder(const char* path, const Visit& visit);
  void note(int error);

  SysfsRoot root_;
  Subject subject_;
  std::string proc_;   ///< On this machine.
  std::string group_;  ///< The same.
  std::string path_;   ///< That is in use.
  int error_ = 0;
  std::unique_ptr<DIR, int (*)(DIR*)> directory_;  ///< Of this process's threads.
  std::vector<Member> members_;
  bool has_children_files_ = true;
};

}  // namespace rein
