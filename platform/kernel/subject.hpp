#pragma once

#include <string>
#include <utility>

namespace rein {

/// Whose threads are "ours". All that places, limits or counts them is given one, as it is given a
/// SysfsRoot.
class Subject {
 public:
  enum class Kind {
    kSelf,     ///< This process.
    kProcess,  ///< Another one, with all that comes of it, also when its parent has ended.
    kGroup,    ///< A control group, with those below it.
  };

  /// This process.
  Subject() = default;
  static Subject process(int id) { return {Kind::kProcess, id, ""}; }
  /// @param path  the kernel path of its folder, in whatever hierarchy it is.
  static Subject group(std::string path) { return {Kind::kGroup, 0, std::move(path)}; }

  Kind kind() const { return kind_; }
  bool is_self() const { return kind_ == Kind::kSelf; }
  int process_id() const { return process_; }              ///< Of kProcess.
  const std::string& group_path() const { return path_; }  ///< Of kGroup.

  /// For messages: "process 12 with its children".
  std::string text() const;
  /// The kernel path of what is to be read of one of its threads.
  std::string folder_of(int thread) const;
  /// For messages: where its threads are listed.
  std::string list_path() const;

 private:
  Subject(Kind kind, int process, std::string path)
      : kind_(kind), process_(process), path_(std::move(path)) {}

  Kind kind_ = Kind::kSelf;
  int process_ = 0;
  std::string path_;
};

}  // namespace rein
