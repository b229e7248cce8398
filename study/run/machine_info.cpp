#include "study/run/machine_info.hpp"

#include <sys/utsname.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "platform/board/domain_path.hpp"
#include "platform/controls/frequency_domain.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

/// The value behind "key : value" in a file like /proc/cpuinfo; null if there is none.
nlohmann::ordered_json look_up(const SysfsRoot& root, const std::string& file,
                               const std::string& key) {
  std::istringstream lines(root.try_read(file).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (line.starts_with(key) && colon != std::string::npos) {
      const auto value = line.find_first_not_of(" \t", colon + 1);
      return value == std::string::npos ? "" : line.substr(value);
    }
  }
  return nullptr;
}

/// Of the processor and kernel that this program runs on.
void add_processor(nlohmann::ordered_json& info, const SysfsRoot& root) {
  utsname names{};
  uname(&names);
  info["cpu_model"] = look_up(root, "/proc/cpuinfo", "model name");
  info["hypervisor"] =
      look_up(root, "/proc/cpuinfo", "flags").dump().find(" hypervisor") != std::string::npos;
  info["architecture"] = names.machine;
  info["kernel"] = std::string(names.sysname) + " " + names.release;
  info["memory"] = look_up(root, "/proc/meminfo", "MemTotal");
}

void add_build(nlohmann::ordered_json& info) {
  info["compiler"] = __VERSION__;
  info["version"] = REIN_VERSION;
}

}  // namespace

nlohmann::ordered_json machine_info(const Board& board) {
  const SysfsRoot root;
  nlohmann::ordered_json info;
  info["platform"] = "linux";
  info["board"] = board.name;
  info["cpus"] = format_cpu_list(board.cpus);
  add_processor(info, root);
  info["load_at_start"] = root.try_read("/proc/loadavg").value_or("");
  auto governors = nlohmann::ordered_json::object();
  for (const auto& domain : board.domains) {
    const auto folder = domain_path(root, domain);
    const std::string governor = ClockFiles::of(domain.interface).governor;
    governors[domain.name] =
        folder ? root.try_read(*folder + "/" + governor).value_or("") : std::string();
  }
  info["governors"] = std::move(governors);
  add_build(info);
  return info;
}

nlohmann::ordered_json simulation_info(const std::vector<std::string>& boards) {
  nlohmann::ordered_json info;
  info["platform"] = "simulated";
  info["simulated"] = boards;
  add_processor(info, SysfsRoot());
  add_build(info);
  return info;
}

}  // namespace rein
