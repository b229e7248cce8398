#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"

namespace rein {

/// An agent that is compared, under a name of its own.
struct Variant {
  std::string name;  ///< In tables, files and folders.
  std::string kind;
  /// Its `agent:`; none for what has the run file's parameters or the defaults.
  std::optional<ConfigNode> agent;
  /// A checkpoint that it begins each episode with, in which {run} stands for the run file's name
  /// without its ending; none for what begins from nothing.
  std::optional<ConfigNode> load;
  std::optional<std::uint64_t> practice;  ///< Instead of the evaluation's.
  std::optional<ConfigNode> shield;       ///< Instead of what the run file says.

  static Variant of_kind(const std::string& kind);
};

/// A list of {name, agent, load, practice, shield}. docs/evaluate.md describes the file.
/// @throws ConfigError
std::vector<Variant> read_variants(const std::filesystem::path& file);

/// A name that can be that of a folder: other characters than letters, digits, '-' and '_' become
/// a '-'.
std::string as_file_name(std::string name);

}  // namespace rein
