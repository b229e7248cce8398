#include "models/module.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {
namespace {

/// Sets an environment variable that is not set, for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value)
      : name_(std::getenv(name) == nullptr ? name : nullptr) {
    if (name_ != nullptr) {
      setenv(name, value, 1);
    }
  }
  ~Variable() {
    if (name_ != nullptr) {
      unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// What a module's libraries are called, for who lacks them.
struct Libraries {
  std::string_view module;
  std::string_view packages;
  std::string_view to_build;  ///< What it is built with.
};
constexpr Libraries kLibraries[] = {
    {"onednn", "Debian's package libdnnl2", "Debian's package libdnnl-dev"},
    {"xnnpack", "Debian's package libxnnpack0", "Debian's package libxnnpack-dev"},
    {"torch", "Debian's package libtorch1.13", "Debian's package libtorch-dev"},
    {"gpu", "a LibTorch with CUDA", "a LibTorch with CUDA"},
};

/// lib/rein beside the folder that the program is in, or above it, as in a build folder's tests.
std::filesystem::path module_file(const std::string& name) {
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto below = std::filesystem::path("lib/rein") / ("rein-" + name + ".so");
  auto beside = program.parent_path().parent_path() / below;
  for (auto folder = program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (is_there(folder / below)) {
      return folder / below;
    }
  }
  return beside;
}

const EngineModule& open_module(const std::string& name) {
  const auto file = module_file(name);
  const auto* const libraries = std::ranges::find(kLibraries, name, &Libraries::module);
  if (!is_there(file)) {
    throw ConfigError(
        fmt::format("{}: expected the module '{}' of Rein, which is built where {} is; found none",
                    file.string(), name, libraries->to_build));
  }
  const bool waits_by_choice = std::getenv("OMP_WAIT_POLICY") != nullptr;
  // Costs 3 % at full width on idle CPUs. 1,000 costs 32 % there; 10,000 is worse on busy ones.
  const Variable spinning(waits_by_choice ? "OMP_WAIT_POLICY" : "GOMP_SPINCOUNT", "3000");
  const Variable blas("OPENBLAS_NUM_THREADS", "1");
  void* const module = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const std::string why = dlerror();
    // In the loader's words.
    for (const char* no_memory : {"failed to map segment", "annot allocate memory"}) {
      if (why.find(no_memory) != std::string::npos) {
        throw std::bad_alloc();
      }
    }
    throw ConfigError(fmt::format("{}: expected its libraries ({}), found: {}", file.string(),
                                  libraries->packages, why));
  }
  const auto entry =
      reinterpret_cast<decltype(&rein_engine_module)>(dlsym(module, "rein_engine_module"));
  if (entry == nullptr) {
    throw ConfigError(
        fmt::format("{}: expected a module of Rein, found another library", file.string()));
  }
  const EngineModule& found = *entry();
  if (std::string_view(found.version) != REIN_VERSION) {
    throw ConfigError(fmt::format("{}: expected the module of Rein {}, found that of {}",
                                  file.string(), REIN_VERSION, found.version));
  }
  return found;
}

}  // namespace

const EngineModule& load_engine_module(const std::string& name) {
  struct Loaded {
    std::string name;
    const EngineModule* module;
  };
  static std::mutex mutex;
  static std::vector<Loaded> loaded;
  const std::scoped_lock lock(mutex);
  const auto found = std::ranges::find(loaded, name, &Loaded::name);
  if (found != loaded.end()) {
    return *found->module;
  }
  const EngineModule& module = open_module(name);
  loaded.push_back({name, &module});
  return module;
}

}  // namespace rein
