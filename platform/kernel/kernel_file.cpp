#include "platform/kernel/kernel_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::string_view kBlanksAndZero{" \t\r\n\0", 5};

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

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanksAndZero);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(kBlanksAndZero) - begin + 1);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = text.find_first_not_of(kBlanksAndZero);
  while (begin != std::string_view::npos) {
    const std::size_t end = text.find_first_of(kBlanksAndZero, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanksAndZero, end);
  }
  return words;
}

KernelFile::KernelFile(const SysfsRoot& root, const std::string& kernel_path, std::size_t size)
    : calls_(&root.calls()), path_(root.resolve(kernel_path).string()), buffer_(size) {}

KernelFile::KernelFile(KernelFile&& other) noexcept
    : calls_(other.calls_),
      path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      problem_(std::move(other.problem_)) {}

void KernelFile::close() {
  if (descriptor_ >= 0) {
    calls_->close_file(std::exchange(descriptor_, -1));
  }
}

std::optional<std::string_view> KernelFile::read() {
  if (descriptor_ < 0) {
    descriptor_ = calls_->open_file(path_.c_str(), O_RDONLY);
  }
  const ssize_t count =
      descriptor_ < 0 ? descriptor_ : calls_->read_file(descriptor_, buffer_, /*offset=*/0);
  if (count < 0) {
    const auto error = static_cast<int>(-count);
    const bool is_closed = (error == EACCES || error == EPERM) && !calls_->is_root();
    problem_ = fmt::format("{}: cannot be read: {}{}", path_, std::strerror(error),
                           is_closed ? "; run as root, or give read access" : "");
    close();
    return std::nullopt;
  }
  const std::string_view text(buffer_.data(), static_cast<std::size_t>(count));
  if (trim(text).empty()) {
    problem_ = fmt::format("{}: expected a value, found nothing", path_);
    return std::nullopt;
  }
  return text;
}

std::optional<std::int64_t> KernelFile::read_integer() {
  const auto text = read();
  if (!text) {
    return std::nullopt;
  }
  const auto number = parse_integer(trim(*text));
  if (!number) {
    problem_ = fmt::format("{}: expected a whole number, found '{}'", path_, trim(*text));
  }
  return number;
}

std::optional<std::uint64_t> CounterStep::advance(std::optional<std::uint64_t> now) {
  const auto before = std::exchange(last_, now);
  if (!before || !now || *now < *before) {
    return std::nullopt;
  }
  return *now - *before;
}

}  // namespace rein
