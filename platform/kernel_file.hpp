#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

class SysfsRoot;

/// The whole text as a number without sign; nothing if it is anything else or does not fit.
std::optional<std::uint64_t> parse_count(std::string_view text);
/// The same with a sign.
std::optional<std::int64_t> parse_integer(std::string_view text);
/// The words of a text, separated by blanks and line ends.
std::vector<std::string_view> split_words(std::string_view text);

/// A file of the kernel that is read every period: kept open, since opening costs more than
/// reading.
class KernelFile {
 public:
  /// `size`: the most that is read, in bytes. A file that is missing gives no text.
  KernelFile(const SysfsRoot& root, const std::string& kernel_path, std::size_t size);
  ~KernelFile();
  KernelFile(KernelFile&& other) noexcept;
  KernelFile& operator=(KernelFile&&) = delete;

  /// What the file says now, until the next call; nothing if it cannot be read.
  std::optional<std::string_view> read();

 private:
  int descriptor_;
  std::vector<char> buffer_;
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
