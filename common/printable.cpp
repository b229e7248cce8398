#include "common/printable.hpp"

#include <fmt/format.h>

namespace rein {

std::string printable(std::string_view text, std::size_t most) {
  std::size_t end = text.size();
  if (end > most) {
    for (end = most; end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U; --end) {
    }
  }
  std::string line;
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\t') {
      line += "\\t";
    } else {
      line += fmt::format("\\x{:02x}", byte);
    }
  }
  return end < text.size() ? line + "..." : line;
}

}  // namespace rein
