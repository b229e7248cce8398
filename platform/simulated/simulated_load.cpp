#include "platform/simulated/simulated_load.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

/// No co-runner takes all of the memory's bandwidth.
constexpr double kMaxMemoryTaken = 0.9;

/// Divides nothing by zero, where there is no work at all.
constexpr double kSmallest = 1e-12;

/// (a^p + b^p)^(1/p): a + b where nothing overlaps, and ever nearer to the longer one.
double overlapped(double one_s, double other_s, double p) {
  if (p == 1.0) {
    return one_s + other_s;
  }
  const double longer_s = std::max(one_s, other_s);
  const double shorter_s = std::min(one_s, other_s);
  // Powers of their ratio: that of a short time would be nothing.
  return longer_s > 0.0 ? longer_s * std::pow(1.0 + std::pow(shorter_s / longer_s, p), 1.0 / p)
                        : 0.0;
}

/// What a request takes on a device.
struct Parts {
  double compute_s = 0.0;
  double memory_s = 0.0;   ///< Some of it while it computes.
  double stalled_s = 0.0;  ///< It waits for memory, and does nothing else.
  double total_s = 0.0;
};

Parts parts_of(const SimulatedModel::Device& device, const Work& work, double speed, double threads,
               double memory_slowdown) {
  const SimulatedModel::Kind& kind = device.kinds[work.kind];
  const double scale =
      work.images * (kind.exponent == 1.0
                         ? work.mflops / kind.reference_mflops
                         : std::pow(work.mflops / kind.reference_mflops, kind.exponent));
  const double parallel = threads == 1.0 ? 1.0 : std::pow(threads, device.spec.thread_exponent);
  Parts parts{.compute_s = scale * kind.compute_s / (speed * parallel),
              .memory_s = scale * kind.memory_s * memory_slowdown};
  parts.stalled_s = parts.memory_s;
  parts.total_s = parts.compute_s + parts.memory_s;
  if (kind.memory_overlap != 1.0) {
    parts.total_s = overlapped(parts.compute_s, parts.memory_s, kind.memory_overlap);
    parts.stalled_s = parts.total_s - parts.compute_s;
  }
  return parts;
}

/// Shares out the CPUs between us, when we run, and others' threads, which leave our CPUs alone as
/// long as the cluster has others for them.
struct Sharing {
  double slowdown = 1.0;  ///< Of work that is divided equally among the CPUs of the place.
  bool is_crowded = false;
};

Sharing share_cpus(const SimulatedModel& model, const SimulatedModel::Place& place,
                   double sensitivity, const Pressure& pressure, SimulatedLoad& load) {
  Sharing sharing;
  for (std::size_t d = 0; d < model.devices.size(); ++d) {
    const auto& cpus = model.devices[d].cpus;
    const double count = static_cast<double>(cpus.size());
    if (cpus.empty()) {
      continue;
    }
    const double threads = pressure.threads[d];
    double ours = 0.0;
    for (const std::size_t cpu : cpus) {
      ours += place.has[cpu] ? 1.0 : 0.0;
    }
    const double free = count - ours;
    const double on_ours = ours > 0.0 ? std::max(0.0, threads - free) : 0.0;
    const double elsewhere = free > 0.0 ? std::min(1.0, (threads - on_ours) / free) : 0.0;
    for (const std::size_t cpu : cpus) {
      load.cpus[cpu] = {
          .ours = 0.0,
          .others_working = place.has[cpu] ? std::min(1.0, on_ours / ours) : elsewhere,
          .others_waiting = std::min(1.0, threads / count)};
    }
    if (on_ours > 0.0) {
      // One CPU that is shared holds all of them up.
      const double shared = std::max(std::min(1.0, on_ours), on_ours / ours);
      sharing.slowdown = std::max(sharing.slowdown, 1.0 + sensitivity * shared);
      sharing.is_crowded = true;
    }
    sharing.is_crowded |= threads > count;
    load.is_crowded_waiting |= threads > count;
  }
  return sharing;
}

}  // namespace

void SimulatedLoad::update(const SimulatedModel& model, const SimulatedModel::Place& place,
                           const Work& work, const std::vector<double>& speeds,
                           const Pressure& pressure) {
  devices.assign(model.devices.size(), {});
  cpus.resize(model.num_cpus);
  is_crowded_waiting = false;
  const Sharing sharing = share_cpus(model, place, work.sensitivity.cpu, pressure, *this);
  is_crowded_working = sharing.is_crowded;

  const double taken = std::min(kMaxMemoryTaken, work.sensitivity.memory * pressure.memory);
  const double memory_slowdown =
      1.0 / ((1.0 - taken) * (model.memory ? speeds[*model.memory] : 1.0));
  const auto& host = model.devices[place.shares.front().domain];
  const auto& device = place.gpu ? model.devices[*place.gpu] : host;
  const double host_mhz = host.opps.back().mhz * speeds[place.shares.front().domain];
  const auto& kind = device.kinds[work.kind];
  const double launch_s = kind.launch_s + kind.launch_mcycles / host_mhz;

  // CPUs: how busy ours are while our work runs, and with what activity.
  double our_share = 1.0;
  double activity = 1.0;
  double memory_share = 0.0;  ///< Of the time that memory works for us.
  gpu_waiting = std::min(1.0, pressure.gpu);
  gpu_working = gpu_waiting;
  if (place.gpu) {
    Parts parts = parts_of(device, work, speeds[*place.gpu], /*threads=*/1.0, memory_slowdown);
    const double gpu_slowdown = 1.0 + work.sensitivity.gpu * pressure.gpu;
    const double launched_s = launch_s * sharing.slowdown;
    latency_s = overlapped(launched_s, parts.total_s * gpu_slowdown, device.spec.launch_overlap);
    our_share = std::min(1.0, launched_s / std::max(latency_s, kSmallest));
    memory_share = parts.memory_s / std::max(latency_s, kSmallest);
    const double used =
        std::min(1.0, parts.total_s * gpu_slowdown / std::max(latency_s, kSmallest));
    gpu_working = 1.0 - (1.0 - used) * (1.0 - gpu_waiting);
    const double mixed =
        (parts.compute_s * kind.activity + parts.stalled_s * device.spec.stall_activity) /
        std::max(parts.total_s, kSmallest);
    devices[*place.gpu].working = used * mixed + (gpu_working - used);
    devices[*place.gpu].waiting = gpu_waiting;
  } else {
    Parts slowest;
    for (const auto& share : place.shares) {
      const Parts parts = parts_of(model.devices[share.domain], work, speeds[share.domain],
                                   place.threads, memory_slowdown);
      slowest = parts.total_s > slowest.total_s ? parts : slowest;
    }
    latency_s =
        overlapped(launch_s, slowest.total_s, device.spec.launch_overlap) * sharing.slowdown;
    memory_share = slowest.memory_s * sharing.slowdown / std::max(latency_s, kSmallest);
    our_share = place.threads / static_cast<double>(place.cpus.size());
    activity = (launch_s + slowest.compute_s * kind.activity +
                slowest.stalled_s * device.spec.stall_activity) /
               std::max(launch_s + slowest.total_s, kSmallest);
  }
  if (model.gpu && !place.gpu) {
    devices[*model.gpu] = {gpu_working, gpu_waiting};
  }

  cpu_rate = 0.0;
  for (const std::size_t cpu : place.cpus) {
    const bool is_host = !place.gpu || cpu == place.cpus.front();
    Cpu& each = cpus[cpu];
    each.ours = is_host ? our_share / sharing.slowdown : 0.0;
    each.others_working = std::min(each.others_working, 1.0 - each.ours);
    cpu_rate += each.ours;
  }
  for (std::size_t d = 0; d < model.devices.size(); ++d) {
    for (const std::size_t cpu : model.devices[d].cpus) {
      devices[d].working += cpus[cpu].ours * activity + cpus[cpu].others_working;
      devices[d].waiting += cpus[cpu].others_waiting;
    }
  }
  if (model.memory) {
    devices[*model.memory].working = std::min(1.0, memory_share + pressure.memory);
    devices[*model.memory].waiting = pressure.memory;
  }
}

}  // namespace rein
