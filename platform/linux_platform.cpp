#include "platform/linux_platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "common/error.hpp"
#include "platform/controls/bandwidth_control.hpp"
#include "platform/controls/frequency_domain.hpp"
#include "platform/controls/placement.hpp"
#include "platform/giving_back/control_guard.hpp"

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

/// Some sensors measure only when told to. Notes those that cannot be. @return the board.
const Board& with_sensors_on(const Board& board, const SysfsRoot& root, ControlGuard& guard,
                             std::vector<std::string>& notes) {
  for (const auto& sensor : board.sensors) {
    for (const auto& path : root.find(sensor.enable)) {
      if (!sensor.enable.empty() && root.try_read(path) == "0" && root.writable(path)) {
        try {
          guard.save(path);
          root.write(path, "1");
        } catch (const Error& error) {
          notes.emplace_back(error.what());
        }
      }
    }
  }
  return board;
}

/// The level whose value is nearest to `value`.
std::size_t nearest(const Control& control, double value) {
  const auto distance = [value](const ControlLevel& level) {
    return std::abs(level.value - value);
  };
  return static_cast<std::size_t>(std::ranges::min_element(control.levels, {}, distance) -
                                  control.levels.begin());
}

}  // namespace

LinuxPlatform::LinuxPlatform(const Board& board, const SysfsRoot& root, const Clock& clock,
                             ControlGuard& guard, const LinuxPlatformOptions& options)
    : root_(root),
      clock_(clock),
      guard_(guard),
      sensors_(with_sensors_on(board, root, guard, notes_), root, options.subject) {
  if (options.applications.size() > 1) {
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
    add_bandwidth(board, options.subject);
  }
  guard_.seal();
  grants_.resize(managed_.size());
}

void LinuxPlatform::add(std::unique_ptr<Actuator> actuator, std::size_t begin) {
  controls_.push_back(actuator->control());
  const std::size_t num_apart =
      actuator->has_levels_apart() ? actuator->control().levels.size() : 1;
  managed_.push_back({.actuator = std::move(actuator),
                      .begin = begin,
                      .end = guard_.mark(),
                      .in_force = std::nullopt,
                      .refusals = std::vector<int>(num_apart, 0)});
}

void LinuxPlatform::add_mapping(const Board& board, const std::string& application,
                                const LinuxPlatformOptions& options) {
  std::vector<Place> usable = places_of(board, application, options);
  for (const auto& missing :
       Placement::leave_out_unusable(root_, usable, options.device_obstacle)) {
    notes_.push_back(missing.line());
  }
  if (usable.empty()) {
    throw Error(fmt::format("{}: expected a place that can be used, found none{}{}",
                            control_name(Control::Kind::kMapping, application),
                            notes_.empty() ? "" : ": ", notes_.empty() ? "" : notes_.back()));
  }
  const std::size_t begin = guard_.mark();
  add(std::make_unique<Placement>(root_, application, std::move(usable), guard_, options.subject),
      begin);
}

void LinuxPlatform::add_frequency(const DomainSpec& spec) {
  if (!spec.control) {
    return;
  }
  if (const auto obstacle = FrequencyDomain::obstacle(root_, spec)) {
    notes_.push_back(obstacle->line());
    return;
  }
  const std::size_t begin = guard_.mark();
  try {
    add(std::make_unique<FrequencyDomain>(root_, spec, guard_), begin);
  } catch (const Error& error) {
    // What cannot be noted is not touched; nothing has been changed yet.
    notes_.emplace_back(error.what());
  }
}

void LinuxPlatform::add_bandwidth(const Board& board, const Subject& subject) {
  const auto plan = plan_bandwidth(root_, *board.bandwidth, board.cpus.size(), subject);
  if (const auto* missing = std::get_if<Missing>(&plan)) {
    notes_.push_back(missing->line());
    return;
  }
  const auto& planned = std::get<BandwidthPlan>(plan);
  if (planned.cut) {
    notes_.push_back(planned.cut->line());
  }
  const std::size_t begin = guard_.mark();
  auto created = BandwidthControl::create(root_, planned, guard_);
  if (const auto* missing = std::get_if<Missing>(&created)) {
    notes_.push_back(missing->line());
    return;
  }
  add(std::get<std::unique_ptr<BandwidthControl>>(std::move(created)), begin);
}

const std::vector<Grant>& LinuxPlatform::apply(const Configuration& configuration) {
  check(configuration, controls_);
  for (std::size_t i = 0; i < configuration.size(); ++i) {
    Managed& managed = managed_[i];
    if (grants_[i].left_out) {
      continue;
    }
    if (!managed.actuator->available()) {
      // Comes back as the kernel thinks fit.
      managed.in_force.reset();
      grants_[i] = {.level = configuration[i], .value = std::nullopt};
    } else if (managed.in_force != configuration[i]) {
      set(managed, configuration[i], grants_[i]);
    }
  }
  return grants_;
}

void LinuxPlatform::set(Managed& managed, std::size_t level, Grant& grant) {
  const Control& control = managed.actuator->control();
  int& refusals = managed.refusals_of(level);
  if (refusals >= kMaxRefusals) {
    grant.refused = true;
    read_back(managed, grant);
    return;
  }
  // Unknown until it has succeeded, so that the next call tries again.
  const auto before = std::exchange(managed.in_force, std::nullopt);
  try {
    managed.actuator->set(level);
  } catch (const Error& error) {
    if (managed.actuator->has_levels_apart() && before) {
      managed.in_force = before;
      grant.level = *before;
    }
    refused(managed, level, error.what(), grant);
    return;
  }
  if (refusals > 0) {
    troubles_.push_back(fmt::format("{}: works again", control.name));
  }
  refusals = 0;
  managed.in_force = level;
  grant = {.level = level};
}

void LinuxPlatform::refused(Managed& managed, std::size_t level, const std::string& problem,
                            Grant& grant) {
  const Control& control = managed.actuator->control();
  const bool apart = managed.refusals.size() > 1;
  const std::string what =
      apart ? fmt::format("{} {}", control.name, control.levels[level].label) : control.name;
  int& refusals = managed.refusals_of(level);
  const bool is_first = refusals == 0;
  if (is_first || !managed.actuator->is_refused_meanwhile(level)) {
    ++refusals;
  }
  grant.refused = true;
  if (is_first) {
    troubles_.push_back(fmt::format("{}: {}; tried again", what, problem));
  }
  const auto is_closed = [](int count) { return count >= kMaxRefusals; };
  if (std::ranges::all_of(managed.refusals, is_closed)) {
    grant.left_out = true;
    const bool complete = guard_.restore_part(managed.begin, managed.end);
    troubles_.push_back(fmt::format("{}: {}; left out after {} refusals, {}", control.name, problem,
                                    refusals, complete ? "as it was found" : "as it is now"));
  } else if (is_closed(refusals)) {
    troubles_.push_back(fmt::format("{}: {}; left out after {} refusals, the others stay", what,
                                    problem, refusals));
  }
  read_back(managed, grant);
}

void LinuxPlatform::read_back(Managed& managed, Grant& grant) {
  const Control& control = managed.actuator->control();
  grant.value = managed.actuator->granted();
  if (const auto level = managed.actuator->granted_level()) {
    grant.level = *level;
  } else if (grant.value && *grant.value != control.levels[grant.level].value) {
    grant.level = nearest(control, *grant.value);
  }
}

const std::vector<Grant>& LinuxPlatform::grants() {
  for (std::size_t i = 0; i < managed_.size(); ++i) {
    Managed& managed = managed_[i];
    if (!managed.actuator->available()) {
      continue;
    }
    if (managed.in_force) {
      grants_[i].level = *managed.in_force;
    }
    read_back(managed, grants_[i]);
    const bool differs =
        managed.in_force && (grants_[i].level != *managed.in_force ||
                             grants_[i].value != controls_[i].levels[*managed.in_force].value);
    if (differs && managed.actuator->is_undone()) {
      managed.in_force.reset();
      troubles_.push_back(
          fmt::format("{}: somebody else has changed it; set again", controls_[i].name));
    }
  }
  return grants_;
}

std::vector<std::string> LinuxPlatform::new_troubles() {
  std::vector<std::string> troubles = sensors_.new_troubles();
  std::ranges::move(troubles_, std::back_inserter(troubles));
  troubles_.clear();
  return troubles;
}

}  // namespace rein
