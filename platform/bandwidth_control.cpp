#include "platform/bandwidth_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "common/error.hpp"
#include "platform/control_guard.hpp"
#include "platform/kernel_file.hpp"
#include "platform/system_calls.hpp"

namespace rein {

namespace {

constexpr std::string_view kPrefix = "rein-";

/// The kernel removes no group that still has processes.
void remove_leftovers(const SysfsRoot& root, SystemCalls& calls, const std::string& parent) {
  for (const auto& name : root.list(parent)) {
    if (!name.starts_with(kPrefix)) {
      continue;
    }
    const auto id = parse_count(std::string_view(name).substr(kPrefix.size()));
    if (id && !root.exists(fmt::format("/proc/{}", *id))) {
      calls.remove_directory(root.resolve(fmt::format("{}/{}", parent, name)));
    }
  }
}

/// Version 2: a group's children have the controller only if the group hands it down.
void hand_down_cpu(const SysfsRoot& root, const std::string& parent, ControlGuard& guard) {
  const std::string path = parent + "/cgroup.subtree_control";
  const std::string text = root.read(path);
  const auto enabled = split_words(text);
  if (std::find(enabled.begin(), enabled.end(), "cpu") == enabled.end()) {
    root.write(path, "+cpu");
    guard.on_restore([root, path] { root.write(path, "-cpu"); });
  }
}

/// Makes `group` below `parent` and moves this process into it. @throws Error.
void enter_group(const SysfsRoot& root, SystemCalls& calls, const CpuCgroup& cgroup,
                 const std::string& parent, const std::string& group, ControlGuard& guard) {
  if (cgroup.version == 2) {
    hand_down_cpu(root, parent, guard);
  }
  const auto directory = root.resolve(group);
  if (const int error = calls.make_directory(directory); error != 0) {
    throw Error(fmt::format("{}: cannot be made: {}", directory.string(), std::strerror(error)));
  }
  guard.on_restore([&calls, directory] {
    if (const int error = calls.remove_directory(directory); error != 0) {
      throw Error(
          fmt::format("{}: cannot be removed: {}", directory.string(), std::strerror(error)));
    }
  });
  root.write(group + "/cgroup.procs", std::to_string(calls.process_id()));
  guard.on_restore([root, own = cgroup.own, id = calls.process_id()] {
    root.write(own + "/cgroup.procs", std::to_string(id));
  });
}

}  // namespace

std::variant<BandwidthControl, Missing> BandwidthControl::create(const SysfsRoot& root,
                                                                 SystemCalls& calls,
                                                                 const BandwidthSpec& spec,
                                                                 std::size_t num_cpus,
                                                                 ControlGuard& guard) {
  const auto found = find_cpu_cgroup(root);
  if (const auto* missing = std::get_if<Missing>(&found)) {
    return *missing;
  }
  const auto& cgroup = std::get<CpuCgroup>(found);
  if (const auto obstacle = cgroup_obstacle(root, cgroup)) {
    return *obstacle;
  }
  std::string problem;
  for (const auto& parent : cgroup.parents) {
    remove_leftovers(root, calls, parent);
    const std::string group = fmt::format("{}/{}{}", parent, kPrefix, calls.process_id());
    // An attempt that fails half way is undone at once.
    ControlGuard attempt(nullptr);
    try {
      enter_group(root, calls, cgroup, parent, group, attempt);
      BandwidthControl control(root, cgroup.version, group, spec.period_ms, num_cpus);
      control.set_cpus(static_cast<double>(num_cpus));
      guard.adopt(attempt);
      return control;
    } catch (const Error& error) {
      problem += problem.empty() ? error.what() : std::string(", and ") + error.what();
    }
  }
  return Missing{cgroup.own, problem, "run as root, or in a group that was delegated to you"};
}

BandwidthControl::BandwidthControl(const SysfsRoot& root, int version, std::string group,
                                   double period_ms, std::size_t num_cpus)
    : root_(root),
      version_(version),
      group_(std::move(group)),
      period_us_(std::lround(period_ms * 1e3)),
      num_cpus_(static_cast<double>(num_cpus)) {
  if (version_ == 1) {
    root_.write(group_ + "/cpu.cfs_period_us", std::to_string(period_us_));
  }
}

void BandwidthControl::set_cpus(double cpus) {
  const bool unlimited = cpus >= num_cpus_;
  const long quota_us = std::lround(cpus * static_cast<double>(period_us_));
  const std::string path = group_ + (version_ == 1 ? "/cpu.cfs_quota_us" : "/cpu.max");
  const std::string quota = unlimited ? (version_ == 1 ? "-1" : "max") : std::to_string(quota_us);
  const std::string value = version_ == 1 ? quota : fmt::format("{} {}", quota, period_us_);
  root_.write(path, value);
  if (const std::string found = root_.read(path); found != value) {
    throw Error(
        fmt::format("{}: wrote '{}', found '{}'", root_.resolve(path).string(), value, found));
  }
}

}  // namespace rein
