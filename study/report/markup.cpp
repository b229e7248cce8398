#include "study/report/markup.hpp"

#include <cstddef>

namespace rein::report {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

std::string escape_script(std::string_view json) {
  std::string escaped;
  for (const char character : json) {
    // In JSON a '<' can only be part of a string.
    if (character == '<') {
      escaped += "\\u003c";
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::string fill_template(std::string_view page, const std::map<std::string, std::string>& values) {
  std::string filled;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t open = page.find("{{", at);
    filled += page.substr(at, open - at);
    if (open == std::string_view::npos) {
      break;
    }
    const std::size_t close = page.find("}}", open);
    filled += values.at(std::string(page.substr(open + 2, close - open - 2)));
    at = close + 2;
  }
  return filled;
}

}  // namespace rein::report
