#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace rein {

/// The whole file. @throws Error naming the path and the reason.
std::string read_file(const std::filesystem::path& file);

/// Writes beside the file and renames, so that a crash leaves the old file or the new one, never
/// half of one. Makes the folder. @throws Error naming the path and the reason.
void write_file(const std::filesystem::path& file, std::string_view content);

/// @throws Error naming the path and the reason.
void make_folder(const std::filesystem::path& folder);

}  // namespace rein
