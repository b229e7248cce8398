// Stands for the module "gpu": its GPU is the CPU, and is lost after as many requests as
// FAKE_GPU_LOST_AFTER says.
#include <cstdlib>
#include <string>

#include "models/module.hpp"
#include "models/slimmable_network.hpp"
#include "support/fake_gpu.hpp"

namespace {

const rein::BackEnd* back_end() {
  static rein::FakeGpu gpu(rein::load_back_end(""));
  if (const char* const lost_after = std::getenv("FAKE_GPU_LOST_AFTER")) {
    gpu.lost_after = std::stoul(lost_after);
  }
  return &gpu;
}

}  // namespace

const rein::EngineModule* rein_engine_module() {
  static const rein::EngineModule module{.back_end = back_end};
  return &module;
}
