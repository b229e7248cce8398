#include "models/openmp_waiting.hpp"

#include <unistd.h>

#include <cstdlib>

#include "models/slimmable_network.hpp"

namespace rein {

namespace {
constexpr const char* kRestarted = "REIN_RESTARTED";
}

void limit_spinning(char** argv) {
  if (std::getenv(kRestarted) != nullptr) {
    // libgomp has read its variable; the programs that we start shall not.
    unsetenv("GOMP_SPINCOUNT");
    unsetenv(kRestarted);
    return;
  }
  if (!has_libtorch() || std::getenv("OMP_WAIT_POLICY") != nullptr ||
      std::getenv("GOMP_SPINCOUNT") != nullptr) {
    return;
  }
  // Costs 3 % at full width on idle CPUs. 1,000 costs 32 % there; 10,000 is worse on busy ones.
  setenv("GOMP_SPINCOUNT", "3000", /*overwrite=*/0);
  setenv(kRestarted, "1", /*overwrite=*/1);
  execv("/proc/self/exe", argv);
  // Where /proc is missing the program goes on as it is: slower, not wrong.
}

}  // namespace rein
