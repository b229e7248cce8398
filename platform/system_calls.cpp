#include "platform/system_calls.hpp"

#include <linux/perf_event.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace rein {

int SystemCalls::process_id() { return getpid(); }

int SystemCalls::set_affinity(int thread, const CpuList& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    if (cpu >= CPU_SETSIZE) {
      return EINVAL;
    }
    CPU_SET(cpu, &set);
  }
  return sched_setaffinity(thread, sizeof(set), &set) == 0 ? 0 : errno;
}

std::optional<CpuList> SystemCalls::affinity(int thread) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(thread, sizeof(set), &set) != 0) {
    return std::nullopt;
  }
  CpuList cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) {
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

int SystemCalls::make_directory(const std::filesystem::path& path) {
  return mkdir(path.c_str(), 0755) == 0 ? 0 : errno;
}

int SystemCalls::remove_directory(const std::filesystem::path& path) {
  return rmdir(path.c_str()) == 0 ? 0 : errno;
}

int SystemCalls::open_counter(const perf_event_attr& attributes, int thread, int leader) {
  const long descriptor =
      syscall(SYS_perf_event_open, &attributes, thread, /*cpu=*/-1, leader, PERF_FLAG_FD_CLOEXEC);
  return descriptor < 0 ? -errno : static_cast<int>(descriptor);
}

bool SystemCalls::read_counters(int descriptor, std::span<std::uint64_t> numbers) {
  return read(descriptor, numbers.data(), numbers.size_bytes()) ==
         static_cast<ssize_t>(numbers.size_bytes());
}

void SystemCalls::close_counter(int descriptor) { close(descriptor); }

}  // namespace rein
