#include "platform/board/simulation_section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "common/yaml_text.hpp"
#include "platform/board/board.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

/// The name at `node`, which must be one of `names`. `what` completes "expected ...".
std::string read_one_of(const ConfigNode& node, const std::vector<std::string>& names,
                        const std::string& what) {
  std::string name = node.name();
  if (std::ranges::find(names, name) == names.end()) {
    node.fail(fmt::format("{} ({})", what, fmt::join(names, ", ")));
  }
  return name;
}

std::string read_simulated_name(const ConfigNode& node, std::set<std::string>& taken) {
  std::string name = node.name();
  if (!taken.insert(name).second) {
    node.fail("a name that is not taken");
  }
  return name;
}

template <typename Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  std::ranges::transform(items, std::back_inserter(names), &Item::name);
  return names;
}

constexpr Range kOverlap{.min = 1.0, .max = 100.0};

WorkKindSpec read_kind(const std::string& name, const ConfigNode& node) {
  WorkKindSpec kind;
  kind.name = name;
  kind.reference_mflops = node.at("reference_mflops").number(Range::megaflops());
  kind.compute_ms = node.at("compute_ms").number(Range::milliseconds());
  kind.memory_ms = node.number_or("memory_ms", kind.memory_ms, Range::milliseconds().or_zero());
  kind.exponent = node.number_or("exponent", kind.exponent, {.min = 1e-6, .max = 2.0});
  kind.activity = node.number_or("activity", kind.activity, {.min = 0.0, .max = 10.0});
  if (node.has("memory_overlap")) {
    kind.memory_overlap = node.at("memory_overlap").number(kOverlap);
  }
  if (node.has("launch_ms")) {
    kind.launch_ms = node.at("launch_ms").number(Range::milliseconds().or_zero());
  }
  if (node.has("launch_mcycles")) {
    kind.launch_mcycles = node.at("launch_mcycles").number(Range::megacycles().or_zero());
  }
  node.reject_unknown();
  return kind;
}

DeviceKind kind_of_domain(const ConfigNode& node, const DomainSpec& domain) {
  if (!domain.cpus.empty()) {
    return DeviceKind::kCpu;
  }
  return node.at("kind").one_of({"gpu", "memory"}) == "gpu" ? DeviceKind::kGpu
                                                            : DeviceKind::kMemory;
}

/// Power with everything busy, at 25 degC.
double busy_power_w(const SimulatedDevice& device, const DomainSpec& domain, std::size_t opp) {
  const double units =
      device.kind == DeviceKind::kCpu ? static_cast<double>(domain.cpus.size()) : 1.0;
  const double speed = domain.opps_mhz[opp] / domain.opps_mhz.back();
  const double volts = domain.opps_v[opp] / domain.opps_v.back();
  return (device.dynamic_w * units + device.idle_w) * speed * volts * volts +
         device.leakage_w * volts;
}

void check_power(const ConfigNode& node, const SimulatedDevice& device, const DomainSpec& domain) {
  for (std::size_t i = 1; i < domain.opps_mhz.size(); ++i) {
    const double below = busy_power_w(device, domain, i - 1);
    const double above = busy_power_w(device, domain, i);
    if (above < below) {
      node.reject(fmt::format(
          "expected power that rises with the frequency of {}, found {:.3g} W at {} MHz and {:.3g} "
          "W at {} MHz: check opps_v",
          domain.name, below, domain.opps_mhz[i - 1], above, domain.opps_mhz[i]));
    }
  }
}

SimulatedDevice read_device(const ConfigNode& node, const Board& board,
                            const std::vector<std::string>& zones, std::set<std::string>& taken) {
  SimulatedDevice device;
  device.domain = read_one_of(node.at("domain"), names_of(board.domains), "a domain of the board");
  if (!taken.insert(device.domain).second) {
    node.at("domain").fail("a domain that no other device has");
  }
  const DomainSpec& domain = *std::ranges::find(board.domains, device.domain, &DomainSpec::name);
  if (domain.opps_v.empty()) {
    node.at("domain").reject(fmt::format(
        "expected voltages for the simulation, found none: give opps_v to the domain {}",
        domain.name));
  }
  device.kind = kind_of_domain(node, domain);
  device.zone = read_one_of(node.at("zone"), zones, "a zone of the simulation");
  device.dynamic_w = node.at("dynamic_w").number(Range::watts().or_zero());
  device.idle_w = node.number_or("idle_w", device.idle_w, Range::watts().or_zero());
  device.leakage_w = node.number_or("leakage_w", device.leakage_w, Range::watts().or_zero());
  device.leakage_per_k =
      node.number_or("leakage_per_k", device.leakage_per_k, {.min = 0.0, .max = 0.1});
  device.stall_activity =
      node.number_or("stall_activity", device.stall_activity, {.min = 0.0, .max = 10.0});
  device.raise_ms = node.number_or("raise_ms", device.raise_ms, Range::milliseconds().or_zero());
  device.lower_ms = node.number_or("lower_ms", device.lower_ms, Range::milliseconds().or_zero());
  if (device.kind != DeviceKind::kMemory) {
    device.thread_exponent =
        node.number_or("thread_exponent", device.thread_exponent, {.min = 0.0, .max = 1.0});
    device.memory_overlap = node.number_or("memory_overlap", device.memory_overlap, kOverlap);
    device.launch_ms =
        node.number_or("launch_ms", device.launch_ms, Range::milliseconds().or_zero());
    device.launch_mcycles =
        node.number_or("launch_mcycles", device.launch_mcycles, Range::megacycles().or_zero());
    device.launch_overlap = node.number_or("launch_overlap", device.launch_overlap, kOverlap);
    for (const auto& [name, child] : node.at("kinds").entries()) {
      device.kinds.push_back(read_kind(name, child));
    }
    if (device.kinds.empty()) {
      node.at("kinds").fail("at least one kind of work");
    }
  }
  node.reject_unknown();
  check_power(node, device, domain);
  return device;
}

std::vector<std::string> read_names(const ConfigNode& node, const std::vector<std::string>& known,
                                    const std::string& what) {
  std::vector<std::string> names;
  for (const auto& item : node.items()) {
    names.push_back(read_one_of(item, known, what));
  }
  return names;
}

SimulatedRail read_rail(const ConfigNode& node, const std::vector<std::string>& devices,
                        std::set<std::string>& taken) {
  SimulatedRail rail;
  rail.name = read_simulated_name(node.at("name"), taken);
  rail.devices = read_names(node.at("devices"), devices, "a device's domain");
  rail.base_w = node.number_or("base_w", rail.base_w, Range::watts().or_zero());
  rail.factor = node.number_or("factor", rail.factor, {.min = 0.0, .max = 10.0});
  node.reject_unknown();
  return rail;
}

SimulatedZone read_zone(const ConfigNode& node, const std::vector<std::string>& domains,
                        std::set<std::string>& taken) {
  SimulatedZone zone;
  zone.name = read_simulated_name(node.at("name"), taken);
  zone.offset_k =
      node.number_or("offset_k", zone.offset_k, {.min = 0.0, .max = 100.0, .unit = "K"});
  for (const auto& item : node.at("stages").items()) {
    SimulatedZone::Stage stage;
    if (item.has("devices")) {
      stage.devices = read_names(item.at("devices"), domains, "a domain of the board");
    }
    stage.resistance_k_per_w =
        item.at("resistance_k_per_w").number({.min = 0.0, .max = 1000.0, .unit = "K/W"});
    stage.time_constant_s =
        item.at("time_constant_s").number({.min = 1e-3, .max = 1e6, .unit = "s"});
    item.reject_unknown();
    zone.stages.push_back(std::move(stage));
  }
  if (zone.stages.empty()) {
    node.at("stages").fail("at least one stage");
  }
  node.reject_unknown();
  return zone;
}

ThrottleSpec read_throttle(const ConfigNode& node, const std::vector<std::string>& zones,
                           const std::vector<std::string>& devices, std::set<std::string>& taken) {
  ThrottleSpec throttle;
  throttle.name = read_simulated_name(node.at("name"), taken);
  throttle.zone = read_one_of(node.at("zone"), zones, "a zone of the simulation");
  throttle.domain = read_one_of(node.at("domain"), devices, "a device's domain");
  throttle.trip_c = node.at("trip_c").number({.min = 0.0, .max = 150.0, .unit = "degC"});
  throttle.hysteresis_c = node.at("hysteresis_c").number({.min = 0.0, .max = 100.0, .unit = "K"});
  throttle.polling_ms = node.number_or("polling_ms", throttle.polling_ms,
                                       {.min = 1.0, .max = 60'000.0, .unit = "ms"});
  throttle.step = static_cast<std::size_t>(node.integer_or("step", 1, {.min = 1, .max = 1000}));
  throttle.floor_mhz =
      node.number_or("floor_mhz", throttle.floor_mhz, Range::megahertz().or_zero());
  throttle.keeps_voltage = node.boolean_or("keeps_voltage", throttle.keeps_voltage);
  node.reject_unknown();
  return throttle;
}

/// A signal that the model has something for, and what may stand behind its dot.
struct Showable {
  const Quantity* quantity;
  std::vector<std::string> names;  ///< Of one that is 0: any.
};

std::vector<Showable> showable_signals(const Simulation& simulation) {
  std::vector<Showable> found;
  for (const auto& quantity : quantities()) {
    std::vector<std::string> names;
    switch (quantity.simulated) {
      case Simulated::kNothing:
        continue;
      case Simulated::kRail:
        names = names_of(simulation.rails);
        break;
      case Simulated::kZone:
        names = names_of(simulation.zones);
        break;
      case Simulated::kThrottle:
        names = names_of(simulation.throttles);
        break;
      case Simulated::kGpu:
        names = {"gpu"};
        break;
      case Simulated::kCrowd:
      case Simulated::kZero:
        break;
    }
    found.push_back({&quantity, std::move(names)});
  }
  return found;
}

bool shows(const Showable& showable, const std::string& signal) {
  const auto& [quantity, names] = showable;
  const std::string_view name = name_behind_dot(signal);
  if (quantity->name == signal) {
    // That of rails is no sensor's: it is made of theirs.
    return !quantity->whole.empty() && quantity->simulated != Simulated::kRail;
  }
  return find_quantity(signal) == quantity && !name.empty() && !quantity->each.empty() &&
         (quantity->simulated == Simulated::kZero || std::ranges::count(names, name) > 0);
}

/// "power_w.<rail> (board)", "pressure_cpu_share".
std::string describe(const Showable& showable) {
  const auto& [quantity, names] = showable;
  if (quantity->each.empty()) {
    return std::string(quantity->name);
  }
  return fmt::format("{}.<{}>{}", quantity->name, quantity->behind,
                     names.empty() ? "" : fmt::format(" ({})", fmt::join(names, ", ")));
}

SimulatedSensor read_sensor(const ConfigNode& node, const Simulation& simulation,
                            std::set<std::string>& taken) {
  SimulatedSensor sensor;
  sensor.signal = read_simulated_name(node.at("signal"), taken);
  sensor.silent = node.boolean_or("silent", sensor.silent);
  const auto showable = showable_signals(simulation);
  const auto is_this = [&sensor](const Showable& each) { return shows(each, sensor.signal); };
  if (sensor.silent ? find_quantity(sensor.signal) == nullptr
                    : std::ranges::none_of(showable, is_this)) {
    std::vector<std::string> expected(showable.size());
    std::ranges::transform(showable, expected.begin(), describe);
    node.at("signal").fail(fmt::format("{}", fmt::join(expected, ", ")));
  }
  sensor.period_ms =
      node.number_or("period_ms", sensor.period_ms, {.min = 0.0, .max = 60'000.0, .unit = "ms"});
  sensor.lag_ms =
      node.number_or("lag_ms", sensor.lag_ms, {.min = 0.0, .max = 60'000.0, .unit = "ms"});
  sensor.resolution = node.number_or("resolution", sensor.resolution, Range::factor().or_zero());
  sensor.noise = node.number_or("noise", sensor.noise, Range::factor().or_zero());
  node.reject_unknown();
  return sensor;
}

LatencyNoise read_noise(const ConfigNode& node) {
  LatencyNoise noise;
  noise.sigma = node.number_or("sigma", noise.sigma, {.min = 0.0, .max = 0.2});
  noise.tail_share = node.number_or("tail_share", noise.tail_share, {.min = 0.0, .max = 0.5});
  noise.tail_scale = node.number_or("tail_scale", noise.tail_scale, {.min = 0.0, .max = 10.0});
  noise.tail_shape = node.number_or("tail_shape", noise.tail_shape, {.min = -0.5, .max = 0.49});
  noise.tail_persistence =
      node.number_or("tail_persistence", noise.tail_persistence, {.min = 0.0, .max = 0.999});
  node.reject_unknown();
  return noise;
}

/// Every CPU and every device that a place needs is simulated.
void check_complete(const ConfigNode& node, const Simulation& simulation, const Board& board) {
  CpuList simulated;
  for (const auto& device : simulation.devices) {
    const DomainSpec& domain = *std::ranges::find(board.domains, device.domain, &DomainSpec::name);
    simulated.insert(simulated.end(), domain.cpus.begin(), domain.cpus.end());
  }
  std::ranges::sort(simulated);
  if (simulated != board.cpus) {
    node.reject(fmt::format("expected each of the CPUs {} in one domain, found {}",
                            format_cpu_list(board.cpus), format_cpu_list(simulated)));
  }
  for (const auto& place : board.places) {
    if (place.device == "gpu" &&
        std::ranges::find(simulation.devices, DeviceKind::kGpu, &SimulatedDevice::kind) ==
            simulation.devices.end()) {
      node.reject(fmt::format("expected a GPU, as the place {} needs one, found none", place.name));
    }
  }
}

/// `{key: value, ...}`, of values that are not the default.
class Entries {
 public:
  void add(const char* key, const std::string& value) {
    entries_.push_back(fmt::format("{}: {}", key, value));
  }
  void add(const char* key, double value) { add(key, fmt::format("{}", value)); }
  void add(const char* key, double value, double unless) {
    if (value != unless) {
      add(key, value);
    }
  }
  void add(const char* key, const std::optional<double>& value) {
    if (value) {
      add(key, *value);
    }
  }
  std::string text() const { return fmt::format("{{{}}}", fmt::join(entries_, ", ")); }

 private:
  std::vector<std::string> entries_;
};

std::string written(const WorkKindSpec& kind) {
  const WorkKindSpec usual;
  Entries entries;
  entries.add("reference_mflops", kind.reference_mflops);
  entries.add("compute_ms", kind.compute_ms);
  entries.add("memory_ms", kind.memory_ms, usual.memory_ms);
  entries.add("exponent", kind.exponent, usual.exponent);
  entries.add("activity", kind.activity, usual.activity);
  entries.add("memory_overlap", kind.memory_overlap);
  entries.add("launch_ms", kind.launch_ms);
  entries.add("launch_mcycles", kind.launch_mcycles);
  return entries.text();
}

std::string written(const SimulatedDevice& device) {
  const SimulatedDevice usual;
  Entries entries;
  entries.add("domain", yaml_text(device.domain));
  if (device.kind != DeviceKind::kCpu) {
    entries.add("kind", device.kind == DeviceKind::kGpu ? "gpu" : "memory");
  }
  entries.add("zone", yaml_text(device.zone));
  entries.add("dynamic_w", device.dynamic_w);
  entries.add("idle_w", device.idle_w, usual.idle_w);
  entries.add("leakage_w", device.leakage_w, usual.leakage_w);
  entries.add("leakage_per_k", device.leakage_per_k, usual.leakage_per_k);
  entries.add("stall_activity", device.stall_activity, usual.stall_activity);
  entries.add("thread_exponent", device.thread_exponent, usual.thread_exponent);
  entries.add("memory_overlap", device.memory_overlap, usual.memory_overlap);
  entries.add("launch_ms", device.launch_ms, usual.launch_ms);
  entries.add("launch_mcycles", device.launch_mcycles, usual.launch_mcycles);
  entries.add("launch_overlap", device.launch_overlap, usual.launch_overlap);
  entries.add("raise_ms", device.raise_ms, usual.raise_ms);
  entries.add("lower_ms", device.lower_ms, usual.lower_ms);
  if (!device.kinds.empty()) {
    Entries kinds;
    for (const auto& kind : device.kinds) {
      kinds.add(yaml_text(kind.name).c_str(), written(kind));
    }
    entries.add("kinds", kinds.text());
  }
  return entries.text();
}

std::string written(const SimulatedRail& rail) {
  const SimulatedRail usual;
  Entries entries;
  entries.add("name", yaml_text(rail.name));
  entries.add("devices", yaml_list(rail.devices));
  entries.add("base_w", rail.base_w, usual.base_w);
  entries.add("factor", rail.factor, usual.factor);
  return entries.text();
}

std::string written(const SimulatedZone& zone) {
  std::vector<std::string> stages;
  for (const auto& stage : zone.stages) {
    Entries entries;
    if (!stage.devices.empty()) {
      entries.add("devices", yaml_list(stage.devices));
    }
    entries.add("resistance_k_per_w", stage.resistance_k_per_w);
    entries.add("time_constant_s", stage.time_constant_s);
    stages.push_back(entries.text());
  }
  Entries entries;
  entries.add("name", yaml_text(zone.name));
  entries.add("offset_k", zone.offset_k, SimulatedZone{}.offset_k);
  entries.add("stages", fmt::format("[{}]", fmt::join(stages, ", ")));
  return entries.text();
}

std::string written(const ThrottleSpec& throttle) {
  Entries entries;
  entries.add("name", yaml_text(throttle.name));
  entries.add("zone", yaml_text(throttle.zone));
  entries.add("domain", yaml_text(throttle.domain));
  entries.add("trip_c", throttle.trip_c);
  entries.add("hysteresis_c", throttle.hysteresis_c);
  entries.add("polling_ms", throttle.polling_ms);
  entries.add("step", fmt::format("{}", throttle.step));
  entries.add("floor_mhz", throttle.floor_mhz, ThrottleSpec{}.floor_mhz);
  entries.add("keeps_voltage", throttle.keeps_voltage ? "true" : "false");
  return entries.text();
}

std::string written(const SimulatedSensor& sensor) {
  const SimulatedSensor usual;
  Entries entries;
  entries.add("signal", yaml_text(sensor.signal));
  entries.add("period_ms", sensor.period_ms, usual.period_ms);
  entries.add("lag_ms", sensor.lag_ms, usual.lag_ms);
  entries.add("resolution", sensor.resolution, usual.resolution);
  entries.add("noise", sensor.noise, usual.noise);
  if (sensor.silent) {
    entries.add("silent", "true");
  }
  return entries.text();
}

std::string written(const LatencyNoise& noise) {
  const LatencyNoise usual;
  Entries entries;
  entries.add("sigma", noise.sigma, usual.sigma);
  entries.add("tail_share", noise.tail_share, usual.tail_share);
  entries.add("tail_scale", noise.tail_scale, usual.tail_scale);
  entries.add("tail_shape", noise.tail_shape, usual.tail_shape);
  entries.add("tail_persistence", noise.tail_persistence, usual.tail_persistence);
  return entries.text();
}

template <typename Item>
std::string list_of(const char* key, const std::vector<Item>& items) {
  std::string text = items.empty() ? "" : fmt::format("  {}:\n", key);
  for (const auto& item : items) {
    text += fmt::format("    - {}\n", written(item));
  }
  return text;
}

}  // namespace

std::string Simulation::to_yaml() const {
  return fmt::format(
      "simulation:\n{}{}  total: {}\n{}{}{}  latency_noise: {}\n  migration_ms: {}\n  ambient_c: "
      "{}\n  cpu_tick_ms: {}\n",
      list_of("devices", devices), list_of("rails", rails), yaml_list(total),
      list_of("zones", zones), list_of("throttling", throttles), list_of("sensors", sensors),
      written(noise), migration_ms, ambient_c, cpu_tick_ms);
}

Simulation Simulation::from_yaml(const ConfigNode& node, const Board& board) {
  Simulation simulation;
  const auto domains = names_of(board.domains);
  std::set<std::string> taken;
  for (const auto& item : node.at("zones").items()) {
    simulation.zones.push_back(read_zone(item, domains, taken));
  }
  if (simulation.zones.empty()) {
    node.at("zones").fail("at least one zone");
  }
  const auto zones = names_of(simulation.zones);

  taken.clear();
  for (const auto& item : node.at("devices").items()) {
    simulation.devices.push_back(read_device(item, board, zones, taken));
  }
  for (const auto& domain : board.domains) {
    if (!taken.contains(domain.name)) {
      node.at("devices").reject(fmt::format(
          "expected a device for each domain of the board, found none for {}", domain.name));
    }
  }
  check_complete(node.at("devices"), simulation, board);
  // In the order of the board's domains, so that an index means both.
  std::ranges::sort(simulation.devices, {}, [&domains](const SimulatedDevice& device) {
    return std::ranges::find(domains, device.domain) - domains.begin();
  });

  taken.clear();
  for (const auto& item : node.at("rails").items()) {
    simulation.rails.push_back(read_rail(item, domains, taken));
  }
  const auto rails = names_of(simulation.rails);
  simulation.total = board.total_power;
  if (node.has("total") || simulation.total.empty()) {
    simulation.total = read_names(node.at("total"), rails, "a rail of the simulation");
  }
  for (const auto& rail : simulation.total) {
    if (!taken.contains(rail)) {
      node.at("rails").reject(fmt::format("expected the rail {} of total_power, found {}", rail,
                                          fmt::join(rails, ", ")));
    }
  }
  taken.clear();
  if (node.has("throttling")) {
    for (const auto& item : node.at("throttling").items()) {
      simulation.throttles.push_back(read_throttle(item, zones, domains, taken));
    }
  }
  taken.clear();
  if (node.has("sensors")) {
    for (const auto& item : node.at("sensors").items()) {
      simulation.sensors.push_back(read_sensor(item, simulation, taken));
    }
  }
  if (node.has("latency_noise")) {
    simulation.noise = read_noise(node.at("latency_noise"));
  }
  simulation.migration_ms = node.number_or("migration_ms", simulation.migration_ms,
                                           {.min = 0.0, .max = 60'000.0, .unit = "ms"});
  simulation.ambient_c = node.number_or("ambient_c", simulation.ambient_c,
                                        {.min = -40.0, .max = 100.0, .unit = "degC"});
  simulation.cpu_tick_ms = node.number_or("cpu_tick_ms", simulation.cpu_tick_ms,
                                          {.min = 0.0, .max = 100.0, .unit = "ms"});
  node.reject_unknown();
  return simulation;
}

}  // namespace rein
