#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "env/request_worker.hpp"
#include "env/serving_environment.hpp"

namespace rein {

/// A machine on which nothing changes and that costs nothing: what is left is the environment's
/// own.
class StillPlatform final : public Platform {
 public:
  explicit StillPlatform(int num_signals) {
    constexpr auto kFrequency = Control::Kind::kFrequency;
    controls_ = {mapping_control("app", {{.name = "cpu0", .cpus = {0}},
                                         {.name = "cpu1", .cpus = {1}},
                                         {.name = "all2", .cpus = {0, 1}, .threads = 2}}),
                 {kFrequency, "frequency.cpu", "MHz", {{"600MHz", 600}, {"1400MHz", 1400}}},
                 {kFrequency, "frequency.gpu", "MHz", {{"200MHz", 200}, {"800MHz", 800}}},
                 {kFrequency, "frequency.memory", "MHz", {{"800MHz", 800}, {"1600MHz", 1600}}}};
    signals_ = {{"power_w", "W", "still", false}};
    for (int i = 1; i < num_signals; ++i) {
      const bool heat = i % 4 == 0;
      const std::string kind = heat ? "temperature_c.zone" : "cpu_others_share.cpu";
      signals_.push_back({kind + std::to_string(i), "1", "still", false, heat});
    }
    telemetry_.readings.assign(signals_.size(), {.value = 0.5, .valid = true});
    grants_.resize(controls_.size());
  }
  void rename(std::size_t control, const std::string& name) { controls_[control].name = name; }
  const std::vector<Signal>& signals() const override { return signals_; }
  const std::vector<Control>& controls() const override { return controls_; }
  const Telemetry& sample() override { return telemetry_; }
  const std::vector<Grant>& apply(const Configuration& configuration) override {
    for (std::size_t i = 0; i < grants_.size(); ++i) {
      grants_[i] = {.level = configuration[i],
                    .value = controls_[i].levels[configuration[i]].value};
    }
    return grants_;
  }
  const std::vector<Grant>& grants() override { return grants_; }
  std::vector<std::string> new_troubles() override { return {}; }

 private:
  std::vector<Signal> signals_;
  std::vector<Control> controls_;
  Telemetry telemetry_;
  std::vector<Grant> grants_;
};

/// Takes 5 ms for a request at any level, and is always right.
class StillWorker final : public RequestWorker {
 public:
  explicit StillWorker(ManualClock& clock) : clock_(clock) {}
  const std::vector<NetworkLevel>& levels() const override { return levels_; }
  void set_level(std::size_t) override {}
  void set_place(const Place& told) override { place = told.name; }
  void prepare(std::uint64_t, const std::vector<Place>&) override {}
  std::size_t serve(std::size_t images, Duration) override {
    clock_.advance(from_milliseconds(5.0));
    return images;
  }
  std::string place;  ///< As it was told last.

 private:
  ManualClock& clock_;
  std::vector<NetworkLevel> levels_{{"0.25", 0.25, 0.90}, {"0.5", 0.5, 0.92}, {"1.0", 1.0, 0.94}};
};

/// One application, ten requests a period, 40 signals, every budget.
struct StillWorld {
  StillWorld() : environment(platform, worker, "app", requests(), player, clock, {}) {}

  static RequestSpec requests() { return {.rate_hz = 100.0, .batch = 1}; }
  static Scenario scenario() {
    Budgets budgets;
    budgets.latency = LatencyBudget{.deadline_ms = 12.0};
    budgets.power = PowerBudget{.limit_w = 4.0};
    budgets.energy = EnergyBudget{.limit_mj = 40.0, .total_j = std::nullopt};
    budgets.accuracy = AccuracyBudget{.min_top1 = 0.9};
    budgets.temperature = TemperatureBudget{.limit_c = 70.0};
    return Scenario::alone(budgets, 1e9);
  }

  ManualClock clock;
  StillPlatform platform{40};
  StillWorker worker{clock};
  ScenarioPlayer player{scenario(), {}};
  ServingEnvironment environment;
};

}  // namespace rein
