#pragma once

#include <string>
#include <vector>

#include "common/random.hpp"

namespace rein {

/// Pieces that mean something to YAML, JSON or CSV, or that are easily lost.
inline const std::vector<std::string> kPieces = {
    " ",    "  ",   "#",    " #",   ":",     ": ",    "'",    "\"",   "\\",          "\n",
    "\r\n", "\t",   "{",    "}",    "[",     "]",     ",",    ", ",   "@",           "`",
    "%",    "!",    "!!",   "&a",   "*a",    "|",     ">",    "- ",   "? ",          "---",
    "...",  "null", "~",    "yes",  "true",  "1e3",   "0x1f", ".inf", "<<",          "=",
    "a",    "b c",  "Z",    "0",    "\x01",  "\x7f",  "\x1b", "é",    "\xC2\x85",    "\xE2\x80\xA8",
    "日本", "😀",    "\xE9", "\xFF", "\\x41", "\\u00", "/",    ".",    "\xEF\xBB\xBF"};

/// Text as nobody expects it in a path or a name; without zero bytes, never empty.
inline std::string odd_text(Random& random) {
  std::string text;
  for (std::size_t i = 1 + random.index(6); i > 0; --i) {
    text += kPieces[random.index(kPieces.size())];
  }
  return text;
}

}  // namespace rein
