#include "platform/board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>

#include "common/error.hpp"
#include "platform/frequency_domain.hpp"
#include "platform/kernel_file.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

namespace {

constexpr double kMinQuotaMs = 1.0;  ///< The kernel takes no smaller one.
constexpr std::size_t kManyCpus = 8;
constexpr std::string_view kPolicyPrefix = "policy";
constexpr PowerModel kAssumedPower{.idle_w = 2.0, .cpu_w = 3.0};

/// A name that becomes part of the names of signals and controls.
std::string read_name(const ConfigNode& node) {
  std::string name = node.text();
  const bool fits = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-');
  });
  if (!fits) {
    node.fail("a name of letters, digits, '_' and '-'");
  }
  return name;
}

std::string read_new_name(const ConfigNode& node, std::set<std::string>& taken) {
  std::string name = read_name(node);
  if (!taken.insert(name).second) {
    node.fail("a name that is not taken");
  }
  return name;
}

CpuList read_cpus(const ConfigNode& node) {
  CpuList cpus;
  try {
    cpus = parse_cpu_list(node.text());
  } catch (const ConfigError&) {
    throw;
  } catch (const Error&) {
    node.fail("CPU numbers as in '0-2,4'");
  }
  if (cpus.empty()) {
    node.fail("at least one CPU");
  }
  return cpus;
}

CpuList read_cpus_of(const ConfigNode& node, const CpuList& board_cpus) {
  CpuList cpus = read_cpus(node);
  if (!std::includes(board_cpus.begin(), board_cpus.end(), cpus.begin(), cpus.end())) {
    node.fail(fmt::format("CPUs among the board's {}", format_cpu_list(board_cpus)));
  }
  return cpus;
}

std::vector<double> read_ascending(const ConfigNode& node) {
  std::vector<double> numbers = node.numbers(Range::positive());
  if (std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<>()) != numbers.end()) {
    node.fail("numbers in ascending order, each once");
  }
  return numbers;
}

/// The kernel's directory of a domain: "policy" and a number.
std::string read_policy(const ConfigNode& node) {
  std::string policy = node.text();
  if (!policy.starts_with(kPolicyPrefix) || policy.size() == kPolicyPrefix.size() ||
      policy.find_first_not_of("0123456789", kPolicyPrefix.size()) != std::string::npos) {
    node.fail("a cpufreq directory such as 'policy0'");
  }
  return policy;
}

DomainSpec read_domain(const ConfigNode& node, const CpuList& board_cpus,
                       std::set<std::string>& names) {
  DomainSpec domain;
  domain.name = read_new_name(node.at("name"), names);
  domain.policy = read_policy(node.at("policy"));
  domain.cpus = read_cpus_of(node.at("cpus"), board_cpus);
  if (node.has("opps_mhz")) {
    domain.opps_mhz = read_ascending(node.at("opps_mhz"));
  }
  node.reject_unknown();
  return domain;
}

Place read_place(const ConfigNode& node, const CpuList& board_cpus, std::set<std::string>& names) {
  Place place;
  place.name = read_new_name(node.at("name"), names);
  place.cpus = read_cpus_of(node.at("cpus"), board_cpus);
  const auto count = static_cast<std::int64_t>(place.cpus.size());
  place.threads = static_cast<int>(
      node.integer_or("threads", count, Range{.min = 1.0, .max = static_cast<double>(count)}));
  node.reject_unknown();
  return place;
}

BandwidthSpec read_bandwidth(const ConfigNode& node) {
  BandwidthSpec bandwidth;
  if (node.has("name")) {
    bandwidth.name = read_name(node.at("name"));
  }
  bandwidth.period_ms =
      node.number_or("period_ms", bandwidth.period_ms, Range{.min = 1.0, .max = 1000.0});
  const ConfigNode levels = node.at("levels_cpus");
  bandwidth.levels_cpus = read_ascending(levels);
  if (bandwidth.levels_cpus.empty()) {
    levels.fail("at least one level");
  }
  if (bandwidth.levels_cpus.front() * bandwidth.period_ms < kMinQuotaMs) {
    levels.reject(fmt::format(
        "expected levels of at least {} ms in a period of {} ms, found {} CPUs, which are {} ms",
        kMinQuotaMs, bandwidth.period_ms, bandwidth.levels_cpus.front(),
        bandwidth.levels_cpus.front() * bandwidth.period_ms));
  }
  node.reject_unknown();
  return bandwidth;
}

PowerModel read_power_model(const ConfigNode& node) {
  PowerModel model;
  model.idle_w = node.at("idle_w").number(Range::non_negative());
  model.cpu_w = node.at("cpu_w").number(Range::non_negative());
  node.reject_unknown();
  return model;
}

std::string board_name(const SysfsRoot& root) {
  for (const char* path : {"/proc/device-tree/model", "/sys/class/dmi/id/product_name"}) {
    if (auto text = root.try_read(path); text && !text->empty()) {
      return *text;
    }
  }
  return "this machine";
}

CpuList online_cpus(const SysfsRoot& root) {
  CpuList cpus = parse_cpu_list(root.read("/sys/devices/system/cpu/online"));
  if (cpus.empty()) {
    throw Error(fmt::format("{}: expected at least one CPU, found none",
                            root.resolve("/sys/devices/system/cpu/online").string()));
  }
  return cpus;
}

std::vector<DomainSpec> find_domains(const SysfsRoot& root, const CpuList& online) {
  std::vector<DomainSpec> domains;
  const std::string folder = "/sys/devices/system/cpu/cpufreq";
  for (const auto& policy : root.list(folder)) {
    if (!policy.starts_with(kPolicyPrefix)) {
      continue;
    }
    // Separated by blanks, unlike other lists of CPUs.
    const std::string affected =
        root.try_read(fmt::format("{}/{}/affected_cpus", folder, policy)).value_or("");
    CpuList cpus;
    for (const auto word : split_words(affected)) {
      const auto cpu = parse_count(word);
      if (cpu && std::binary_search(online.begin(), online.end(), static_cast<int>(*cpu))) {
        cpus.push_back(static_cast<int>(*cpu));
      }
    }
    std::sort(cpus.begin(), cpus.end());
    if (!cpus.empty()) {
      domains.push_back({.name = policy,
                         .policy = policy,
                         .cpus = cpus,
                         .opps_mhz = kernel_opps_mhz(root, policy)});
    }
  }
  return domains;
}

std::vector<Place> find_places(const CpuList& online, const std::vector<DomainSpec>& domains) {
  std::vector<Place> places;
  const auto add = [&places](const std::string& name, const CpuList& cpus) {
    places.push_back({.name = name, .cpus = cpus, .threads = static_cast<int>(cpus.size())});
  };
  const auto is_first_of_domain = [&domains](int cpu) {
    return std::any_of(domains.begin(), domains.end(),
                       [cpu](const DomainSpec& domain) { return domain.cpus.front() == cpu; });
  };
  for (const int cpu : online) {
    if (online.size() <= kManyCpus || cpu == online.front() || is_first_of_domain(cpu)) {
      add(fmt::format("cpu{}", cpu), {cpu});
    }
  }
  for (const auto& domain : domains) {
    if (domain.cpus.size() > 1 && domain.cpus.size() < online.size()) {
      add(domain.name, domain.cpus);
    }
  }
  if (online.size() > 1) {
    add(fmt::format("all{}", online.size()), online);
  }
  return places;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
    }
    result += c < 0x20 ? ' ' : static_cast<char>(c);
  }
  result += '"';
  return result;
}

}  // namespace

Board Board::from_yaml(const ConfigNode& node) {
  Board board;
  board.name = node.at("name").text();
  board.cpus = read_cpus(node.at("cpus"));
  if (node.has("domains")) {
    std::set<std::string> names;
    for (const auto& item : node.at("domains").items()) {
      DomainSpec domain = read_domain(item, board.cpus, names);
      for (const auto& other : board.domains) {
        if (other.policy == domain.policy) {
          item.at("policy").fail("a policy that is not taken");
        }
      }
      board.domains.push_back(std::move(domain));
    }
  }
  std::set<std::string> names;
  for (const auto& item : node.at("places").items()) {
    board.places.push_back(read_place(item, board.cpus, names));
  }
  if (board.places.empty()) {
    node.at("places").fail("at least one place");
  }
  if (node.has("bandwidth")) {
    board.bandwidth = read_bandwidth(node.at("bandwidth"));
  }
  if (node.has("power_model")) {
    board.power_model = read_power_model(node.at("power_model"));
  }
  node.reject_unknown();
  return board;
}

Board Board::detect(const SysfsRoot& root) {
  Board board;
  board.name = board_name(root);
  board.cpus = online_cpus(root);
  board.domains = find_domains(root, board.cpus);
  board.places = find_places(board.cpus, board.domains);
  const auto count = static_cast<double>(board.cpus.size());
  board.bandwidth = BandwidthSpec{.levels_cpus = {count / 2, count}};
  board.power_model = kAssumedPower;
  return board;
}

std::string Board::to_yaml() const {
  std::string text = fmt::format("name: {}\ncpus: \"{}\"\n", quoted(name), format_cpu_list(cpus));
  if (!domains.empty()) {
    text += "domains:\n";
  }
  for (const auto& domain : domains) {
    text +=
        fmt::format("  - {{name: \"{}\", policy: {}, cpus: \"{}\", opps_mhz: [{}]}}\n", domain.name,
                    domain.policy, format_cpu_list(domain.cpus), fmt::join(domain.opps_mhz, ", "));
  }
  text += "places:\n";
  for (const auto& place : places) {
    text += fmt::format("  - {{name: \"{}\", cpus: \"{}\", threads: {}}}\n", place.name,
                        format_cpu_list(place.cpus), place.threads);
  }
  if (bandwidth) {
    text +=
        fmt::format("bandwidth: {{name: \"{}\", levels_cpus: [{}], period_ms: {}}}\n",
                    bandwidth->name, fmt::join(bandwidth->levels_cpus, ", "), bandwidth->period_ms);
  }
  text += fmt::format("power_model: {{idle_w: {}, cpu_w: {}}}\n", power_model.idle_w,
                      power_model.cpu_w);
  return text;
}

}  // namespace rein
