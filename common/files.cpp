#include "common/files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "common/error.hpp"

namespace rein {

std::string read_file(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) {
    throw Error(fmt::format("{}: expected a file, found a folder", file.string()));
  }
  const std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    throw Error(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
  }
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
  }
}

void write_file(const std::filesystem::path& file, std::string_view content) {
  if (file.has_parent_path()) {
    make_folder(file.parent_path());
  }
  const std::filesystem::path draft = file.string() + ".part";
  std::ofstream stream(draft, std::ios::binary | std::ios::trunc);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  stream.close();
  std::error_code error;
  if (!stream) {
    const int reason = errno;
    std::filesystem::remove(draft, error);
    throw Error(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(reason)));
  }
  std::filesystem::rename(draft, file, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be written: {}", file.string(), error.message()));
  }
}

}  // namespace rein
