#include "platform/sensors/attribute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "platform/board/board.hpp"
#include "platform/kernel/access.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/power_attributes.hpp"

namespace rein {

namespace {

/// Where a file really is: the kernel offers the same one by several ways.
std::string real_path(const SysfsRoot& root, const std::string& path) {
  std::error_code ignored;
  const auto file = root.resolve(path);
  const auto real = std::filesystem::canonical(file, ignored);
  return ignored ? file.string() : real.string();
}

void set_signal(Attribute& attribute, const std::string& name) {
  attribute.signal =
      make_signal(attribute.quantity, name, fmt::format("{}", fmt::join(attribute.paths, " x ")));
}

}  // namespace

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
    Attribute attribute{.quantity = std::string(quantity_of(spec.signal).name),
                        .name = {std::string(name_behind_dot(spec.signal)), ""},
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

std::vector<Attribute> find_listed(const SysfsRoot& root, std::span<const Quantity> table) {
  std::vector<Attribute> found;
  for (const auto& quantity : table) {
    std::vector<Attribute> of_this;
    for (const auto& [pattern, scale] : quantity.files) {
      for (const auto& path : root.find(std::string(pattern))) {
        const std::filesystem::path file(path);
        const std::string folder = file.parent_path().string();
        const std::string device = file.parent_path().filename().string();
        of_this.push_back({.quantity = std::string(quantity.name),
                           .name = {root.try_read(folder + "/name").value_or(device), device,
                                    file.stem().string()},
                           .paths = {path},
                           .scale = scale});
      }
    }
    if (!quantity.whole.empty() && !of_this.empty()) {
      of_this.resize(1);
      of_this.front().name = {};
    }
    found.insert(found.end(), std::make_move_iterator(of_this.begin()),
                 std::make_move_iterator(of_this.end()));
  }
  return found;
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
