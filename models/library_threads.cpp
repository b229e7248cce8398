#include "models/library_threads.hpp"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string_view>

#include "models/slimmable_network.hpp"

namespace rein {

namespace {

// What a restarted program is told: which of the two are ours.
constexpr const char* kRestarted = "REIN_RESTARTED";
constexpr char kSpinningIsOurs = 's';
constexpr char kBlasIsOurs = 'b';

constexpr const char* kSpinning = "GOMP_SPINCOUNT";
constexpr const char* kWaiting = "OMP_WAIT_POLICY";
constexpr const char* kBlasThreads = "OPENBLAS_NUM_THREADS";

constexpr std::size_t kMostVariables = 4096;

// Sanitizers have not begun either when this runs, so it calls nothing that they watch.
#define REIN_BEFORE_ALL __attribute__((no_sanitize("address", "undefined", "thread")))

REIN_BEFORE_ALL bool names(const char* variable, const char* name) {
  while (*name != '\0' && *variable == *name) {
    ++variable;
    ++name;
  }
  return *name == '\0' && *variable == '=';
}

REIN_BEFORE_ALL bool is_set(char** environment, const char* name) {
  for (; *environment != nullptr; ++environment) {
    if (names(*environment, name)) {
      return true;
    }
  }
  return false;
}

/// Before the libraries: their constructors read the variables.
REIN_BEFORE_ALL void restart(int, char** argv, char** environment) {
  static char* changed[kMostVariables + 4];
  static char spinning[] = "GOMP_SPINCOUNT=3000";
  static char blas[] = "OPENBLAS_NUM_THREADS=1";
  static char both[] = "REIN_RESTARTED=sb";
  static char only_spinning[] = "REIN_RESTARTED=s";
  static char only_blas[] = "REIN_RESTARTED=b";

  if (!has_libtorch() || is_set(environment, kRestarted)) {
    return;
  }
  // Costs 3 % at full width on idle CPUs. 1,000 costs 32 % there; 10,000 is worse on busy ones.
  const bool sets_spinning = !is_set(environment, kWaiting) && !is_set(environment, kSpinning);
  const bool sets_blas = !is_set(environment, kBlasThreads);
  if (!sets_spinning && !sets_blas) {
    return;
  }
  std::size_t count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (count == kMostVariables) {
      return;
    }
    changed[count] = environment[count];
  }
  if (sets_spinning) {
    changed[count++] = spinning;
  }
  if (sets_blas) {
    changed[count++] = blas;
  }
  changed[count] = sets_spinning ? (sets_blas ? both : only_spinning) : only_blas;
  syscall(SYS_execve, "/proc/self/exe", argv, changed);
  // Where /proc is missing the program goes on as it is: slower, not wrong.
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const kBeforeLibraries)(int, char**,
                                                                             char**) = restart;

}  // namespace

void limit_library_threads() {
  const char* ours = std::getenv(kRestarted);
  if (ours == nullptr) {
    return;
  }
  const std::string_view variables(ours);
  if (variables.find(kSpinningIsOurs) != variables.npos) {
    unsetenv(kSpinning);
  }
  if (variables.find(kBlasIsOurs) != variables.npos) {
    unsetenv(kBlasThreads);
  }
  unsetenv(kRestarted);
  prctl(PR_SET_NAME, "rein");  // It is `exe` by now.
}

}  // namespace rein
