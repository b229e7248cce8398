#include "platform/linux_platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include "common/error.hpp"
#include "platform/bandwidth_control.hpp"
#include "platform/frequency_domain.hpp"

namespace rein {

namespace {

/// The places that the application may use, in the order of its levels.
std::vector<Place> places_of(const Board& board, const std::string& application,
                             const LinuxPlatformOptions& options) {
  const auto wanted = options.places.find(application);
  if (wanted == options.places.end()) {
    return board.places;
  }
  std::vector<Place> places;
  for (const auto& name : wanted->second) {
    const auto place = std::find_if(board.places.begin(), board.places.end(),
                                    [&name](const Place& each) { return each.name == name; });
    if (place == board.places.end()) {
      throw Error(fmt::format("{}: expected a place of the board {}, found '{}'", application,
                              board.name, name));
    }
    places.push_back(*place);
  }
  return places;
}

}  // namespace

LinuxPlatform::LinuxPlatform(const Board& board, const SysfsRoot& root, const Clock& clock,
                             const LinuxPlatformOptions& options)
    : calls_(options.calls != nullptr ? *options.calls : kernel_),
      root_(root),
      clock_(clock),
      sensors_(board, root, &calls_),
      guard_(options.report),
      placement_(root, calls_, guard_) {
  if (options.applications.size() != 1) {
    throw Error(
        fmt::format("applications: expected one, since a process has one set of threads, "
                    "found {}",
                    options.applications.size()));
  }
  for (const auto& missing : sensors_.missing()) {
    notes_.push_back(missing.line());
  }
  for (const auto& application : options.applications) {
    add_mapping(board, application, options);
  }
  if (options.frequency) {
    for (const auto& domain : board.domains) {
      add_frequency(domain);
    }
  }
  if (options.bandwidth && board.bandwidth) {
    add_bandwidth(board);
  }
  in_force_.resize(controls_.size());
}

void LinuxPlatform::add(Control control, SetLevel set_level) {
  controls_.push_back(std::move(control));
  setters_.push_back(std::move(set_level));
}

void LinuxPlatform::add_mapping(const Board& board, const std::string& application,
                                const LinuxPlatformOptions& options) {
  Control control{.name = "mapping." + application, .unit = "threads", .levels = {}};
  std::vector<CpuList> cpus;
  const CpuList online =
      parse_cpu_list(root_.try_read("/sys/devices/system/cpu/online").value_or(""));
  for (const auto& place : places_of(board, application, options)) {
    if (!std::includes(online.begin(), online.end(), place.cpus.begin(), place.cpus.end())) {
      notes_.push_back(fmt::format("place {}: CPUs {} are not all online, only {} are", place.name,
                                   format_cpu_list(place.cpus), format_cpu_list(online)));
      continue;
    }
    control.levels.push_back({.label = place.name, .value = static_cast<double>(place.threads)});
    cpus.push_back(place.cpus);
  }
  if (control.levels.empty()) {
    throw Error(
        fmt::format("{}: expected a place whose CPUs are online, found none", control.name));
  }
  add(std::move(control), [this, cpus](std::size_t level) { placement_.set(cpus[level]); });
}

void LinuxPlatform::add_frequency(const DomainSpec& spec) {
  if (const auto obstacle = FrequencyDomain::obstacle(root_, spec)) {
    notes_.push_back(obstacle->line());
    return;
  }
  const auto domain = std::make_shared<FrequencyDomain>(root_, spec, guard_);
  Control control{.name = "frequency." + spec.name, .unit = "MHz", .levels = {}};
  for (const double mhz : domain->opps_mhz()) {
    control.levels.push_back({.label = fmt::format("{}MHz", mhz), .value = mhz});
  }
  add(std::move(control), [domain](std::size_t level) { domain->set_level(level); });
}

void LinuxPlatform::add_bandwidth(const Board& board) {
  const BandwidthSpec& spec = *board.bandwidth;
  auto created = BandwidthControl::create(root_, calls_, spec, board.cpus.size(), guard_);
  if (const auto* missing = std::get_if<Missing>(&created)) {
    notes_.push_back(missing->line());
    return;
  }
  Control control{.name = "bandwidth." + spec.name, .unit = "CPUs", .levels = {}};
  for (const double cpus : spec.levels_cpus) {
    control.levels.push_back({.label = fmt::format("{}cpu", cpus), .value = cpus});
  }
  add(std::move(control),
      [bandwidth = std::get<BandwidthControl>(std::move(created)), levels = spec.levels_cpus](
          std::size_t level) mutable { bandwidth.set_cpus(levels[level]); });
}

void LinuxPlatform::apply(const Configuration& configuration) {
  if (configuration.size() != controls_.size()) {
    throw std::out_of_range(fmt::format("configuration: expected {} levels, found {}",
                                        controls_.size(), configuration.size()));
  }
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    if (configuration[i] >= controls_[i].levels.size()) {
      throw std::out_of_range(fmt::format("{}: expected a level below {}, found {}",
                                          controls_[i].name, controls_[i].levels.size(),
                                          configuration[i]));
    }
  }
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    if (in_force_[i] == configuration[i]) {
      continue;
    }
    // Unknown until it has succeeded, so that the next call tries again.
    in_force_[i].reset();
    setters_[i](configuration[i]);
    in_force_[i] = configuration[i];
  }
}

}  // namespace rein
