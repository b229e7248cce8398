#include "common/printable.hpp"

#include <fmt/format.h>

namespace rein {

std::size_t length_of_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1;
  if (length > text.size() || first >= 0xF5) {
    return 1;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) {
      return 1;
    }
  }
  // Neither longer than needed, nor half of a pair of UTF-16, nor beyond Unicode.
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  const bool is_wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0) ||
                        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
  return is_wrong ? 1 : length;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  return character.size() == 1 ? first < 0x20 || first >= 0x7F
                               : first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

std::string printable(std::string_view text, std::size_t most) {
  std::string line;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, length_of_character(text));
    used += character.size();
    if (used > most) {
      return line + "...";
    }
    text.remove_prefix(character.size());
    if (character == "\n" || character == "\t") {
      line += character == "\n" ? "\\n" : "\\t";
    } else if (is_control(character)) {
      for (const char c : character) {
        line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    } else {
      line += character;
    }
  }
  return line;
}

std::string as_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, length_of_character(text));
    text.remove_prefix(character.size());
    const auto first = static_cast<unsigned char>(character.front());
    valid += character.size() == 1 && first >= 0x80 ? fmt::format("\\x{:02x}", first)
                                                    : std::string(character);
  }
  return valid;
}

}  // namespace rein
