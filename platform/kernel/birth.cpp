#include "platform/kernel/birth.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/system_calls.hpp"

namespace rein {

std::optional<Birth> read_birth(SystemCalls& calls, const char* stat, int& error) {
  std::array<char, 1024> buffer;
  const int file = calls.open_file(stat, O_RDONLY);
  error = file < 0 ? -file : 0;
  if (file < 0) {
    return std::nullopt;
  }
  const ssize_t count = calls.read_file(file, buffer, 0);
  calls.close_file(file);
  std::string_view text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  // Behind the name, which may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(name_end + 1);
  // As the manual page counts them: state is 3, ppid 4, num_threads 20, starttime 22.
  Birth birth;
  bool is_zombie = false;
  for (int field = 3; field <= 22; ++field) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    const auto number = parse_count(word);
    is_zombie = is_zombie || (field == 3 && (word == "Z" || word == "X"));
    // It has ended, but if it is its main thread alone that has.
    if (field == 20 && is_zombie && number.value_or(0) < 2) {
      return std::nullopt;
    }
    if ((field == 4 || field == 22) && !number) {
      return std::nullopt;
    }
    birth.parent = field == 4 ? static_cast<int>(*number) : birth.parent;
    birth.at = field == 22 ? *number : birth.at;
  }
  return birth;
}

}  // namespace rein
