#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rein {

/// `text` as a part of one line: control characters as `\\n` or `\\x1b`, and no more than `most`
/// bytes of it, then "...". UTF-8 stays whole.
std::string printable(std::string_view text, std::size_t most);

}  // namespace rein
