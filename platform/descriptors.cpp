#include "platform/descriptors.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace rein {

void close_descriptors_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) {
    return;
  }
#endif
  const long limit = sysconf(_SC_OPEN_MAX);
  for (int descriptor = first; descriptor < limit; ++descriptor) {
    close(descriptor);
  }
}

}  // namespace rein
