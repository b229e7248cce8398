// Simulated boards beside published measurements: plays each published condition on the board files
// of configs/boards, prints tables, and exits 1 where a bound is broken. README.md has the bounds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "common/config_node.hpp"
#include "common/error.hpp"
#include "comparison.hpp"
#include "published.hpp"

namespace rein {
namespace {

const std::filesystem::path kSource = REIN_SOURCE_DIR;
const std::filesystem::path kHere = kSource / "experiments" / "calibration";

/// Until heat is steady: some of the longest time constants in the board files.
constexpr double kSettleS = 600.0;
constexpr double kMeasureS = 10.0;

std::filesystem::path board_file(const std::string& name) {
  return kSource / "configs" / "boards" / (name + ".yaml");
}

std::vector<PublishedRow> published(const std::string& name) {
  return read_published(kHere / "published", name);
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Requests until heat is steady, and then some that are measured.
void settle(Bench& bench) {
  const double start_s = bench.now_s();
  bench.serve_until(start_s + kSettleS);
  bench.mark();
  bench.serve_until(start_s + kSettleS + kMeasureS);
}

// ------------------------------------------------------------------------------------ Odroid XU3

/// A share of the program's unit of work, so that a request is short beside what is observed.
constexpr double kWhetstoneShare = 0.01;
constexpr double kXu3StartS = 1.4;     ///< When the measured run begins.
constexpr double kIna231S = 0.263808;  ///< Over which its power sensors average.

/// What the simulated board showed while the measured run was played again.
struct Xu3Run {
  struct Stay {
    double a15_w = 0.0;
    double a7_w = 0.0;
    double gpu_w = 0.0;
    double performance = 0.0;
  };
  std::vector<Stay> stays;                             ///< In the order of the sweep's rows.
  std::vector<double> hottest_c;                       ///< At each reading.
  std::vector<std::pair<double, double>> performance;  ///< At times, over half a second each.
};

/// Whetstone with four threads on the A15 and a manager that keeps one A7 busy, at each operating
/// point as long as in the measured run.
Xu3Run play_xu3(const std::vector<PublishedRow>& sweep,
                const std::vector<PublishedRow>& temperatures) {
  Bench bench(board_file("odroid-xu3"));
  bench.set_place("big4");
  bench.set_work("whetstone", kWhetstoneShare);
  bench.set_mhz("gpu", 177);
  bench.set_mhz("little", 200);
  bench.set_mhz("big", 200);
  bench.rest_until(kXu3StartS);
  bench.set_partner({.cpu = {{.cluster = "little", .load = 0.25}}});

  Xu3Run run;
  std::size_t reading = 0;
  for (const auto& row : sweep) {
    const double ends_s = row.number("ends_s");
    bench.set_mhz("little", row.number("a7_mhz"));
    bench.set_mhz("big", row.number("a15_mhz"));
    bench.mark();
    const double begins_s = bench.now_s();
    double served = 0.0;
    // Stops for each reading of temperature, every half second, and before the power is read.
    while (bench.now_s() < ends_s) {
      const double reading_s =
          reading < temperatures.size() ? temperatures[reading].number("time_s") : ends_s;
      const double half_s = (std::floor(bench.now_s() / 0.5) + 1.0) * 0.5;
      const double power_s = ends_s - kIna231S;
      double stop_s = std::min({reading_s, half_s, ends_s});
      if (bench.now_s() < power_s) {
        stop_s = std::min(stop_s, power_s);
      }
      const double from_s = bench.now_s();
      const double latency_s = bench.latency_ms() / 1e3;
      bench.serve_until(stop_s);
      served += (bench.now_s() - from_s) * kWhetstoneShare / latency_s;
      if (bench.now_s() >= reading_s && reading < temperatures.size()) {
        run.hottest_c.push_back(bench.hottest_c());
        ++reading;
      }
      if (bench.now_s() >= half_s) {
        run.performance.emplace_back(bench.now_s(), kWhetstoneShare / latency_s);
      }
      if (from_s < power_s && bench.now_s() >= power_s) {
        bench.mark();
      }
    }
    run.stays.push_back({.a15_w = bench.rail_power_w("A15"),
                         .a7_w = bench.rail_power_w("A7"),
                         .gpu_w = bench.rail_power_w("GPU"),
                         .performance = served / (bench.now_s() - begins_s)});
  }
  return run;
}

/// The middle one of the stays at each frequency of a column.
template <typename Published, typename Simulated>
void add_medians(Comparison& comparison, const std::vector<PublishedRow>& sweep,
                 const std::string& by, Published of_published, Simulated of_simulated) {
  std::map<double, std::vector<std::size_t>> rows;
  for (std::size_t i = 0; i < sweep.size(); ++i) {
    rows[sweep[i].number(by)].push_back(i);
  }
  for (const auto& [mhz, indices] : rows) {
    std::vector<double> left;
    std::vector<double> right;
    bool is_fit = true;
    for (const std::size_t i : indices) {
      left.push_back(of_published(sweep[i]));
      right.push_back(of_simulated(i));
      is_fit = is_fit && (by != "a15_mhz" || sweep[i].is_fit());
    }
    comparison.add(fmt::format("{:g} MHz", mhz), median(left), median(right), is_fit);
  }
}

/// Of a cluster alone, cool.
double xu3_cluster_w(const std::string& cluster, double mhz, bool one_cpu_is_busy) {
  Bench bench(board_file("odroid-xu3"));
  bench.set_place(cluster + "1");
  for (const char* each : {"little", "big"}) {
    bench.set_mhz(each, 200);
  }
  bench.set_mhz("gpu", 177);
  bench.set_mhz(cluster, mhz);
  bench.set_work("whetstone", kWhetstoneShare);
  bench.rest_until(kMeasureS);
  bench.mark();
  if (one_cpu_is_busy) {
    bench.serve_until(2 * kMeasureS);
  } else {
    bench.rest_until(2 * kMeasureS);
  }
  return bench.rail_power_w(cluster == "big" ? "A15" : "A7");
}

bool odroid_xu3() {
  const auto sweep = published("odroid-xu3-sweep");
  const auto temperatures = published("odroid-xu3-temperature");
  const Xu3Run run = play_xu3(sweep, temperatures);

  Comparison power("power of the A15 cluster, four threads of whetstone", "W",
                   {.mean = 5.0, .worst = 10.0});
  add_medians(
      power, sweep, "a15_mhz", [](const auto& row) { return row.number("a15_w"); },
      [&run](std::size_t i) { return run.stays[i].a15_w; });
  Comparison performance("performance", "the program's unit", {.mean = 3.0, .worst = 3.0});
  add_medians(
      performance, sweep, "a15_mhz", [](const auto& row) { return row.number("performance"); },
      [&run](std::size_t i) { return run.stays[i].performance; });
  Comparison little("power of the A7 cluster with the manager on it, not bounded", "W", {});
  add_medians(
      little, sweep, "a7_mhz", [](const auto& row) { return row.number("a7_w"); },
      [&run](std::size_t i) { return run.stays[i].a7_w; });
  Comparison gpu("power of the idle GPU, not bounded", "W", {});
  add_medians(
      gpu, sweep, "a15_mhz", [](const auto& row) { return row.number("gpu_w"); },
      [&run](std::size_t i) { return run.stays[i].gpu_w; });

  Comparison heat("hottest core", "degC", {.worst = 4.0}, Comparison::Error::kAbsolute);
  for (std::size_t i = 0; i < run.hottest_c.size(); ++i) {
    const auto& row = temperatures[i];
    if (row.text("used") != "start") {
      heat.add(fmt::format("{:.1f} s, {:g} MHz", row.number("time_s"), row.number("a15_mhz")),
               row.number("hottest_c"), run.hottest_c[i], row.is_fit());
    }
  }

  const auto readings = published("odroid-xu3-throttling");
  Comparison throttled("performance at 2000 MHz while it grows hot", "the program's unit",
                       {.mean = 3.0});
  std::vector<std::pair<double, double>> windows;
  for (const auto& [from_s, to_s] :
       {std::pair{3.0, 5.0}, {5.0, 7.0}, {7.0, 9.0}, {9.0, 11.0}, {11.0, 13.0}, {13.0, 15.0}}) {
    const auto is_in = [from = from_s, to = to_s](double t) { return t >= from && t < to; };
    std::vector<double> left;
    std::vector<double> right;
    for (const auto& row : readings) {
      if (is_in(row.number("time_s"))) {
        left.push_back(row.number("performance"));
      }
    }
    for (const auto& [time_s, value] : run.performance) {
      if (is_in(time_s)) {
        right.push_back(value);
      }
    }
    windows.emplace_back(mean(left), mean(right));
    throttled.add(fmt::format("{:g} to {:g} s", from_s, to_s), mean(left), mean(right), true);
  }
  // From before the clock is gated, 5 to 7 s, to the mean of the last two windows.
  const auto fall = [&windows](auto part) {
    const double last = (part(windows[4]) + part(windows[5])) / 2.0;
    return 100.0 * (1.0 - last / part(windows[1]));
  };
  Comparison tenth("fall of performance within 15 s at 2000 MHz", "%", {.worst = 2.0},
                   Comparison::Error::kAbsolute);
  tenth.add("from 5-7 to 11-15 s", fall([](const auto& pair) { return pair.first; }),
            fall([](const auto& pair) { return pair.second; }), true);

  Comparison clusters("clusters that idle, and what one busy CPU adds; not bounded", "W", {});
  for (const auto& row : published("odroid-xu3-clusters")) {
    const std::string& cluster = row.text("cluster");
    const double mhz = row.number("mhz");
    const double idle_w = xu3_cluster_w(cluster, mhz, false);
    const bool is_idle = row.text("workload") == "idle";
    clusters.add(fmt::format("{}, {}, {:g} MHz", cluster, row.text("workload"), mhz),
                 row.number("power_w"),
                 is_idle ? idle_w : xu3_cluster_w(cluster, mhz, true) - idle_w, row.is_fit());
  }

  bool kept = true;
  for (const auto* comparison :
       {&power, &performance, &heat, &throttled, &tenth, &little, &gpu, &clusters}) {
    kept = comparison->print() && kept;
  }
  return kept;
}

// ----------------------------------------------------------------------------------- the Jetsons

bool jetson_nano() {
  Comparison latency("latency of a MobileNet on the GPU", "ms", {.mean = 5.0, .worst = 5.0});
  Comparison power("power at the input", "W", {.mean = 5.0, .worst = 5.0});
  Comparison least("steps between the frequencies of least energy per inference", "steps",
                   {.worst = 1.0}, Comparison::Error::kAbsolute);
  const auto rows = published("jetson-nano-gpu");
  std::vector<double> energy;
  std::vector<double> measured;
  for (const auto& row : rows) {
    Bench bench(board_file("jetson-nano"));
    bench.set_place("gpu");
    bench.set_mhz("gpu", row.number("gpu_mhz"));
    bench.set_work("cnn", 569);
    // The program that asks, and waits for the answers.
    bench.set_partner({.cpu = {{.cluster = "cpu", .load = 0.25}}});
    settle(bench);
    const std::string condition = fmt::format("{} MHz", row.text("gpu_mhz"));
    latency.add(condition, row.number("latency_ms"), bench.latency_ms(), row.is_fit());
    power.add(condition, row.number("power_w"), bench.power_w(), row.is_fit());
    energy.push_back(bench.power_w() * bench.latency_ms());
    measured.push_back(row.number("energy_mj"));
  }
  const auto least_of = [](const std::vector<double>& values) {
    return static_cast<std::size_t>(std::ranges::min_element(values) - values.begin());
  };
  least.add(fmt::format("{} and {} MHz", rows[least_of(measured)].text("gpu_mhz"),
                        rows[least_of(energy)].text("gpu_mhz")),
            static_cast<double>(least_of(measured)), static_cast<double>(least_of(energy)), true);
  bool kept = latency.print();
  kept = power.print() && kept;
  return least.print() && kept;
}

bool jetson_xavier_nx() {
  Comparison slimmable("latency of a slimmable MobileNet-v1", "ms", {.mean = 10.0, .worst = 10.0});
  Bench bench(board_file("jetson-xavier-nx"));
  for (const auto& row : published("jetson-xavier-nx-slimmable")) {
    bench.set_work("cnn", row.number("mflops"));
    bench.set_place(row.text("device") == "cpu" ? "cpu6" : "gpu");
    slimmable.add(fmt::format("{}, width {}", row.text("device"), row.text("width")),
                  row.number("latency_ms"), bench.latency_ms(), row.is_fit());
  }

  const ConfigNode network =
      ConfigNode::load(kSource / "configs" / "applications" / "dynamic-ofa.yaml");
  const auto levels = network.at("levels").items();
  const double sensitivity = network.at("sensitivity").at("gpu").number();
  bench.set_place("gpu");
  const auto latency_ms = [&](std::size_t level, bool is_alone) {
    bench.set_work("cnn", levels.at(level).at("mflops").number(), 1.0, sensitivity);
    if (is_alone) {
      bench.leave_alone();
    } else {
      bench.set_partner({.gpu = 1.0});
    }
    return bench.latency_ms();
  };
  Comparison scenario("Dynamic-OFA beside the training of another network", "ms", {.worst = 5.0});
  bool kept = true;
  for (const auto& row : published("jetson-xavier-nx-dynamic-ofa")) {
    const double simulated =
        latency_ms(static_cast<std::size_t>(row.number("level")), row.text("beside") == "alone");
    scenario.add(fmt::format("level {}, {}", row.text("level"), row.text("beside")),
                 row.number("latency_ms"), simulated, row.is_fit());
    const bool is_between =
        simulated >= row.number("at_least_ms") && simulated <= row.number("at_most_ms");
    if (row.is_fit() && !is_between) {
      fmt::print("\nlevel {}, {}: {:.1f} ms is not from {} to {}: BROKEN\n", row.text("level"),
                 row.text("beside"), simulated, row.text("at_least_ms"), row.text("at_most_ms"));
      kept = false;
    }
  }
  Comparison ratios("Dynamic-OFA's levels, over level 4", "1", {.worst = 5.0});
  const auto published_levels = published("jetson-xavier-nx-dynamic-ofa-levels");
  for (const auto& row : published_levels) {
    const auto level = static_cast<std::size_t>(row.number("level"));
    ratios.add(fmt::format("level {}", level),
               row.number("latency_ms") / published_levels.at(4).number("latency_ms"),
               latency_ms(level, true) / latency_ms(4, true), true);
  }
  kept = slimmable.print() && kept;
  kept = scenario.print() && kept;
  return ratios.print() && kept;
}

bool jetson_orin_nx() {
  Comparison rate("ResNet-50 on the GPU, alone", "1/s", {.mean = 5.0, .worst = 10.0});
  Comparison power("power at the input", "W", {.mean = 5.0, .worst = 10.0});
  for (const auto& row : published("jetson-orin-nx-resnet50")) {
    Bench bench(board_file("jetson-orin-nx"));
    bench.set_place("gpu");
    bench.set_mhz("gpu", row.number("gpu_mhz"));
    bench.set_work("cnn", 4100);
    settle(bench);
    const std::string condition = fmt::format("{} MHz", row.text("gpu_mhz"));
    rate.add(condition, row.number("rate_hz"), bench.rate_hz(), row.is_fit());
    power.add(condition, row.number("power_w"), bench.power_w(), row.is_fit());
  }

  const ConfigNode networks = ConfigNode::load(kHere / "orin-nx-corun.yaml");
  Bench bench(board_file("jetson-orin-nx"));
  bench.set_place("gpu");
  const auto set_work = [&](const std::string& name) {
    const ConfigNode network = networks.at(name);
    bench.set_work("cnn", network.at("mflops").number(), 1.0, network.at("sensitivity").number());
  };
  Comparison alone("six networks alone, GPU at 918 MHz", "1/s", {.mean = 5.0});
  for (const auto& row : published("jetson-orin-nx-alone")) {
    set_work(row.text("network"));
    alone.add(row.text("network"), row.number("rate_hz"), 1e3 / bench.latency_ms(), row.is_fit());
  }
  Comparison corun("two networks share the GPU at 918 MHz: how many times longer the first takes",
                   "1", {.mean = 10.0});
  for (const auto& row : published("jetson-orin-nx-corun")) {
    set_work(row.text("victim"));
    bench.leave_alone();
    const double alone_ms = bench.latency_ms();
    bench.set_partner({.gpu = networks.at(row.text("partner")).at("pressure").number()});
    corun.add(fmt::format("{} beside {}", row.text("victim"), row.text("partner")),
              row.number("slow_down"), bench.latency_ms() / alone_ms, row.is_fit());
  }
  bool kept = true;
  for (const auto* comparison : {&rate, &power, &alone, &corun}) {
    kept = comparison->print() && kept;
  }
  return kept;
}

// -------------------------------------------------------------------------------- Raspberry Pi 4

bool raspberry_pi_4() {
  Comparison power("power: of the idle board, and what one busy CPU adds", "W", {.mean = 7.0});
  Comparison speed("speed of a workload, over that at 1500 MHz", "1", {.mean = 7.0});
  Bench bench(board_file("raspberry-pi-4"));
  bench.set_place("cpu1");
  const auto latency_ms = [&bench](const std::string& workload, double mhz) {
    bench.reset();
    bench.set_place("cpu1");
    bench.set_mhz("cpu", mhz);
    bench.set_work(workload, 1);
    bench.rest_until(1.0);
    return bench.latency_ms();
  };
  for (const auto& row : published("raspberry-pi-4")) {
    const std::string& workload = row.text("workload");
    const double mhz = row.number("mhz");
    const std::string condition = fmt::format("{}, {:g} MHz", workload, mhz);
    const double top_ms = latency_ms(workload == "idle" ? "cnn" : workload, 1500);
    const double here_ms = latency_ms(workload == "idle" ? "cnn" : workload, mhz);
    bench.mark();
    bench.rest_until(11.0);
    const double idle_w = bench.power_w();
    if (workload == "idle") {
      power.add(condition, row.number("power_w"), idle_w, row.is_fit());
      continue;
    }
    bench.mark();
    bench.serve_until(31.0);
    power.add(condition, row.number("power_w"), bench.power_w() - idle_w, row.is_fit());
    speed.add(condition, row.number("speed"), top_ms / here_ms, row.is_fit());
  }
  const bool kept = power.print();
  return speed.print() && kept;
}

// --------------------------------------------------------------------------------- without bounds

/// What a partner that keeps the GPU busy presses, fitted by fit.py; the two experiments differ.
constexpr double kRtbenchPressure = 1.047;
constexpr double kRtbenchPressureOfEquals = 1.556;

bool rtbench() {
  Comparison comparison("median of a batch on a large GPU, alone and beside others; not bounded",
                        "ms", {});
  Bench bench(kHere / "rtbench-gpu.yaml");
  bench.set_place("gpu");
  std::map<double, double> mflops;
  const auto rows = published("rtbench");
  for (const auto& row : rows) {
    mflops[row.number("width")] = row.number("mflops");
  }
  // Images 0 are no work at all: the launch is left.
  bench.set_work("cnn", 1.0, 1e-9);
  const double launch_ms = bench.latency_ms();
  for (const auto& row : rows) {
    const double partners = row.number("partners");
    bench.leave_alone();
    if (partners > 0.0) {
      bench.set_work("cnn", mflops.at(row.number("partner_width")), row.number("partner_batch"));
      const double busy = 1.0 - launch_ms / bench.latency_ms();
      const bool is_equal = row.text("experiment") == "equal";
      bench.set_partner(
          {.gpu = partners * busy * (is_equal ? kRtbenchPressureOfEquals : kRtbenchPressure)});
    }
    bench.set_work("cnn", row.number("mflops"), row.number("batch"));
    const std::string beside =
        partners == 0.0 ? "alone"
                        : fmt::format("beside {} of batch {} width {}", row.text("partners"),
                                      row.text("partner_batch"), row.text("partner_width"));
    comparison.add(
        fmt::format("batch {} width {}, {}", row.text("batch"), row.text("width"), beside),
        row.number("median_ms"), bench.latency_ms(), row.is_fit());
  }
  return comparison.print();
}

bool pc() {
  Comparison comparison("our own network on one CPU, 24 images; not bounded", "ms", {});
  Bench bench(board_file("pc"));
  bench.set_place("cpu0");
  for (const auto& row : published("pc")) {
    bench.set_work("small-cnn", row.number("mflops"), 24.0);
    comparison.add(fmt::format("width {}", row.text("width")), row.number("latency_ms"),
                   bench.latency_ms(), row.is_fit());
  }
  return comparison.print();
}

int run() {
  const std::vector<std::pair<const char*, bool (*)()>> boards{
      {"Odroid XU3", odroid_xu3},
      {"Jetson Nano", jetson_nano},
      {"Jetson Xavier NX", jetson_xavier_nx},
      {"Jetson Orin NX", jetson_orin_nx},
      {"Raspberry Pi 4", raspberry_pi_4},
      {"slimmable_nets_rtbench", rtbench},
      {"PC", pc},
  };
  std::vector<std::string> broken;
  for (const auto& [name, compare] : boards) {
    fmt::print("\n== {}\n", name);
    if (!compare()) {
      broken.emplace_back(name);
    }
  }
  fmt::print("\n{}\n", broken.empty()
                           ? "All bounds are kept."
                           : fmt::format("Bounds are broken on: {}", fmt::join(broken, ", ")));
  return broken.empty() ? 0 : 1;
}

}  // namespace
}  // namespace rein

int main() {
  try {
    return rein::run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
