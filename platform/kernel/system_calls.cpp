#include "platform/kernel/system_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace rein {

namespace {

/// As many as any kernel has (CONFIG_NR_CPUS).
constexpr std::size_t kMaxCpus = 8192;
using CpuMask = std::array<cpu_set_t, kMaxCpus / CPU_SETSIZE>;

}  // namespace

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

int SystemCalls::set_affinity(int thread, std::span<const int> cpus) {
  CpuMask mask{};
  for (const int cpu : cpus) {
    if (cpu < 0 || static_cast<std::size_t>(cpu) >= kMaxCpus) {
      return EINVAL;
    }
    CPU_SET_S(static_cast<std::size_t>(cpu), sizeof(mask), mask.data());
  }
  return sched_setaffinity(thread, sizeof(mask), mask.data()) == 0 ? 0 : errno;
}

std::optional<CpuList> SystemCalls::affinity(int thread) {
  CpuMask mask{};
  if (sched_getaffinity(thread, sizeof(mask), mask.data()) != 0) {
    return std::nullopt;
  }
  CpuList cpus;
  for (std::size_t cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (CPU_ISSET_S(cpu, sizeof(mask), mask.data())) {
      cpus.push_back(static_cast<int>(cpu));
    }
  }
  return cpus;
}

int SystemCalls::make_directory(const char* path) { return mkdir(path, 0755) == 0 ? 0 : errno; }

int SystemCalls::remove_directory(int folder, const char* name) {
  return unlinkat(folder, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

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

void* SystemCalls::open_library(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }

}  // namespace rein
