#include "platform/system_calls.hpp"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace rein {

SystemCalls& SystemCalls::kernel() {
  static SystemCalls calls;
  return calls;
}

int SystemCalls::process_id() { return getpid(); }

bool SystemCalls::is_root() { return geteuid() == 0; }

int SystemCalls::open_file(const char* path, int flags) {
  const int descriptor = open(path, flags | O_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

ssize_t SystemCalls::read_file(int descriptor, std::span<char> buffer, off_t offset) {
  const ssize_t count = pread(descriptor, buffer.data(), buffer.size(), offset);
  return count < 0 ? -errno : count;
}

ssize_t SystemCalls::write_file(int descriptor, std::string_view text) {
  const ssize_t count = write(descriptor, text.data(), text.size());
  return count < 0 ? -errno : count;
}

void SystemCalls::close_file(int descriptor) { close(descriptor); }

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

int SystemCalls::make_directory(const char* path) { return mkdir(path, 0755) == 0 ? 0 : errno; }

int SystemCalls::remove_directory(const char* path) { return rmdir(path) == 0 ? 0 : errno; }

int SystemCalls::open_counter(const perf_event_attr& attributes, int thread, int cpu, int leader) {
  const long descriptor =
      syscall(SYS_perf_event_open, &attributes, thread, cpu, leader, PERF_FLAG_FD_CLOEXEC);
  return descriptor < 0 ? -errno : static_cast<int>(descriptor);
}

bool SystemCalls::read_counters(int descriptor, std::span<std::uint64_t> numbers) {
  return read(descriptor, numbers.data(), numbers.size_bytes()) ==
         static_cast<ssize_t>(numbers.size_bytes());
}

void SystemCalls::close_counter(int descriptor) { close(descriptor); }

}  // namespace rein
