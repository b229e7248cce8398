// Under libFuzzer. REIN_FUZZ_READER names the reader, as in readers().
#include <spdlog/spdlog.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/readers.hpp"

namespace {
rein::fuzz::Reader chosen = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  const char* const name = std::getenv("REIN_FUZZ_READER");
  const auto& all = rein::fuzz::readers();
  const auto found = all.find(name != nullptr ? name : "");
  if (found == all.end()) {
    std::fputs("REIN_FUZZ_READER: expected one of", stderr);
    for (const auto& [each, reader] : all) {
      std::fprintf(stderr, " %s", each.c_str());
    }
    std::fputs("\n", stderr);
    std::exit(2);
  }
  chosen = found->second;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rein::fuzz::read(chosen, {reinterpret_cast<const char*>(data), size});
  return 0;
}
