#include "platform/board/board.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "common/pattern.hpp"
#include "common/yaml_text.hpp"
#include "platform/board/cpu_policies.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

constexpr double kMinQuotaMs = 1.0;  ///< The kernel takes no smaller one.
constexpr Range kCpus{.min = 1e-3, .max = 1e4, .unit = "CPUs"};

/// How a board file names the directory of a clock.
struct InterfaceKey {
  ClockInterface interface;
  const char* key;
  const char* expected;
};
constexpr std::array<InterfaceKey, 4> kInterfaces{{
    {ClockInterface::kCpufreq, "policy",
     "a cpufreq directory such as 'policy0' or 'policy{0-3}', or a path below /sys"},
    {ClockInterface::kDevfreq, "devfreq", "a device in /sys/class/devfreq, or its path below /sys"},
    {ClockInterface::kBpmp, "bpmp", "a path that begins with '/sys/'"},
    {ClockInterface::kMali, "mali", "a path that begins with '/sys/'"},
}};

bool has_only(std::string_view text, std::string_view extra) {
  return std::ranges::all_of(text, [extra](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || extra.find(static_cast<char>(c)) != extra.npos);
  });
}

/// A name that becomes part of the names of signals and controls.
std::string read_name(const ConfigNode& node) {
  std::string name = node.name();
  if (!has_only(name, "_-")) {
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
  if (!std::ranges::includes(board_cpus, cpus)) {
    node.fail(fmt::format("CPUs among the board's {}", format_cpu_list(board_cpus)));
  }
  return cpus;
}

std::vector<double> read_ascending(const ConfigNode& node, const Range& range) {
  std::vector<double> numbers = node.numbers(range);
  const auto wrong = std::ranges::adjacent_find(numbers, std::greater_equal<>());
  if (wrong != numbers.end()) {
    node.reject(fmt::format("expected numbers in ascending order, each once, found {} before {}",
                            *wrong, *(wrong + 1)));
  }
  return numbers;
}

/// A file of the kernel.
std::string read_path(const ConfigNode& node) {
  std::string path = node.text();
  if (!path.starts_with('/')) {
    node.fail("a path that begins with '/'");
  }
  return path;
}

/// Below /sys: what is written elsewhere could not be put back by `rein restore`.
bool is_setting(std::string_view path) {
  return path.starts_with("/sys/") && path.find("/../") == path.npos;
}

/// The kernel's directory of a cpufreq domain: "policy" and a number, or several in braces.
bool is_policy(std::string_view text) {
  if (!text.starts_with(kPolicyPrefix)) {
    return false;
  }
  std::string_view numbers = text.substr(kPolicyPrefix.size());
  if (numbers.starts_with('{') && numbers.ends_with('}')) {
    numbers = numbers.substr(1, numbers.size() - 2);
    try {
      return !parse_cpu_list(std::string(numbers)).empty();
    } catch (const Error&) {
      return false;
    }
  }
  return parse_count(numbers).has_value();
}

bool is_clock_path(std::string_view text, ClockInterface interface) {
  if (text.starts_with('/')) {
    return is_setting(text);
  }
  switch (interface) {
    case ClockInterface::kCpufreq:
      return is_policy(text);
    case ClockInterface::kDevfreq:
      return !text.empty() && text.find('/') == text.npos;
    case ClockInterface::kBpmp:
    case ClockInterface::kMali:
      break;
  }
  return false;
}

const InterfaceKey& read_interface(const ConfigNode& node) {
  std::vector<const InterfaceKey*> found;
  std::vector<std::string> keys;
  for (const auto& interface : kInterfaces) {
    if (node.has(interface.key)) {
      found.push_back(&interface);
      keys.emplace_back(interface.key);
    }
  }
  if (found.size() != 1) {
    node.reject(fmt::format("expected one of policy, devfreq, bpmp and mali, found {}",
                            keys.empty() ? "none" : fmt::format("{}", fmt::join(keys, " and "))));
  }
  return *found.front();
}

/// One path or a list of them, none of which another domain has.
std::vector<std::string> read_clock_paths(const ConfigNode& node, const InterfaceKey& interface,
                                          std::set<std::string>& taken) {
  std::vector<std::string> paths;
  for (const auto& item : node.is_sequence() ? node.items() : std::vector{node}) {
    std::string path = item.text();
    if (!is_clock_path(path, interface.interface)) {
      item.fail(interface.expected);
    }
    if (!taken.insert(path).second) {
      item.fail("a path that is not taken");
    }
    paths.push_back(std::move(path));
  }
  if (paths.empty()) {
    node.fail("at least one path");
  }
  return paths;
}

std::vector<double> read_voltages(const ConfigNode& node, std::size_t num_opps) {
  std::vector<double> voltages = node.numbers(Range::volts());
  if (voltages.size() != num_opps) {
    node.reject(fmt::format("expected one number for each of the {} in opps_mhz, found {}",
                            num_opps, voltages.size()));
  }
  return voltages;
}

/// What the domains of a board must not have in common.
struct TakenByDomains {
  std::set<std::string> names;
  std::set<std::string> paths;
};

DomainSpec read_domain(const ConfigNode& node, const CpuList& board_cpus, TakenByDomains& taken) {
  DomainSpec domain;
  domain.name = read_new_name(node.at("name"), taken.names);
  const InterfaceKey& interface = read_interface(node);
  domain.interface = interface.interface;
  domain.paths = read_clock_paths(node.at(interface.key), interface, taken.paths);
  if (domain.interface == ClockInterface::kCpufreq) {
    domain.cpus = read_cpus_of(node.at("cpus"), board_cpus);
  } else if (node.has("cpus")) {
    node.at("cpus").fail("no CPUs: only a domain with 'policy' has them");
  }
  if (node.has("opps_mhz")) {
    domain.opps_mhz = read_ascending(node.at("opps_mhz"), Range::megahertz());
  }
  if (node.has("opps_v")) {
    domain.opps_v = read_voltages(node.at("opps_v"), domain.opps_mhz.size());
  }
  domain.control = node.boolean_or("control", domain.control);
  node.reject_unknown();
  return domain;
}

Place read_place(const ConfigNode& node, const CpuList& board_cpus, std::set<std::string>& names) {
  Place place;
  place.name = read_new_name(node.at("name"), names);
  if (node.has("device")) {
    place.device = node.at("device").one_of({"cpu", "gpu"});
  }
  place.cpus = read_cpus_of(node.at("cpus"), board_cpus);
  const auto count = static_cast<std::int64_t>(place.cpus.size());
  place.threads = static_cast<int>(
      node.integer_or("threads", count, Range{.min = 1.0, .max = static_cast<double>(count)}));
  if (node.has("offline")) {
    place.offline = read_cpus_of(node.at("offline"), board_cpus);
    if (std::ranges::find_first_of(place.offline, place.cpus) != place.offline.end()) {
      node.at("offline").fail("CPUs that the place does not use");
    }
  }
  node.reject_unknown();
  return place;
}

/// The quantities that a board file may name files of, and that have such a signal.
std::vector<std::string> given_signals(std::string_view Quantity::*kind, const char* quote) {
  std::vector<std::string> names;
  for (const auto& quantity : quantities()) {
    if (quantity.is_given && !(quantity.*kind).empty()) {
      names.push_back(fmt::format("{0}{1}{0}", quote, quantity.name));
    }
  }
  return names;
}

std::string read_signal(const ConfigNode& node, std::set<std::string>& taken) {
  std::string signal = node.text();
  const Quantity* const quantity = find_quantity(signal);
  const std::string_view name = name_behind_dot(signal);
  const bool is_whole = quantity != nullptr && signal == quantity->name;
  const bool is_one = quantity != nullptr && !name.empty() && has_only(name, "_-.");
  if (quantity == nullptr || !quantity->is_given || !(is_whole || is_one) ||
      (is_whole ? quantity->whole : quantity->each).empty()) {
    node.fail(fmt::format("{}, or a name behind one of {} as in 'power_w.A15'",
                          fmt::join(given_signals(&Quantity::whole, "'"), ", "),
                          fmt::join(given_signals(&Quantity::each, ""), ", ")));
  }
  if (!taken.insert(signal).second) {
    node.fail("a signal that is not taken");
  }
  return signal;
}

SensorSpec read_sensor(const ConfigNode& node, std::set<std::string>& signals) {
  SensorSpec sensor;
  sensor.signal = read_signal(node.at("signal"), signals);
  sensor.path = read_path(node.at("path"));
  sensor.scale = node.number_or("scale", sensor.scale, Range::positive());
  sensor.update_ms = node.number_or("update_ms", sensor.update_ms, Range::milliseconds().or_zero());
  if (node.has("enable")) {
    sensor.enable = node.at("enable").text();
    if (!is_setting(sensor.enable)) {
      node.at("enable").fail("a path that begins with '/sys/'");
    }
  }
  node.reject_unknown();
  return sensor;
}

std::vector<std::string> read_rails(const ConfigNode& node) {
  std::vector<std::string> rails;
  std::set<std::string> taken;
  for (const auto& item : node.items()) {
    std::string rail = item.text();
    if (rail.empty() || !has_only(rail, "_-.")) {
      item.fail("a rail, as it comes behind 'power_w.'");
    }
    if (!taken.insert(rail).second) {
      item.fail("a rail that is not taken");
    }
    rails.push_back(std::move(rail));
  }
  return rails;
}

/// Names of temperatures, which may hold `*`.
std::vector<std::string> read_zones(const ConfigNode& node) {
  constexpr std::string_view kQuantity = "temperature_c.";
  std::vector<std::string> zones;
  std::set<std::string> taken;
  for (const auto& item : node.items()) {
    std::string zone = item.text();
    if (zone.empty() || !has_only(zone, "_-.*") || zone.starts_with(kQuantity)) {
      item.fail(fmt::format("a temperature, as it comes behind '{}'; '*' is any text", kQuantity));
    }
    if (!taken.insert(zone).second) {
      item.fail("a temperature that is not named already");
    }
    zones.push_back(std::move(zone));
  }
  if (zones.empty()) {
    node.fail("at least one temperature");
  }
  return zones;
}

HeatChoice read_heat_choice(const ConfigNode& node) {
  HeatChoice choice;
  if (node.has("zones")) {
    choice.zones = read_zones(node.at("zones"));
  }
  if (node.has("ignore")) {
    choice.ignore = read_zones(node.at("ignore"));
  }
  node.reject_unknown();
  return choice;
}

TripPoint read_trip(const ConfigNode& node) {
  TripPoint trip;
  trip.zone = node.at("zone").text();
  trip.kind = node.at("kind").one_of(trip_kinds());
  trip.temperature_c = node.at("temperature_c").number(Range::celsius());
  trip.hysteresis_c = node.number_or("hysteresis_c", trip.hysteresis_c, Range::kelvins());
  node.reject_unknown();
  return trip;
}

BandwidthSpec read_bandwidth(const ConfigNode& node) {
  BandwidthSpec bandwidth;
  if (node.has("name")) {
    bandwidth.name = read_name(node.at("name"));
  }
  bandwidth.period_ms = node.number_or("period_ms", bandwidth.period_ms,
                                       Range{.min = 1.0, .max = 1000.0, .unit = "ms"});
  const ConfigNode levels = node.at("levels_cpus");
  bandwidth.levels_cpus = read_ascending(levels, kCpus);
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
  model.idle_w = node.at("idle_w").number(Range::watts().or_zero());
  model.cpu_w = node.at("cpu_w").number(Range::watts().or_zero());
  model.is_assumed = node.boolean_or("assumed", false);
  node.reject_unknown();
  return model;
}

void read_sensors(const ConfigNode& node, Board& board) {
  std::set<std::string> signals;
  if (node.has("sensors")) {
    for (const auto& item : node.at("sensors").items()) {
      board.sensors.push_back(read_sensor(item, signals));
    }
  }
  if (node.has("total_power")) {
    board.total_power = read_rails(node.at("total_power"));
    if (signals.contains("power_w")) {
      node.at("total_power").fail("no rails, as a sensor gives 'power_w'");
    }
  }
}

std::string to_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> all;
  std::ranges::transform(texts, std::back_inserter(all), yaml_quoted);
  return fmt::format("[{}]", fmt::join(all, ", "));
}

const char* key_of(ClockInterface interface) {
  return std::ranges::find(kInterfaces, interface, &InterfaceKey::interface)->key;
}

std::string to_line(const DomainSpec& domain) {
  std::vector<std::string> paths;
  std::ranges::transform(domain.paths, std::back_inserter(paths), yaml_quoted);
  std::string line = fmt::format("  - {{name: {}, {}: [{}]", yaml_quoted(domain.name),
                                 key_of(domain.interface), fmt::join(paths, ", "));
  if (!domain.cpus.empty()) {
    line += fmt::format(", cpus: \"{}\"", format_cpu_list(domain.cpus));
  }
  line += fmt::format(", opps_mhz: [{}]", fmt::join(domain.opps_mhz, ", "));
  if (!domain.opps_v.empty()) {
    line += fmt::format(", opps_v: [{}]", fmt::join(domain.opps_v, ", "));
  }
  if (!domain.control) {
    line += ", control: false";
  }
  return line + "}\n";
}

std::string to_line(const Place& place) {
  std::string line =
      fmt::format("  - {{name: {}, device: {}, cpus: \"{}\", threads: {}", yaml_quoted(place.name),
                  place.device, format_cpu_list(place.cpus), place.threads);
  if (!place.offline.empty()) {
    line += fmt::format(", offline: \"{}\"", format_cpu_list(place.offline));
  }
  return line + "}\n";
}

std::string to_line(const SensorSpec& sensor) {
  std::string line =
      fmt::format("  - {{signal: {}, path: {}, scale: {}, update_ms: {}", yaml_text(sensor.signal),
                  yaml_quoted(sensor.path), sensor.scale, sensor.update_ms);
  if (!sensor.enable.empty()) {
    line += fmt::format(", enable: {}", yaml_quoted(sensor.enable));
  }
  return line + "}\n";
}

std::string to_line(const TripPoint& trip) {
  return fmt::format("  - {{zone: {}, kind: {}, temperature_c: {}, hysteresis_c: {}}}\n",
                     yaml_quoted(trip.zone), trip.kind, trip.temperature_c, trip.hysteresis_c);
}

std::string to_yaml_line(const HeatChoice& choice) {
  std::vector<std::string> keys;
  if (!choice.zones.empty()) {
    keys.push_back("zones: " + to_texts(choice.zones));
  }
  if (!choice.ignore.empty()) {
    keys.push_back("ignore: " + to_texts(choice.ignore));
  }
  return keys.empty() ? "" : fmt::format("temperature: {{{}}}\n", fmt::join(keys, ", "));
}

template <typename Item>
std::string to_list(const char* key, const std::vector<Item>& items) {
  std::string text = items.empty() ? "" : fmt::format("{}:\n", key);
  for (const auto& item : items) {
    text += to_line(item);
  }
  return text;
}

/// Of the temperatures that are chosen, one at least is simulated, if there are any.
void check_zones(const ConfigNode& node, const Board& board) {
  const auto& zones = board.temperature.zones;
  std::vector<std::string> names;
  for (const auto& sensor : board.simulation->sensors) {
    if (constexpr std::string_view kBegin = "temperature_c."; sensor.signal.starts_with(kBegin)) {
      names.push_back(sensor.signal.substr(kBegin.size()));
    }
  }
  const bool any = std::ranges::any_of(names, [&zones](const std::string& name) {
    return std::ranges::any_of(zones,
                               [&name](const std::string& zone) { return matches(zone, name); });
  });
  if (!zones.empty() && !names.empty() && !any) {
    node.at("temperature")
        .at("zones")
        .reject(fmt::format("expected one of the simulation's temperatures ({}), found none",
                            fmt::join(names, ", ")));
  }
}

}  // namespace

const std::vector<std::string>& trip_kinds() {
  static const std::vector<std::string> kinds{"active", "passive", "hot", "critical"};
  return kinds;
}

Board Board::from_yaml(const ConfigNode& node) {
  Board board;
  board.name = node.at("name").name();
  board.cpus = read_cpus(node.at("cpus"));
  if (node.has("domains")) {
    TakenByDomains taken;
    for (const auto& item : node.at("domains").items()) {
      board.domains.push_back(read_domain(item, board.cpus, taken));
    }
  }
  std::set<std::string> names;
  for (const auto& item : node.at("places").items()) {
    board.places.push_back(read_place(item, board.cpus, names));
  }
  if (board.places.empty()) {
    node.at("places").fail("at least one place");
  }
  read_sensors(node, board);
  if (node.has("temperature")) {
    board.temperature = read_heat_choice(node.at("temperature"));
  }
  if (node.has("trips")) {
    for (const auto& item : node.at("trips").items()) {
      board.trips.push_back(read_trip(item));
    }
  }
  if (node.has("bandwidth")) {
    board.bandwidth = read_bandwidth(node.at("bandwidth"));
  }
  if (node.has("power_model")) {
    board.power_model = read_power_model(node.at("power_model"));
  }
  if (node.has("simulation")) {
    board.simulation = Simulation::from_yaml(node.at("simulation"), board);
    check_zones(node, board);
  }
  node.reject_unknown();
  return board;
}

bool Board::has_gpu() const {
  return std::ranges::any_of(places, [](const Place& place) { return place.device == "gpu"; });
}

std::string Board::to_yaml() const {
  std::string text =
      fmt::format("name: {}\ncpus: \"{}\"\n", yaml_quoted(name), format_cpu_list(cpus));
  text += to_list("domains", domains) + to_list("places", places) + to_list("sensors", sensors);
  if (!total_power.empty()) {
    text += fmt::format("total_power: {}\n", to_texts(total_power));
  }
  text += to_yaml_line(temperature);
  text += to_list("trips", trips);
  if (bandwidth) {
    text += fmt::format("bandwidth: {{name: {}, levels_cpus: [{}], period_ms: {}}}\n",
                        yaml_quoted(bandwidth->name), fmt::join(bandwidth->levels_cpus, ", "),
                        bandwidth->period_ms);
  }
  text += fmt::format("power_model: {{idle_w: {}, cpu_w: {}{}}}\n", power_model.idle_w,
                      power_model.cpu_w, power_model.is_assumed ? ", assumed: true" : "");
  return text;
}

const char* kind_of(ClockInterface interface) {
  return interface == ClockInterface::kCpufreq ? "cpufreq" : key_of(interface);
}

}  // namespace rein
