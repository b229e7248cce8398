#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rein {

/// One row of a published table: its cells by the column's name.
class PublishedRow {
 public:
  explicit PublishedRow(std::map<std::string, std::string> cells) : cells_(std::move(cells)) {}

  /// @throws Error naming the column.
  const std::string& text(const std::string& column) const;
  double number(const std::string& column) const;
  /// Whether the parameters were fitted to it. The others were held back.
  bool is_fit() const { return text("used") == "fit"; }

 private:
  std::map<std::string, std::string> cells_;
};

/// Reads `published/<name>.csv`: commas, a header, comments behind `#`, no quotes.
/// @throws Error naming file, line and what was expected.
std::vector<PublishedRow> read_published(const std::filesystem::path& folder,
                                         const std::string& name);

}  // namespace rein
