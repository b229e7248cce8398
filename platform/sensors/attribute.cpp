#include "platform/sensors/attribute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "platform/board/board.hpp"
#include "platform/kernel/access.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/power_attributes.hpp"

namespace rein {

namespace {

constexpr double kAny = 1e12;

/// The first that fits is it.
constexpr std::array<Quantity, 13> kQuantities{{
    {"power_w", "W", 0.0, 10e3, /*stuck_after_s=*/10.0, /*zero_may_stay=*/true},
    {"_w", "W", 0.0, 10e3},
    {"temperature_c", "degC", -40.0, 150.0, /*stuck_after_s=*/300.0, /*zero_may_stay=*/false,
     /*doubtful=*/1.5, /*believed_below=*/15.0},
    {"_c", "degC", -273.15, kAny},
    {"_mhz", "MHz", 0.001, 100e3},
    {"_v", "V", -1e3, 1e3},
    {"_a", "A", -1e3, 1e3},
    {"_j", "J", 0.0, kAny},
    {"_rpm", "1/min", 0.0, 1e6},
    {"_share", "1", 0.0, 1.0},
    {"throttled", "1", 0.0, 1.0},
    {"_events", "1", 0.0, 1e9},
    {"", "1", -kAny, kAny},
}};

/// Where a file really is: the kernel offers the same one by several ways.
std::string real_path(const SysfsRoot& root, const std::string& path) {
  std::error_code ignored;
  const auto file = root.resolve(path);
  const auto real = std::filesystem::canonical(file, ignored);
  return ignored ? file.string() : real.string();
}

void set_signal(Attribute& attribute, const std::string& name) {
  attribute.signal = {
      .name = name.empty() ? attribute.quantity : attribute.quantity + "." + name,
      .unit = std::string(quantity_of(attribute.quantity).unit),
      .source = fmt::format("{}", fmt::join(attribute.paths, " x ")),
  };
}

}  // namespace

const Quantity& quantity_of(std::string_view signal) {
  const std::string_view quantity = signal.substr(0, signal.find('.'));
  return *std::find_if(kQuantities.begin(), kQuantities.end(), [quantity](const Quantity& each) {
    return quantity.ends_with(each.suffix);
  });
}

std::vector<Attribute> find_given(const SysfsRoot& root, const std::vector<SensorSpec>& specs,
                                  std::vector<Missing>& missing) {
  const std::string remedy = "check `sensors` of the board file";
  std::vector<Attribute> given;
  for (const auto& spec : specs) {
    const auto paths = root.find(spec.path);
    const auto switches = spec.enable.empty() ? paths : root.find(spec.enable);
    if (paths.empty() || switches.empty()) {
      missing.push_back(unreadable(root, paths.empty() ? spec.path : spec.enable, remedy));
      continue;
    }
    const std::size_t dot = spec.signal.find('.');
    Attribute attribute{.quantity = spec.signal.substr(0, dot),
                        .name = {dot == std::string::npos ? "" : spec.signal.substr(dot + 1), ""},
                        .paths = {paths.front()},
                        .format = NumberFormat::kDecimal,
                        .scale = spec.scale,
                        .is_unit_given = true,
                        .update = from_milliseconds(spec.update_ms)};
    if (attribute.quantity == "power_w") {
      attribute.role = is_input_rail(attribute.name.name) ? PowerRole::kMachine : PowerRole::kRail;
    }
    if (attribute.quantity == "temperature_c") {
      // Whoever names one that is not known to be elsewhere means the processor's.
      const HeatSource source = heat_source_of_zone(attribute.name.name);
      attribute.heat = source == HeatSource::kUnknown ? HeatSource::kProcessor : source;
    }
    if (!spec.enable.empty()) {
      attribute.enable = switches.front();
      if (const auto state = root.try_read(attribute.enable); !state) {
        missing.push_back(unreadable(root, attribute.enable, remedy));
      } else if (state != "1") {
        missing.push_back({attribute.enable,
                           fmt::format("holds '{}', so that {} has no value", *state, spec.signal),
                           fmt::format("echo 1 > {}", attribute.enable)});
      }
    }
    given.push_back(std::move(attribute));
  }
  return given;
}

std::vector<Attribute> name_signals(const SysfsRoot& root, std::vector<Attribute> given,
                                    std::vector<Attribute> found) {
  std::set<std::pair<std::string, std::string>> taken;  // Quantity and file.
  const auto take = [&](const Attribute& attribute) {
    bool is_new = true;
    // Of a mask each bit is a signal.
    for (const auto& path : attribute.paths) {
      is_new = taken
                   .emplace(attribute.quantity,
                            fmt::format("{}:{}", real_path(root, path), attribute.bit))
                   .second &&
               is_new;
    }
    return is_new;
  };
  std::set<std::string> reserved;
  for (auto& attribute : given) {
    take(attribute);
    set_signal(attribute, attribute.name.name);
    reserved.insert(attribute.signal.name);
  }
  std::erase_if(found, [&take](const Attribute& attribute) { return !take(attribute); });

  std::map<std::string, std::vector<std::size_t>> by_quantity;
  for (std::size_t i = 0; i < found.size(); ++i) {
    by_quantity[found[i].quantity].push_back(i);
  }
  for (const auto& [quantity, indices] : by_quantity) {
    std::vector<SensorName> names;
    for (const std::size_t i : indices) {
      names.push_back(found[i].name);
    }
    const auto unique = unique_names(names);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      Attribute& attribute = found[indices[i]];
      set_signal(attribute, unique[i]);
      if (reserved.contains(attribute.signal.name)) {
        set_signal(attribute, unique[i] + "_" + attribute.name.place);
      }
    }
  }
  given.insert(given.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  return given;
}

}  // namespace rein
