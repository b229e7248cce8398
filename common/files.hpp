#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace rein {

// How large an input file may be [bytes].
inline constexpr std::size_t kMostWritten = std::size_t{1} << 20;   ///< That people write.
inline constexpr std::size_t kMostRecorded = std::size_t{1} << 26;  ///< Checkpoints, summaries.
inline constexpr std::size_t kMostTable = std::size_t{1} << 28;     ///< Traces, networks, images.

/// The whole of a regular file of at most `most` bytes. Pipes, devices and sockets are refused
/// before they are opened: they may have no end, and opening one can do something.
/// @throws ConfigError naming the path and the reason.
std::string read_file(const std::filesystem::path& file, std::size_t most = kMostTable);

// What is at a path; false also where it cannot be known (a name that is too long, a closed
// folder).
bool is_there(const std::filesystem::path& path);
bool is_regular(const std::filesystem::path& path);
bool is_folder(const std::filesystem::path& path);

/// Writes beside the file and renames, so that a crash leaves the old file or the new one, never
/// half of one, and a symbolic link in its place is replaced, not followed. Makes the folder.
/// @throws Error naming the path and the reason; also if there is something else than a file.
void write_file(const std::filesystem::path& file, std::string_view content);

/// @throws Error naming the path and the reason.
void make_folder(const std::filesystem::path& folder);

/// A file that is written bit by bit. It is never reached through a symbolic link in its place.
class OutputFile final : public std::ostream {
 public:
  enum class IfThere {
    kFail,     ///< Somebody else's, or of a run before.
    kReplace,  ///< By a new one.
    kAppend,
  };
  /// Makes the folder. @throws Error naming the path and the reason.
  OutputFile(const std::filesystem::path& file, IfThere if_there);
  ~OutputFile() override;

  /// Drops what is behind the first `size` bytes. @throws Error naming the path and the reason.
  void shorten(std::size_t size);
  /// What was written is with the kernel from here on, or fail() says that it is not.
  void close();

 private:
  std::filesystem::path path_;
  int descriptor_;  ///< The buffer's.
  std::unique_ptr<std::filebuf> buffer_;
};

}  // namespace rein
