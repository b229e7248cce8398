#pragma once

#include <cstddef>
#include <vector>

#include "platform/simulated/contention.hpp"
#include "platform/simulated/simulated_model.hpp"

namespace rein {

/// What an inference asks of a board.
struct Work {
  std::size_t kind = 0;  ///< SimulatedBoard::find_kind() of its kind of work.
  double mflops = 1.0;   ///< Of one image; above 0.
  double images = 1.0;
  Sensitivity sensitivity;
};

/// What all co-runners that run now take together.
struct Pressure {
  std::vector<double> threads;  ///< [domains] Ready to run.
  double gpu = 0.0;
  double memory = 0.0;
};

/// Who uses what of a board as long as nothing changes: how long our work takes in one place, and
/// how busy it and the co-runners keep every device, while it runs and while it does not.
struct SimulatedLoad {
  struct Device {
    // Busy CPUs, or the busy share of a GPU or memory, each times the activity of its work.
    double working = 0.0;  ///< While our work runs ...
    double waiting = 0.0;  ///< ... and while it does not.
  };
  struct Cpu {
    double ours = 0.0;  ///< Share of the time, while our work runs.
    double others_working = 0.0;
    double others_waiting = 0.0;
  };

  double latency_s = 0.0;       ///< Of one request, without noise.
  std::vector<Device> devices;  ///< [domains]
  std::vector<Cpu> cpus;        ///< [CPUs]
  double cpu_rate = 0.0;        ///< CPU time that our work uses in a second of its running.
  double gpu_working = 0.0;     ///< Busy share of the GPU.
  double gpu_waiting = 0.0;
  bool is_crowded_working = false;  ///< Some CPU has more ready threads than it can run.
  bool is_crowded_waiting = false;

  /// @param speeds  [domains] Frequency over that of the highest OPP.
  void update(const SimulatedModel& model, const SimulatedModel::Place& place, const Work& work,
              const std::vector<double>& speeds, const Pressure& pressure);
};

}  // namespace rein
