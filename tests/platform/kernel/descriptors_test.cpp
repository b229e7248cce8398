#include "platform/kernel/descriptors.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace rein {
namespace {

/// In a child, since a test needs its own descriptors.
int status_of(const std::function<bool()>& check) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(check() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

DOCTEST_TEST_CASE("no file gets the number of a standard descriptor that was closed at the start") {
  for (int mask = 0; mask < 8; ++mask) {
    DOCTEST_CAPTURE(mask);
    DOCTEST_CHECK(status_of([mask] {
                    for (int descriptor = 0; descriptor < 3; ++descriptor) {
                      if ((mask & (1 << descriptor)) != 0) {
                        close(descriptor);
                      }
                    }
                    fill_standard_descriptors();
                    return open("/dev/zero", O_RDONLY) > 2;
                  }) == 0);
  }
}

DOCTEST_TEST_CASE("a stand-in for a closed output still says that it cannot be written") {
  DOCTEST_CHECK(status_of([] {
                  close(STDOUT_FILENO);
                  fill_standard_descriptors();
                  return write(STDOUT_FILENO, "x", 1) < 0 && errno == EBADF;
                }) == 0);
}

}  // namespace rein
