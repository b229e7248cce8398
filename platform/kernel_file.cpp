#include "platform/kernel_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <utility>

#include "platform/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

template <typename Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc{} && result.ptr == end ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  return parse_whole<std::uint64_t>(text);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = text.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos) {
    const std::size_t end = text.find_first_of(kBlanks, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

KernelFile::KernelFile(const SysfsRoot& root, const std::string& kernel_path, std::size_t size)
    : descriptor_(open(root.resolve(kernel_path).c_str(), O_RDONLY | O_CLOEXEC)), buffer_(size) {}

KernelFile::~KernelFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

KernelFile::KernelFile(KernelFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), buffer_(std::move(other.buffer_)) {}

std::optional<std::string_view> KernelFile::read() {
  const ssize_t count = pread(descriptor_, buffer_.data(), buffer_.size(), 0);
  if (count <= 0) {
    return std::nullopt;
  }
  return std::string_view(buffer_.data(), static_cast<std::size_t>(count));
}

std::optional<std::uint64_t> CounterStep::advance(std::optional<std::uint64_t> now) {
  const auto before = std::exchange(last_, now);
  if (!before || !now || *now < *before) {
    return std::nullopt;
  }
  return *now - *before;
}

}  // namespace rein
