#include "platform/simulated/simulated_model.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace rein {

namespace {

template <typename Item>
std::size_t index_of(const std::vector<Item>& items, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(items, name, &Item::name) - items.begin());
}

std::vector<std::size_t> indices(const CpuList& all, const CpuList& some) {
  std::vector<std::size_t> found;
  for (const int cpu : some) {
    found.push_back(static_cast<std::size_t>(std::ranges::find(all, cpu) - all.begin()));
  }
  return found;
}

std::vector<std::size_t> domains_of(const Board& board, const std::vector<std::string>& names) {
  std::vector<std::size_t> found;
  std::ranges::transform(names, std::back_inserter(found), [&board](const std::string& name) {
    return index_of(board.domains, name);
  });
  return found;
}

std::vector<std::string> all_kinds(const Simulation& simulation) {
  std::vector<std::string> kinds;
  for (const auto& device : simulation.devices) {
    for (const auto& kind : device.kinds) {
      if (std::ranges::find(kinds, kind.name) == kinds.end()) {
        kinds.push_back(kind.name);
      }
    }
  }
  return kinds;
}

SimulatedModel::Device make_device(const SimulatedDevice& spec, const Board& board,
                                   const std::vector<std::string>& kinds) {
  const DomainSpec& domain = board.domains[index_of(board.domains, spec.domain)];
  SimulatedModel::Device device{.spec = spec,
                                .zone = index_of(board.simulation->zones, spec.zone),
                                .opps = {},
                                .cpus = indices(board.cpus, domain.cpus),
                                .kinds = {},
                                .raise = from_milliseconds(spec.raise_ms),
                                .lower = from_milliseconds(spec.lower_ms)};
  for (std::size_t i = 0; i < domain.opps_mhz.size(); ++i) {
    device.opps.push_back({.mhz = domain.opps_mhz[i],
                           .speed = domain.opps_mhz[i] / domain.opps_mhz.back(),
                           .volts = domain.opps_v[i] / domain.opps_v.back()});
  }
  for (const auto& name : kinds) {
    const auto kind = std::ranges::find(spec.kinds, name, &WorkKindSpec::name);
    device.kinds.push_back(
        kind == spec.kinds.end()
            ? SimulatedModel::Kind{}
            : SimulatedModel::Kind{
                  .is_known = true,
                  .reference_mflops = kind->reference_mflops,
                  .compute_s = kind->compute_ms / 1e3,
                  .memory_s = kind->memory_ms / 1e3,
                  .memory_overlap = kind->memory_overlap.value_or(spec.memory_overlap),
                  .exponent = kind->exponent,
                  .activity = kind->activity,
                  .launch_s = kind->launch_ms.value_or(spec.launch_ms) / 1e3,
                  .launch_mcycles = kind->launch_mcycles.value_or(spec.launch_mcycles)});
  }
  return device;
}

/// Of a MFLOP of the first kind of work that it knows.
double slowness(const SimulatedModel::Device& device) {
  for (const auto& kind : device.kinds) {
    if (kind.is_known) {
      return kind.compute_s / kind.reference_mflops;
    }
  }
  return std::numeric_limits<double>::infinity();
}

}  // namespace

SimulatedModel::SimulatedModel(const Board& board)
    : kinds(all_kinds(*board.simulation)),
      num_cpus(board.cpus.size()),
      ambient_c(board.simulation->ambient_c),
      migration_s(board.simulation->migration_ms / 1e3),
      quota_period(from_milliseconds(board.bandwidth ? board.bandwidth->period_ms : 10.0)) {
  const Simulation& simulation = *board.simulation;
  for (const auto& spec : simulation.devices) {
    devices.push_back(make_device(spec, board, kinds));
    if (spec.kind == DeviceKind::kGpu && !gpu) {
      gpu = devices.size() - 1;
    }
    if (spec.kind == DeviceKind::kMemory && !memory) {
      memory = devices.size() - 1;
    }
  }
  double fastest = std::numeric_limits<double>::infinity();
  double slowest = 0.0;
  for (const auto& device : devices) {
    if (device.spec.kind == DeviceKind::kCpu) {
      fastest = std::min(fastest, slowness(device));
      slowest = std::max(slowest, slowness(device));
    }
  }
  for (const auto& device : devices) {
    const bool is_cpu = device.spec.kind == DeviceKind::kCpu;
    is_fastest.push_back(is_cpu && slowness(device) <= fastest);
    is_slowest.push_back(is_cpu && slowness(device) >= slowest);
  }
  for (const auto& spec : board.places) {
    Place place{.gpu = spec.device == "gpu" ? gpu : std::nullopt,
                .cpus = indices(board.cpus, spec.cpus),
                .has = std::vector<bool>(num_cpus),
                .shares = {},
                .threads = static_cast<double>(spec.threads)};
    for (const std::size_t cpu : place.cpus) {
      place.has[cpu] = true;
    }
    for (std::size_t domain = 0; domain < devices.size(); ++domain) {
      const auto count = std::ranges::count_if(
          devices[domain].cpus, [&place](std::size_t cpu) { return place.has[cpu]; });
      if (count > 0) {
        place.shares.push_back({.domain = domain, .cpus = static_cast<double>(count)});
      }
    }
    // The first CPU's domain comes first.
    const auto host = std::ranges::find_if(place.shares, [&](const Share& share) {
      return std::ranges::find(devices[share.domain].cpus, place.cpus.front()) !=
             devices[share.domain].cpus.end();
    });
    std::rotate(place.shares.begin(), host, host + 1);
    places.push_back(std::move(place));
  }
  for (const auto& spec : simulation.rails) {
    rails.push_back(
        {.devices = domains_of(board, spec.devices),
         .base_w = spec.base_w,
         .factor = spec.factor,
         .is_in_total = std::ranges::find(simulation.total, spec.name) != simulation.total.end()});
  }
  std::vector<std::string> names;
  std::ranges::transform(simulation.zones, std::back_inserter(names), &SimulatedZone::name);
  const auto heat = choose_heat(board, names);
  for (const auto& spec : simulation.zones) {
    const std::size_t begin = stages.size();
    for (const auto& stage : spec.stages) {
      stages.push_back({.devices = domains_of(board, stage.devices),
                        .resistance_k_per_w = stage.resistance_k_per_w,
                        .time_constant_s = stage.time_constant_s});
    }
    zones.push_back({begin, stages.size(), spec.offset_k, heat[zones.size()]});
  }
  for (const auto& spec : simulation.throttles) {
    const std::size_t domain = index_of(board.domains, spec.domain);
    const auto& opps = devices[domain].opps;
    const auto above = [&spec](const Opp& opp) { return opp.mhz >= spec.floor_mhz; };
    const auto floor = std::ranges::find_if(opps, above);
    throttles.push_back({.zone = index_of(simulation.zones, spec.zone),
                         .domain = domain,
                         .trip_c = spec.trip_c,
                         .release_c = spec.trip_c - spec.hysteresis_c,
                         .polling = from_milliseconds(spec.polling_ms),
                         .step = spec.step,
                         .floor = floor == opps.end()
                                      ? opps.size() - 1
                                      : static_cast<std::size_t>(floor - opps.begin()),
                         .keeps_voltage = spec.keeps_voltage});
  }
}

std::vector<bool> choose_heat(const Board& board, const std::vector<std::string>& zones) {
  std::vector<Temperature> temperatures;
  temperatures.reserve(zones.size());
  for (const auto& zone : zones) {
    temperatures.push_back({zone, heat_source_of_zone(zone)});
  }
  std::vector<Missing> ignored;  // A probe of the machine tells.
  return choose_heat(temperatures, board.temperature, board.has_gpu(), ignored);
}

}  // namespace rein
