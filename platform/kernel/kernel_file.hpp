#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

class SysfsRoot;
class SystemCalls;

/// The whole text as a number without sign; nothing if it is anything else or does not fit.
std::optional<std::uint64_t> parse_count(std::string_view text);
/// The same with a sign.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// The text without blanks and line ends at its ends.
std::string_view trim(std::string_view text);
/// The words of a text, separated by blanks and line ends.
std::vector<std::string_view> split_words(std::string_view text);

/// A file of the kernel that is read every period: kept open, since opening costs more than
/// reading. A device that goes and comes back has a new file, so one that fails is opened again at
/// the next read.
class KernelFile {
 public:
  /// `size`: the most that is read, in bytes.
  KernelFile(const SysfsRoot& root, const std::string& kernel_path, std::size_t size = 64);
  ~KernelFile() { close(); }
  KernelFile(KernelFile&& other) noexcept;
  KernelFile& operator=(KernelFile&&) = delete;

  /// What the file says now, until the next call; nothing if it cannot be read or says nothing.
  std::optional<std::string_view> read();
  /// The same as a number, whatever blanks are around it; nothing if it is none.
  std::optional<std::int64_t> read_integer();

  /// After a read that gave nothing: the path, what was found and what was expected.
  const std::string& problem() const { return problem_; }
  /// As on this machine, below the root.
  const std::string& path() const { return path_; }

 private:
  void close();

  SystemCalls* calls_;
  std::string path_;
  int descriptor_ = -1;
  std::vector<char> buffer_;
  std::string problem_;
};

/// How much a counter that only grows has grown since the call before.
class CounterStep {
 public:
  /// Nothing the first time, after a gap, or if the counter went backwards.
  std::optional<std::uint64_t> advance(std::optional<std::uint64_t> now);

 private:
  std::optional<std::uint64_t> last_;
};

}  // namespace rein
