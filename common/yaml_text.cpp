#include "common/yaml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/printable.hpp"

namespace rein {

namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Whether nothing in it means anything to YAML, wherever it stands.
bool is_plain(std::string_view text) {
  constexpr std::string_view kSigns = "_./+- ";
  constexpr std::string_view kNulls[] = {"null", "Null", "NULL"};
  const auto is_number_sign = [&] {
    return text.size() > 1 && (text.front() == '-' || text.front() == '+') &&
           is_alphanumeric(text[1]);
  };
  const auto begins_well = [&] {
    return is_alphanumeric(text.front()) || text.front() == '_' || text.front() == '/' ||
           text.front() == '.' || is_number_sign();
  };
  return !text.empty() && begins_well() && text.back() != ' ' &&
         std::ranges::any_of(text, is_alphanumeric) &&
         std::ranges::all_of(
             text, [&](char c) { return is_alphanumeric(c) || kSigns.find(c) != kSigns.npos; }) &&
         std::ranges::find(kNulls, text) == std::end(kNulls);
}

/// Characters that a reader could take for the end of a line, or for none.
bool is_hidden(std::string_view character) {
  return character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9" || character == "\xEF\xBB\xBF";
}

unsigned code_point(std::string_view character) {
  unsigned point =
      static_cast<unsigned char>(character.front()) & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) {
    point = (point << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  }
  return point;
}

}  // namespace

std::string yaml_quoted(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const std::string_view character = text.substr(0, length_of_character(text));
    text.remove_prefix(character.size());
    const auto first = static_cast<unsigned char>(character.front());
    if (character == "\"" || character == "\\") {
      quoted += '\\';
      quoted += character;
    } else if (character == "\n") {
      quoted += "\\n";
    } else if (character == "\t") {
      quoted += "\\t";
    } else if (character.size() == 1 && (first < 0x20 || first == 0x7F)) {
      quoted += fmt::format("\\x{:02x}", first);
    } else if (character.size() > 1 && (is_control(character) || is_hidden(character))) {
      quoted += fmt::format("\\u{:04x}", code_point(character));
    } else {
      quoted += character;
    }
  }
  return quoted + "\"";
}

std::string yaml_text(std::string_view text) {
  return is_plain(text) ? std::string(text) : yaml_quoted(text);
}

std::string yaml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  std::ranges::transform(texts, std::back_inserter(all),
                         [](const std::string& text) { return yaml_text(text); });
  return fmt::format("[{}]", fmt::join(all, ", "));
}

std::string yaml_list(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> texts;
  std::ranges::transform(paths, std::back_inserter(texts),
                         [](const std::filesystem::path& path) { return path.string(); });
  return yaml_list(texts);
}

}  // namespace rein
