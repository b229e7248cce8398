#include "platform/sensor.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include "platform/kernel_file.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

std::vector<std::string> unique_names(const std::vector<SensorName>& names) {
  std::vector<std::string> result;
  std::map<std::string, int> count;
  for (const auto& [name, place] : names) {
    std::string clean = name.empty() ? place : name;
    std::replace_if(
        clean.begin(), clean.end(),
        [](unsigned char c) {
          return c >= 0x80 || (!std::isalnum(c) && c != '_' && c != '-' && c != '.');
        },
        '_');
    ++count[clean];
    result.push_back(std::move(clean));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (count[result[i]] > 1) {
      result[i] += "_" + names[i].place;
    }
  }
  return result;
}

std::vector<int> list_threads(const SysfsRoot& root) {
  std::vector<int> threads;
  for (const auto& name : root.list("/proc/self/task")) {
    if (const auto id = parse_count(name)) {
      threads.push_back(static_cast<int>(*id));
    }
  }
  return threads;
}

}  // namespace rein
