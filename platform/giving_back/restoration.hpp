#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rein {

class SysfsRoot;

/// One thing that has to be put back when a run ends. As text, as in a state file, it is a line:
/// kind, a blank, path, a tab, text.
struct Restoration {
  enum class Kind {
    kValue,  ///< `value`: the file is to hold the text.
    kWrite,  ///< `write`: the text is to be written, whatever the file holds.
    kGroup,  ///< `group`: the control group's processes go to the group `text`, and it is removed.
    kCpus,   ///< `cpus`: threads of other programs have the CPUs `text` (GivenCpus).
  };
  Kind kind = Kind::kValue;
  std::string_view path;  ///< On this machine, not below a root.
  std::string_view text;

  std::string line() const;
  /// @return whether `line`, without its end, is one.
  static bool parse(std::string_view line, Restoration& restoration);
};

/// Is told what restore() does.
class RestorationListener {
 public:
  virtual ~RestorationListener() = default;
  /// May be told twice of the same, if it took two attempts.
  virtual void restored(const Restoration& restoration) = 0;
  /// `error`: errno's number, or 0 if the kernel took the text but says another.
  virtual void failed(const Restoration& restoration, int error) = 0;
};

/// Puts back what `lines` say, the last line first. Lines may depend on each other in any order (a
/// minimum that is above the present maximum, a governor of CPUs that are offline), so this goes
/// over them until all is as it was or nothing moves any more. What is as it was is not written. A
/// last line without an end is left out: what it names had not been changed yet. Whatever the lines
/// say, only what SysfsRoot::open_setting() opens is written or removed.
///
/// Async-signal-safe: allocates nothing, takes no lock.
/// @return whether the kernel refused nothing.
bool restore(const SysfsRoot& root, std::string_view lines, RestorationListener& listener);

}  // namespace rein
