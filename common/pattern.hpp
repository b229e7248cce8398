#pragma once

#include <string_view>

namespace rein {

/// Whether the text is what the pattern says, in which each `*` stands for any text, also
/// none, and each `?` for one character.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace rein
