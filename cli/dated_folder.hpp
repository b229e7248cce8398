#pragma once

#include <filesystem>
#include <string>

namespace rein {

/// Makes a new folder that is named after date and time, "20261123-101530" and `ending`, with a
/// "-2" or more behind it where another was made in the same second. @throws Error naming it.
std::filesystem::path make_dated_folder(const std::filesystem::path& parent,
                                        const std::string& ending);

/// The same for a name that is given. @throws Error naming it.
std::filesystem::path make_new_folder(const std::filesystem::path& wanted);

}  // namespace rein
