#pragma once

#include <string>
#include <vector>

namespace rein {

/// One `--set dotted.key=value`.
struct Setting {
  std::string key;
  std::string value;  ///< YAML.

  std::string origin() const { return "--set " + key + "=" + value; }
};

/// In their order. @throws UsageError for what is none, and for one that a later one replaces.
std::vector<Setting> read_settings(const std::vector<std::string>& texts);

/// @param why  completes "--set KEY: has no effect: ".
/// @throws UsageError if `key`, a part of it or what it is a part of is set.
void refuse_setting(const std::vector<std::string>& texts, const std::string& key,
                    const std::string& why);

}  // namespace rein
