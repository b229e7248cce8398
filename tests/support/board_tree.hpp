#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/files.hpp"
#include "platform/kernel/cpu_set.hpp"
#include "support/temporary_tree.hpp"

namespace rein::test {

/// The kernel's files of a board, from tests/platform/trees/NAME.tree, whose README.md has the
/// format. tests/platform/make_tree.py reads the same.
class BoardTree {
 public:
  explicit BoardTree(const std::string& name) {
    std::istringstream text(read_file(
        std::filesystem::path(REIN_SOURCE_DIR "/tests/platform/trees") / (name + ".tree")));
    std::string line;
    while (std::getline(text, line)) {
      read_line(line);
    }
    make();
  }

  const TemporaryTree& files() const { return files_; }
  SysfsRoot root() const { return files_.root(); }

 private:
  void read_line(const std::string& line) {
    if (line.empty() || line.starts_with('#')) {
      return;
    }
    if (line.starts_with('|')) {
      more_ += line.size() > 2 ? line.substr(2) : "";
      more_ += '\n';
      return;
    }
    make();
    if (line.starts_with('[')) {
      folder_ = line.substr(1, line.size() - 2);
    } else {
      pending_ = line.starts_with('/') ? line : folder_ + "/" + line;
    }
  }

  /// What the last line says, now that its further lines are known.
  void make() {
    for (const auto& line : expanded(pending_)) {
      make_entry(line);
    }
    pending_.clear();
    more_.clear();
  }

  /// A line for each number of its range.
  static std::vector<std::string> expanded(const std::string& line) {
    const std::size_t open = line.find('{');
    if (line.empty()) {
      return {};
    }
    if (open == line.npos || line.at(open + 1) == '}') {
      return {line};
    }
    const std::size_t close = line.find('}', open);
    std::vector<std::string> lines;
    for (const int number : parse_cpu_list(line.substr(open + 1, close - open - 1))) {
      std::string tail = line.substr(close + 1);
      for (std::size_t at = 0; (at = tail.find("{}", at)) != tail.npos;) {
        tail.replace(at, 2, std::to_string(number));
      }
      lines.push_back(line.substr(0, open) + std::to_string(number) + tail);
    }
    return lines;
  }

  void make_entry(const std::string& line) {
    if (const std::size_t arrow = line.find(" -> "); arrow != line.npos) {
      link(line.substr(0, arrow), line.substr(arrow + 4));
    } else if (const std::size_t equals = line.find(" = "); equals != line.npos) {
      files_.write(line.substr(0, equals), text_of(line.substr(equals + 3)));
    } else if (line.ends_with(" =")) {
      files_.write(line.substr(0, line.size() - 2), more_);
    } else if (line.ends_with('/')) {
      files_.make_folder(line);
    } else {
      throw std::runtime_error("no line of a tree: " + line);
    }
  }

  void link(const std::string& path, std::string target) const {
    const auto place = root().resolve(path);
    std::filesystem::create_directories(place.parent_path());
    if (target.starts_with('/')) {
      target = root().resolve(target).lexically_relative(
          std::filesystem::canonical(place.parent_path()));
    }
    std::filesystem::create_symlink(target, place);
  }

  /// With a line end, unless it is quoted.
  static std::string text_of(const std::string& value) {
    if (!value.starts_with('"')) {
      return value + "\n";
    }
    std::string text;
    for (std::size_t i = 1; i + 1 < value.size(); ++i) {
      if (value[i] != '\\') {
        text += value[i];
        continue;
      }
      const char escaped = value.at(++i);
      text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == '0' ? '\0' : escaped;
    }
    return text;
  }

  TemporaryTree files_;
  std::string folder_;
  std::string pending_;  ///< The last line that makes something.
  std::string more_;     ///< The lines behind it that begin with a bar.
};

/// Of all the trees, one for each board and more.
inline std::vector<std::string> board_tree_names(const std::string& folder = "") {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(REIN_SOURCE_DIR "/tests/platform/trees/" + folder)) {
    if (entry.path().extension() == ".tree") {
      names.push_back(folder + entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Those of machines that people reported.
inline std::vector<std::string> reported_tree_names() { return board_tree_names("reported/"); }

}  // namespace rein::test
