#pragma once

#include <string>

#include "models/back_end.hpp"
#include "models/slimmable_trainer.hpp"

namespace rein {

/// What a module of lib/rein/ offers: a shared object with a library behind it that is large, slow
/// to load or not on every machine, so that `rein` loads it only when it is asked for.
struct EngineModule {
  const char* version = REIN_VERSION;  ///< Of Rein, when the module was built.
  /// What runs networks; null if what it computes on is not here.
  const BackEnd* (*back_end)() = nullptr;
  decltype(&train_slimmable_network) train = nullptr;  ///< Null if it cannot.
};

/// Loads a module, unless it is loaded already: "onednn", "xnnpack", "torch" or "gpu".
///
/// Before a library of threads is loaded, the variables are set that it reads then, and has no
/// calls for; what the environment sets stays, and programs that this one starts see nothing of it.
///
/// GOMP_SPINCOUNT: libgomp's threads spin for some microseconds only, and then sleep, while they
/// wait for one another. By default it is about a millisecond, and when others keep the CPUs busy,
/// which is the normal case here, that is a time slice spent waiting for a thread that is not
/// running. docs/network.md has the measurements.
///
/// OPENBLAS_NUM_THREADS (LibTorch's): no threads but ours, whose places are chosen. Those that
/// OpenBLAS makes when it is loaded wait without end for memory that `ulimit -v` refuses, and
/// fork() and exit() for them; where `ulimit -u` refuses one, it ends the program by a signal.
///
/// @throws ConfigError: it is not there, or a library that it needs is not, or it is of another
/// build.
const EngineModule& load_engine_module(const std::string& name);

}  // namespace rein

/// What each module defines.
extern "C" const rein::EngineModule* rein_engine_module();
