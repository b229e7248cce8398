#pragma once

#include <string>

#include "platform/board/board.hpp"

namespace rein {

/// Boards small enough to be worked out by hand.
struct SmallBoards {
  /// Two CPUs of one clock: 500 and 1000 MHz at 0.5 and 1 V. 100 MFLOPs take 10 ms with one thread
  /// at 1000 MHz, of which 2 ms wait for memory; a launch takes 1 ms. One busy CPU draws 2 W, the
  /// clock 0.5 W, nothing leaks; the board draws 1 W besides. 10 K/W with 5 s.
  static std::string cpus(const std::string& more = "") {
    return "name: small\n"
           "cpus: \"0-1\"\n"
           "domains:\n"
           "  - {name: cpu, policy: policy0, cpus: \"0-1\", opps_mhz: [500, 1000], "
           "opps_v: [0.5, 1]}\n"
           "places:\n"
           "  - {name: cpu0, cpus: \"0\"}\n"
           "  - {name: all2, cpus: \"0-1\"}\n"
           "total_power: [board]\n"
           "bandwidth: {levels_cpus: [0.5, 1, 2], period_ms: 10}\n"
           "power_model: {idle_w: 1, cpu_w: 2}\n"
           "simulation:\n"
           "  ambient_c: 20\n"
           "  cpu_tick_ms: 0\n"
           "  zones:\n"
           "    - {name: soc, stages: [{resistance_k_per_w: 10, time_constant_s: 5}]}\n"
           "  devices:\n"
           "    - {domain: cpu, zone: soc, dynamic_w: 2, idle_w: 0.5, stall_activity: 1,\n"
           "       launch_ms: 1,\n"
           "       kinds: {cnn: {reference_mflops: 100, compute_ms: 8, memory_ms: 2}}}\n"
           "  rails: [{name: board, devices: [cpu], base_w: 1}]\n"
           "  sensors:\n"
           "    - {signal: power_w.board}\n"
           "    - {signal: temperature_c.soc}\n" +
           more;
  }

  /// One CPU that launches in 2 ms, and a GPU of 100 and 200 MHz that does 100 MFLOPs in 8 ms, all
  /// of it computing; a busy GPU draws 4 W.
  static std::string gpu(const std::string& more = "") {
    return "name: small-gpu\n"
           "cpus: \"0\"\n"
           "domains:\n"
           "  - {name: cpu, policy: policy0, cpus: \"0\", opps_mhz: [1000], opps_v: [1]}\n"
           "  - {name: gpu, devfreq: gpu, opps_mhz: [100, 200], opps_v: [1, 1]}\n"
           "places:\n"
           "  - {name: cpu0, cpus: \"0\"}\n"
           "  - {name: gpu, device: gpu, cpus: \"0\"}\n"
           "total_power: [board]\n"
           "simulation:\n"
           "  ambient_c: 20\n"
           "  zones:\n"
           "    - {name: soc, stages: [{resistance_k_per_w: 10, time_constant_s: 5}]}\n"
           "  devices:\n"
           "    - {domain: cpu, zone: soc, dynamic_w: 2,\n"
           "       kinds: {cnn: {reference_mflops: 100, compute_ms: 50}}}\n"
           "    - {domain: gpu, kind: gpu, zone: soc, dynamic_w: 4, raise_ms: 5, lower_ms: 1,\n"
           "       launch_ms: 1, launch_mcycles: 1,\n"
           "       kinds: {cnn: {reference_mflops: 100, compute_ms: 8}}}\n"
           "  rails: [{name: board, devices: [cpu, gpu]}]\n"
           "  sensors: [{signal: gpu_load_share}]\n" +
           more;
  }

  static Board parse(const std::string& text) {
    return Board::from_yaml(ConfigNode::parse(text, "small.yaml"));
  }
};

}  // namespace rein
