#include "platform/sensors/sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace rein {

namespace {

/// Fit for a column.
std::string clean(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](unsigned char c) {
        return c >= 0x80 || (!std::isalnum(c) && c != '_' && c != '-' && c != '.');
      },
      '_');
  return text;
}

/// Appends to all that are not the only one of their name what `part` has for them.
template <typename Part>
void distinguish(std::vector<std::string>& names, Part part) {
  std::map<std::string, std::vector<std::size_t>> same;
  for (std::size_t i = 0; i < names.size(); ++i) {
    same[names[i]].push_back(i);
  }
  for (const auto& [name, indices] : same) {
    std::set<std::string> parts;
    for (const std::size_t i : indices) {
      parts.insert(part(i));
    }
    for (const std::size_t i : indices) {
      if (parts.size() > 1 && !part(i).empty()) {
        names[i].append("_").append(clean(part(i)));
      }
    }
  }
}

}  // namespace

std::vector<std::string> unique_names(const std::vector<SensorName>& names) {
  std::vector<std::string> result;
  result.reserve(names.size());
  for (const auto& [name, place, channel] : names) {
    result.push_back(clean(name.empty() ? place : name));
  }
  distinguish(result, [&names](std::size_t i) { return names[i].place; });
  distinguish(result, [&names](std::size_t i) { return names[i].channel; });
  std::set<std::string> taken(result.begin(), result.end());
  std::set<std::string> seen;
  for (auto& name : result) {
    const std::string first = name;
    for (int number = 2; !seen.insert(name).second; ++number) {
      if (const auto next = fmt::format("{}_{}", first, number); taken.insert(next).second) {
        name = next;
      }
    }
  }
  return result;
}

}  // namespace rein
