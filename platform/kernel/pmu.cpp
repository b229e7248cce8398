#include "platform/kernel/pmu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/error.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

const std::string kDevices = "/sys/bus/event_source/devices";

std::optional<CpuList> read_cpus(const SysfsRoot& root, const std::string& path) {
  const auto text = root.try_read(path);
  if (!text || text->empty()) {
    return std::nullopt;
  }
  try {
    return parse_cpu_list(*text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<Pmu> read_pmu(const SysfsRoot& root, const std::string& name, const char* cpus_file) {
  const std::string path = fmt::format("{}/{}", kDevices, name);
  const auto type = parse_count(root.try_read(path + "/type").value_or(""));
  const auto cpus = read_cpus(root, fmt::format("{}/{}", path, cpus_file));
  if (!type || *type > UINT32_MAX || !cpus || cpus->empty()) {
    return std::nullopt;
  }
  return Pmu{.name = name, .path = path, .type = static_cast<std::uint32_t>(*type), .cpus = *cpus};
}

/// Takes the text before the separator off the front.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  const bool is_hex = text.starts_with("0x");
  text.remove_prefix(is_hex ? 2 : 0);
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, is_hex ? 16 : 10);
  return result.ec == std::errc{} && result.ptr == end ? std::optional(value) : std::nullopt;
}

/// Puts a value where a format such as "config:0-7,32-35" has it: its lowest bits first.
/// @return false if the format is not understood or has no room for the value.
bool place(std::uint64_t value, std::string_view format, PmuEvent& event) {
  const std::string_view field = take(format, ':');
  std::uint64_t* const word = field == "config"    ? &event.config
                              : field == "config1" ? &event.config1
                              : field == "config2" ? &event.config2
                                                   : nullptr;
  while (word != nullptr && !format.empty()) {
    std::string_view range = take(format, ',');
    const auto first = parse_count(take(range, '-'));
    const auto last = range.empty() ? first : parse_count(range);
    if (!first || !last || *last < *first || *last > 63) {
      return false;
    }
    const std::uint64_t width = *last - *first + 1;
    const std::uint64_t mask = width == 64 ? ~0ULL : (1ULL << width) - 1;
    *word |= (value & mask) << *first;
    value = width == 64 ? 0 : value >> width;
  }
  return word != nullptr && value == 0;
}

/// From "event=0x2e,umask=0x41"; a term without a value is 1.
std::optional<PmuEvent> parse_event(const SysfsRoot& root, const Pmu& pmu, std::string_view text) {
  PmuEvent event;
  while (!text.empty()) {
    std::string_view value = take(text, ',');
    const std::string term(take(value, '='));
    const auto number = value.empty() ? std::optional<std::uint64_t>(1) : parse_number(value);
    const auto format = root.try_read(fmt::format("{}/format/{}", pmu.path, term));
    if (!number || !format || !place(*number, *format, event)) {
      return std::nullopt;
    }
  }
  return event;
}

}  // namespace

std::vector<Pmu> find_core_pmus(const SysfsRoot& root) {
  std::vector<Pmu> pmus;
  for (const auto& name : root.list(kDevices)) {
    if (auto pmu = read_pmu(root, name, "cpus")) {
      pmus.push_back(std::move(*pmu));
    }
  }
  std::stable_sort(pmus.begin(), pmus.end(), [](const Pmu& left, const Pmu& right) {
    return left.cpus.front() < right.cpus.front();
  });
  return pmus;
}

std::optional<Pmu> find_pmu(const SysfsRoot& root, const std::string& name) {
  return read_pmu(root, name, "cpumask");
}

std::optional<PmuEvent> find_event(const SysfsRoot& root, const Pmu& pmu,
                                   std::span<const char* const> names) {
  for (const char* name : names) {
    const auto text = root.try_read(fmt::format("{}/events/{}", pmu.path, name));
    if (text && !text->empty()) {
      if (const auto event = parse_event(root, pmu, *text)) {
        return event;
      }
    }
  }
  return std::nullopt;
}

}  // namespace rein
