#include "cli/dated_folder.hpp"

#include <fmt/format.h>

#include <ctime>
#include <system_error>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

std::filesystem::path make_new_folder(const std::filesystem::path& wanted) {
  if (wanted.has_parent_path()) {
    make_folder(wanted.parent_path());
  }
  std::filesystem::path folder = wanted;
  std::error_code error;
  // Makes nothing if there is one, so that two programs never get the same.
  for (int number = 2; !std::filesystem::create_directory(folder, error); ++number) {
    if (error && error != std::errc::file_exists) {
      throw Error(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
    }
    folder = fmt::format("{}-{}", wanted.string(), number);
  }
  return folder;
}

std::filesystem::path make_dated_folder(const std::filesystem::path& parent,
                                        const std::string& ending) {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  localtime_r(&now, &date);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &date);
  return make_new_folder(parent / (text + ending));
}

}  // namespace rein
