#include "platform/kernel/cpu_set.hpp"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <string_view>

#include "common/error.hpp"
#include "platform/kernel/kernel_file.hpp"

namespace rein {

namespace {

constexpr int kMaxCpu = 8191;  ///< CONFIG_NR_CPUS of no kernel is greater.

}  // namespace

CpuList parse_cpu_list(const std::string& text) {
  const auto fail = [&text] {
    throw Error(fmt::format("CPU list: expected CPU numbers as in '0-2,4', found '{}'", text));
  };
  const auto number = [&fail](std::string_view digits) {
    int value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value < 0 ||
        value > kMaxCpu) {
      fail();
    }
    return value;
  };

  std::string_view rest = trim(text);
  std::set<int> cpus;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const std::size_t dash = part.find('-');
    const int first = number(part.substr(0, dash));
    const int last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    if (last < first || comma + 1 == rest.size()) {
      fail();
    }
    for (int cpu = first; cpu <= last; ++cpu) {
      cpus.insert(cpu);
    }
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return {cpus.begin(), cpus.end()};
}

std::string format_cpu_list(const CpuList& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) {
      ++last;
    }
    text += text.empty() ? "" : ",";
    text += last == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace rein
