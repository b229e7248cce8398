#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "support/temporary_folder.hpp"

int main(int argc, char** argv) {
  // What a program kept when it was another one is not what is tested.
  const rein::TemporaryFolder cache;
  setenv("XDG_CACHE_HOME", cache.path().c_str(), 1);
  return doctest::Context(argc, argv).run();
}
