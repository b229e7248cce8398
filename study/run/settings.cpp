#include "study/run/settings.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace rein {

namespace {

bool is_within(const std::string& key, const std::string& whole) {
  return key == whole || key.starts_with(whole + ".");
}

}  // namespace

std::vector<Setting> read_settings(const std::vector<std::string>& texts) {
  std::vector<Setting> settings;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) {
      throw UsageError(fmt::format("--set: expected dotted.key=value, found '{}'", text));
    }
    Setting setting{.key = text.substr(0, equals), .value = text.substr(equals + 1)};
    for (const auto& earlier : settings) {
      if (is_within(earlier.key, setting.key)) {
        throw UsageError(fmt::format("--set {}: has no effect: {} comes later and replaces it",
                                     earlier.key, setting.origin()));
      }
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

void refuse_setting(const std::vector<std::string>& texts, const std::string& key,
                    const std::string& why) {
  for (const auto& setting : read_settings(texts)) {
    if (is_within(setting.key, key) || is_within(key, setting.key)) {
      throw UsageError(fmt::format("--set {}: has no effect: {}", setting.key, why));
    }
  }
}

}  // namespace rein
