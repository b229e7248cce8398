#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rein {

/// Bytes of the UTF-8 character that `text` begins with; 1 for what is none.
std::size_t length_of_character(std::string_view text);

/// Whether it moves a cursor: a control character of ASCII or Latin-1, or no character at all.
bool is_control(std::string_view character);

/// `text` as a part of one line: control characters as `\\n` or `\\x1b`, and no more than `most`
/// bytes of it, then "...". UTF-8 stays whole.
std::string printable(std::string_view text, std::size_t most = std::string_view::npos);

/// `text` for what takes nothing but UTF-8: other bytes as `\\xe9`.
std::string as_utf8(std::string_view text);

}  // namespace rein
