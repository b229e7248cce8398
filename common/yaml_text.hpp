#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

// What is written as YAML by hand is written with these: it is read back byte by byte, whatever it
// holds, as a value, as a key, and inside brackets.

/// `text` in double quotes, on one line. Bytes that are no UTF-8 stay as they are, since YAML has
/// no other way to write them.
std::string yaml_quoted(std::string_view text);

/// The same, but as it is where that is plain: letters, digits and a few signs, as in `big4`, `0.5`
/// and `power_w`.
std::string yaml_text(std::string_view text);

/// `[a, "b c: d"]`
std::string yaml_list(const std::vector<std::string>& texts);
std::string yaml_list(const std::vector<std::filesystem::path>& paths);

}  // namespace rein
