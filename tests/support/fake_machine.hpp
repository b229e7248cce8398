#pragma once

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "models/engine.hpp"
#include "models/image_set.hpp"
#include "platform/co_runners/co_runner.hpp"
#include "platform/platform.hpp"

namespace rein {

/// A machine of two CPUs in closed loop with a ManualClock: a network whose latency follows its
/// width, its place and the co-runners, as it was measured on a real one (roughly). Plain enough to
/// work out by hand: on one thread a request takes 8 ms x width, on two 4 ms x width; twice that on
/// a CPU with a co-runner; 60 ms on two threads with any co-runner.
struct FakeMachine {
  ManualClock clock;
  std::size_t place = 0;  ///< cpu0, cpu1, all2
  double bandwidth_cpus = 2.0;
  int threads = 1;
  std::array<bool, 2> contended{};
  double width = 1.0;
  double used_s = 0.0;  ///< CPU time of ours since the last sample.
  std::vector<Configuration> applied;
  bool refuse = false;          ///< The next apply() changes no bandwidth.
  bool stale_power = false;     ///< The power was measured before the period.
  bool broken_sensors = false;  ///< No reading is valid.
  std::string cpu1_device = "cpu";

  double latency_ms() const {
    const double throttle = std::max(1.0, (place == 2 ? 2.0 : 1.0) / bandwidth_cpus);
    if (place == 2) {
      return (contended[0] || contended[1] ? 60.0 : 4.0 * width) * throttle;
    }
    return 8.0 * width * (contended.at(place) ? 2.0 : 1.0) * throttle;
  }
};

class FakePlatform final : public Platform {
 public:
  explicit FakePlatform(FakeMachine& machine, bool with_heat = true) : machine_(machine) {
    controls_ = {
        mapping_control("app", {{.name = "cpu0", .cpus = {0}},
                                {.name = "cpu1", .device = machine.cpu1_device, .cpus = {1}},
                                {.name = "all2", .cpus = {0, 1}, .threads = 2}}),
        {Control::Kind::kBandwidth, "bandwidth.cpu", "CPUs", {{"0.5cpu", 0.5}, {"2cpu", 2}}}};
    signals_ = {{"cpu_others_share.cpu0", "1", "fake", false},
                {"cpu_others_share.cpu1", "1", "fake", false},
                {"power_w", "W", "fake", true},
                {"power_ours_w", "W", "fake", true},
                {"temperature_c.zone", "degC", "fake", false, with_heat}};
  }
  const std::vector<Signal>& signals() const override { return signals_; }
  const std::vector<Control>& controls() const override { return controls_; }

  const Telemetry& sample() override {
    telemetry_.readings.clear();
    telemetry_.interval = machine_.clock.now() - last_;
    last_ = machine_.clock.now();
    const double seconds = to_seconds(telemetry_.interval);
    const double ours = seconds > 0.0 ? machine_.used_s / seconds : 0.0;
    machine_.used_s = 0.0;
    const double others = (machine_.contended[0] ? 1.0 : 0.0) + (machine_.contended[1] ? 1.0 : 0.0);
    for (const double value : {machine_.contended[0] ? 1.0 : 0.0, machine_.contended[1] ? 1.0 : 0.0,
                               1.0 + 5.0 * (ours + others), 5.0 * ours, 45.0}) {
      telemetry_.readings.push_back({value, !machine_.broken_sensors, {}});
    }
    telemetry_.readings[2].stale = machine_.stale_power && !machine_.broken_sensors;
    return telemetry_;
  }

  const std::vector<Grant>& apply(const Configuration& configuration) override {
    if (configuration.size() != controls_.size()) {
      throw std::out_of_range("configuration");
    }
    machine_.place = configuration[0];
    grants_[0] = {.level = configuration[0],
                  .value = controls_[0].levels.at(configuration[0]).value};
    if (std::exchange(machine_.refuse, false)) {
      grants_[1].refused = true;
      troubles_.push_back("/sys/fake: cannot write '1': Device or resource busy");
    } else {
      machine_.bandwidth_cpus = controls_[1].levels.at(configuration[1]).value;
      grants_[1] = {.level = configuration[1], .value = machine_.bandwidth_cpus};
    }
    machine_.applied.push_back(configuration);
    return grants_;
  }

  const std::vector<Grant>& grants() override { return grants_; }

  std::vector<std::string> new_troubles() override { return std::exchange(troubles_, {}); }

 private:
  FakeMachine& machine_;
  TimePoint last_{};
  Telemetry telemetry_;
  std::vector<Signal> signals_;
  std::vector<Control> controls_;
  std::vector<Grant> grants_{{.level = 0, .value = 1.0}, {.level = 1, .value = 2.0}};
  std::vector<std::string> troubles_;
};

class FakeNetwork final : public Engine {
 public:
  explicit FakeNetwork(FakeMachine& machine) : machine_(machine) {
    levels_ = {{"0.25", 0.25, 0.90}, {"0.5", 0.5, 0.92}, {"0.75", 0.75, 0.93}, {"1.0", 1.0, 0.94}};
  }
  const std::vector<NetworkLevel>& levels() const override { return levels_; }
  const std::string& description() const override { return description_; }
  std::size_t image_size() const override { return 4; }
  std::optional<std::string> obstacle(const std::string& device) const override {
    return device == "cpu" ? std::nullopt : gpu_obstacle;
  }
  void set_level(std::size_t level) override { machine_.width = levels_.at(level).width; }
  void prepare(const ComputePlace& place, std::size_t batch) override {
    prepared.emplace_back(place, batch);
    set_place(place);
  }
  void set_place(const ComputePlace& place) override { machine_.threads = place.threads; }
  /// Predicts the first pixel.
  void infer(std::span<const std::uint8_t> images, std::span<int> predictions) override {
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      predictions[i] = images[i * image_size()];
    }
    const Duration time = from_milliseconds(machine_.latency_ms());
    machine_.clock.advance(time);
    machine_.used_s += to_seconds(time) * machine_.threads;
  }

  std::optional<std::string> gpu_obstacle;
  std::vector<std::pair<ComputePlace, std::size_t>> prepared;

 private:
  FakeMachine& machine_;
  std::vector<NetworkLevel> levels_;
  std::string description_ = "made up";
};

/// Loads CPUs of the fake machine while it runs.
class FakeCoRunner final : public CoRunner {
 public:
  FakeCoRunner(FakeMachine& machine, std::vector<int> cpus)
      : machine_(machine), cpus_(std::move(cpus)) {}
  ~FakeCoRunner() override { stop(); }
  void start() override {
    ++starts;
    set(true);
  }
  void stop() override { set(false); }
  bool running() override { return running_; }
  std::string trouble() override { return trouble_text; }

  int starts = 0;
  std::string trouble_text;

 private:
  void set(bool running) {
    if (running != running_) {
      for (const int cpu : cpus_) {
        machine_.contended.at(static_cast<std::size_t>(cpu)) = running;
      }
    }
    running_ = running;
  }
  FakeMachine& machine_;
  std::vector<int> cpus_;
  bool running_ = false;
};

/// `count` images of 2 x 2 pixels; every fourth has another label than its first pixel.
inline ImageSet fake_images(std::size_t count = 40) {
  ImageSet images{.channels = 1, .height = 2, .width = 2, .pixels = {}, .labels = {}};
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint8_t>(i % 10);
    images.pixels.insert(images.pixels.end(), {label, 0, 0, 0});
    images.labels.push_back(i % 4 == 0 ? static_cast<std::uint8_t>(label + 1) : label);
  }
  return images;
}

}  // namespace rein
