#include "platform/controls/bandwidth_control.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <set>

#include "common/error.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/thread_list.hpp"

namespace rein {

namespace {

/// The kernel removes no group that still has processes.
void remove_leftovers(const SysfsRoot& root, const std::string& parent) {
  const int folder = root.open_setting(root.resolve(parent).c_str(), O_PATH | O_DIRECTORY);
  if (folder < 0) {
    return;
  }
  for (const auto& name : root.list(parent)) {
    if (!name.starts_with(kOwnGroupPrefix)) {
      continue;
    }
    const std::string_view ids = std::string_view(name).substr(kOwnGroupPrefix.size());
    const auto id = parse_count(ids.substr(0, ids.find('-')));
    if (id && !root.exists(fmt::format("/proc/{}", *id))) {
      root.calls().remove_directory(folder, name.c_str());
    }
  }
  root.calls().close_file(folder);
}

/// Version 2: a group's children have the controller only if the group hands it down.
void hand_down_cpu(const SysfsRoot& root, const std::string& parent, ControlGuard& guard) {
  const std::string path = parent + "/cgroup.subtree_control";
  const std::string text = root.read(path);
  const auto enabled = split_words(text);
  if (std::find(enabled.begin(), enabled.end(), "cpu") == enabled.end()) {
    guard.restore_by_writing(path, "-cpu");
    root.write(path, "+cpu");
  }
}

/// Until there are none that are new: they go on forking meanwhile. @throws Error.
void move_processes(const SysfsRoot& root, const BandwidthPlan& plan, const std::string& group) {
  ThreadList list(root, plan.subject);
  std::vector<int> threads;
  std::set<int> seen;
  bool found_new = true;
  while (found_new) {
    found_new = false;
    list.read(threads);
    for (const int thread : threads) {
      if (!seen.insert(thread).second) {
        continue;
      }
      found_new = true;
      const auto now = cpu_group_of(root, plan.cgroup, thread);
      if (!now || *now == group) {
        continue;  // It has ended, or its process is there.
      }
      if (*now != plan.cgroup.own) {
        throw Error(fmt::format("{}: thread {} is in {}, expected all to be in {}",
                                plan.subject.text(), thread, *now, plan.cgroup.own));
      }
      try {
        // Moves its process.
        root.write(group + "/cgroup.procs", std::to_string(thread));
      } catch (const Error&) {
        if (root.exists(fmt::format("/proc/{}", thread))) {
          throw;
        }
      }
    }
  }
}

/// Makes `group` below `parent` and moves the subject into it. @throws Error.
void enter_group(const SysfsRoot& root, const BandwidthPlan& plan, const std::string& parent,
                 const std::string& group, ControlGuard& guard) {
  if (plan.cgroup.version == 2) {
    hand_down_cpu(root, parent, guard);
  }
  guard.remove_group(group, plan.cgroup.own);
  const auto directory = root.resolve(group);
  if (const int error = root.calls().make_directory(directory.c_str()); error != 0) {
    throw Error(fmt::format("{}: cannot be made: {}", directory.string(), std::strerror(error)));
  }
  if (plan.subject.is_self()) {
    root.write(group + "/cgroup.procs", std::to_string(root.calls().process_id()));
  } else {
    move_processes(root, plan, group);
  }
}

/// Of the group that is made for a subject.
std::string group_name(const SysfsRoot& root, const Subject& subject) {
  const std::string own = fmt::format("{}{}", kOwnGroupPrefix, root.calls().process_id());
  return subject.is_self() ? own : fmt::format("{}-{}", own, subject.process_id());
}

}  // namespace

std::variant<BandwidthPlan, Missing> plan_bandwidth(const SysfsRoot& root, BandwidthSpec spec,
                                                    std::size_t num_cpus, const Subject& subject) {
  auto found = find_cpu_cgroup(root, subject);
  if (auto* missing = std::get_if<Missing>(&found)) {
    return std::move(*missing);
  }
  BandwidthPlan plan{.cgroup = std::get<CpuCgroup>(std::move(found)),
                     .subject = subject,
                     .spec = std::move(spec),
                     .unlimited_cpus = static_cast<double>(num_cpus),
                     .cut = {}};
  const auto limit = cpu_limit(root, plan.cgroup);
  if (!limit || limit->cpus >= plan.unlimited_cpus) {
    return plan;
  }
  plan.unlimited_cpus = limit->cpus;
  auto& levels = plan.spec.levels_cpus;
  const auto above = std::ranges::upper_bound(levels, limit->cpus);
  if (above != levels.end()) {
    plan.cut =
        Missing{limit->path,
                fmt::format("limits {} to {:.6g} CPUs, so bandwidth.{} has this instead of {}",
                            subject.is_self() ? "this program" : subject.text(), limit->cpus,
                            plan.spec.name, fmt::join(above, levels.end(), ", ")),
                "raise it, or give levels below it in the board file"};
    levels.erase(above, levels.end());
    if (levels.empty() || levels.back() < limit->cpus) {
      levels.push_back(limit->cpus);
    }
  }
  return plan;
}

std::variant<std::unique_ptr<BandwidthControl>, Missing> BandwidthControl::create(
    const SysfsRoot& root, const BandwidthPlan& plan, ControlGuard& guard) {
  const CpuCgroup& cgroup = plan.cgroup;
  if (plan.subject.kind() == Subject::Kind::kGroup) {
    try {
      return of_group(root, plan, guard);
    } catch (const Error& error) {
      return Missing{cgroup.own, error.what(), "run as root, or with a group that is yours"};
    }
  }
  std::string problem;
  for (const auto& parent : cgroup.parents) {
    remove_leftovers(root, parent);
    const std::string group = fmt::format("{}/{}", parent, group_name(root, plan.subject));
    const std::size_t before = guard.mark();
    try {
      enter_group(root, plan, parent, group, guard);
      CpuCgroup entered = cgroup;
      entered.own = group;
      std::unique_ptr<BandwidthControl> control(new BandwidthControl(root, plan, entered));
      control->write(control->quota_of(plan.unlimited_cpus));
      return control;
    } catch (const Error& error) {
      // An attempt that fails half way is undone at once.
      guard.restore_part(before, guard.mark());
      problem += problem.empty() ? error.what() : std::string(", and ") + error.what();
    }
  }
  return Missing{cgroup.own, problem, "run as root, or in a group that was delegated to you"};
}

std::unique_ptr<BandwidthControl> BandwidthControl::of_group(const SysfsRoot& root,
                                                             const BandwidthPlan& plan,
                                                             ControlGuard& guard) {
  const std::size_t before = guard.mark();
  std::unique_ptr<BandwidthControl> control(new BandwidthControl(root, plan, plan.cgroup));
  const auto found = control->read();
  if (!found) {
    throw Error(fmt::format("{}: expected a quota and a period, found something else",
                            root.resolve(control->path_).string()));
  }
  guard.save(control->path_);
  if (control->version_ == 1) {
    guard.save(control->period_path_);
  }
  if (found->us) {
    control->unlimited_ = found;
  }
  if (control->version_ == 1) {
    // Between writing one and the other it could have more than the group above, which is refused.
    control->period_us_ = found->period_us;
  }
  try {
    control->write(control->quota_of(plan.unlimited_cpus));
  } catch (const Error&) {
    guard.restore_part(before, guard.mark());
    throw;
  }
  return control;
}

BandwidthControl::BandwidthControl(const SysfsRoot& root, const BandwidthPlan& plan,
                                   const CpuCgroup& cgroup)
    : root_(root),
      version_(cgroup.version),
      path_(cgroup.quota_file()),
      period_path_(cgroup.period_file()),
      file_(root, path_),
      period_file_(root, period_path_),
      period_us_(static_cast<std::uint64_t>(std::lround(plan.spec.period_ms * 1e3))),
      unlimited_cpus_(plan.unlimited_cpus) {
  control_ = {.kind = Control::Kind::kBandwidth,
              .name = control_name(Control::Kind::kBandwidth, plan.spec.name),
              .unit = "CPUs",
              .levels = {}};
  for (const double cpus : plan.spec.levels_cpus) {
    control_.levels.push_back({.label = fmt::format("{}cpu", cpus), .value = cpus});
  }
}

BandwidthControl::Quota BandwidthControl::quota_of(double cpus) const {
  Quota quota{.us = std::nullopt, .period_us = period_us_};
  if (cpus >= unlimited_cpus_) {
    quota = unlimited_.value_or(quota);
  } else {
    quota.us = static_cast<std::uint64_t>(std::lround(cpus * static_cast<double>(period_us_)));
  }
  return quota;
}

void BandwidthControl::set(std::size_t level) {
  level_.reset();
  write(quota_of(control_.levels.at(level).value));
  level_ = level;
}

void BandwidthControl::write(const Quota& quota) {
  const std::string none = version_ == 1 ? "-1" : "max";
  const std::string text = quota.us ? std::to_string(*quota.us) : none;
  if (version_ == 2) {
    root_.write(path_, fmt::format("{} {}", text, quota.period_us));
    return;
  }
  if (period_file_.read_integer() != static_cast<std::int64_t>(quota.period_us)) {
    root_.write(period_path_, std::to_string(quota.period_us));
  }
  root_.write(path_, text);
}

std::optional<BandwidthControl::Quota> BandwidthControl::read() {
  const auto text = file_.read();
  if (!text) {
    return std::nullopt;
  }
  // Version 2 has both in one file.
  const std::size_t end = std::min(text->find_first_of(" \t\n"), text->size());
  const std::string_view first = text->substr(0, end);
  const auto us = parse_count(first);
  const auto period_us =
      parse_count(trim(version_ == 1 ? period_file_.read().value_or("") : text->substr(end)));
  if ((!us && first != "-1" && first != "max") || !period_us || *period_us == 0) {
    return std::nullopt;
  }
  return Quota{.us = us, .period_us = *period_us};
}

std::optional<double> BandwidthControl::granted() {
  const auto quota = read();
  if (!quota) {
    return std::nullopt;
  }
  // A level may be finer than the quota, or more than there is to be had.
  if (level_ && quota == quota_of(control_.levels[*level_].value)) {
    return control_.levels[*level_].value;
  }
  return quota->us ? static_cast<double>(*quota->us) / static_cast<double>(quota->period_us)
                   : unlimited_cpus_;
}

}  // namespace rein
