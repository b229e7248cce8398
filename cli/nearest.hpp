#pragma once

#include <string>
#include <vector>

namespace rein {

/// The one of `words` that was probably meant; empty if none is near: one that begins with what was
/// typed, or that a slip or two made of it (a letter more, less, other, or two exchanged).
std::string nearest_of(const std::vector<std::string>& words, const std::string& typed);

/// " (did you mean 'WORD'?)", or nothing.
std::string did_you_mean(const std::vector<std::string>& words, const std::string& typed);

}  // namespace rein
