#include "env/feature_table.hpp"

#include <array>
#include <utility>

#include "platform/quantities.hpp"

namespace rein {

namespace {

// What is asked for is seen over so many decades that none is cut that can be asked of a machine.
// Nothing asked for is a value of its own beyond them.

/// 1 mW to 40 kW.
constexpr Scale kPowerLimit{.kind = Scale::Kind::kLog10,
                            .one = 10.0,
                            .divisor = 4.0,
                            .min = -1.0,
                            .max = 0.9,
                            .neutral = 1.0};
/// Around 0.
constexpr Scale kAround0{.min = -1.0};

using FeatureOf = FeatureKind::Of;
using From = Source::Kind;

constexpr std::array kFeatureKinds{
    FeatureKind{.of = FeatureOf::kKnob,
                .name = "<knob>",
                .number = "level",
                .source = From::kLevel,
                .what = "the knob's level in force, over the highest one"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "deadline.<app>",
                .number = "deadline_ms",
                .unit = "ms",
                .source = From::kDeadline,
                .scale = {.kind = Scale::Kind::kLog10,  // 0.1 ms to 4000 s.
                          .one = 1e3,
                          .divisor = 4.0,
                          .min = -1.0,
                          .max = 0.9,
                          .neutral = 1.0},
                .what = "latency budget: its deadline"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "miss_rate.<app>",
                .number = "miss_limit",
                .source = From::kLimit,
                .budget = BudgetId::Kind::kLatency,
                .scale = {.kind = Scale::Kind::kLog10,  // 1e-6 to 1.
                          .one = 0.01,
                          .divisor = 4.0,
                          .min = -1.0,
                          .max = 0.5,
                          .neutral = 1.0},
                .what = "latency budget: the share that may miss"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "latency.<app>",
                .number = "p95_deadlines",
                .source = From::kLatency,
                .scale = {.divisor = 2.0},
                .what = "p95 of the period's requests over the deadline"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "miss_share.<app>",
                .number = "miss_share",
                .source = From::kMissShare,
                .what = "late or dropped over all of the period's requests"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "queue.<app>",
                .number = "queue_share",
                .source = From::kQueue,
                .what = "requests waiting, over the queue's limit"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "arrival_rate.<app>",
                .number = "rate_hz",
                .unit = "Hz",
                .source = From::kRate,
                .scale = {.kind = Scale::Kind::kLog10,  // 0.01 Hz to 400 kHz.
                          .one = 100.0,
                          .divisor = 4.0,
                          .min = -1.0,
                          .max = 0.9,
                          .neutral = 1.0},
                .what = "requests a second, as the scenario has them; in a closed loop as they "
                        "were served last"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "busy.<app>",
                .number = "busy_share",
                .source = From::kBusy,
                .what = "share of the period in which requests were served"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "slowdown.<app>",
                .number = "slowdown",
                .source = From::kSlowdown,
                .scale = {.kind = Scale::Kind::kLog2, .divisor = 4.0},
                .what = "mean latency over the least seen with the same levels of the knobs"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "accuracy.<app>.limit",
                .number = "min_top1",
                .source = From::kLimit,
                .budget = BudgetId::Kind::kAccuracy,
                .scale = {.neutral = -0.1},
                .what = "accuracy budget: its floor"},
    FeatureKind{.of = FeatureOf::kApplication,
                .name = "accuracy.<app>.slack",
                .number = "accuracy_slack",
                .source = From::kSlack,
                .budget = BudgetId::Kind::kAccuracy,
                .scale = kAround0,
                .what = "(floor - accuracy) / floor over the window: below 0 while it is kept"},
    FeatureKind{.name = "power.limit",
                .number = "power_limit_w",
                .unit = "W",
                .source = From::kLimit,
                .budget = BudgetId::Kind::kPower,
                .scale = kPowerLimit,
                .what = "power budget: its limit"},
    FeatureKind{.name = "power.slack",
                .number = "power_slack",
                .source = From::kSlack,
                .budget = BudgetId::Kind::kPower,
                .scale = kAround0,
                .what = "(limit - power) / limit over the window: above 0 while it is kept"},
    FeatureKind{.name = "energy.limit",
                .number = "energy_limit_mj",
                .unit = "mJ",
                .source = From::kLimit,
                .budget = BudgetId::Kind::kEnergy,
                .scale = {.kind = Scale::Kind::kLog10,  // 1 uJ to 250 kJ.
                          .one = 1e3,
                          .divisor = 6.0,
                          .min = -1.0,
                          .max = 0.9,
                          .neutral = 1.0},
                .what = "energy budget: its limit for each request; none for a battery"},
    FeatureKind{.name = "energy.slack",
                .number = "energy_slack",
                .source = From::kSlack,
                .budget = BudgetId::Kind::kEnergy,
                .scale = kAround0,
                .what = "(limit - energy) / limit over the window; of a battery (allowance - "
                        "power) / allowance in the period"},
    FeatureKind{.name = "energy.allowance",
                .number = "allowance_w",
                .unit = "W",
                .source = From::kAllowance,
                .scale = kPowerLimit,
                .what = "battery: what it leaves for each second of the rest of its horizon"},
    FeatureKind{.name = "temperature.limit",
                .number = "temperature_limit_c",
                .unit = "degC",
                .source = From::kLimit,
                .budget = BudgetId::Kind::kTemperature,
                .scale = {.one = 150.0, .max = 0.95, .neutral = 1.0},
                .what = "temperature budget: its limit"},
    FeatureKind{.name = "temperature.slack",
                .number = "temperature_slack",
                .source = From::kSlack,
                .budget = BudgetId::Kind::kTemperature,
                .scale = kAround0,
                .what = "(limit - hottest) / limit in the period: above 0 while it is kept"},
};

Feature make_feature(const FeatureKind& kind, std::size_t index, const std::string& owner) {
  std::string name(kind.name);
  if (const auto open = name.find('<'); open != std::string::npos) {
    name.replace(open, name.find('>') - open + 1, owner);
  }
  return {.name = std::move(name),
          .number = std::string(kind.number),
          .unit = std::string(kind.unit),
          .source = {.kind = kind.source, .index = index, .budget = kind.budget},
          .scale = kind.scale};
}

bool is_seen(const SignalDescription& signal, const Quantity& quantity) {
  switch (quantity.sight.of) {
    case Sight::Of::kNone:
      return false;
    case Sight::Of::kWhole:
      return signal.name == quantity.name;
    case Sight::Of::kEach:
      return true;
    case Sight::Of::kHeat:
      return signal.is_heat;
  }
  return false;
}

void add_signals(const std::vector<SignalDescription>& signals, std::vector<Feature>& features) {
  for (const bool of_whole : {true, false}) {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      const SignalDescription& signal = signals[i];
      const Quantity* const quantity = find_quantity(signal.name);
      if (quantity != nullptr && (quantity->sight.of == Sight::Of::kWhole) == of_whole &&
          is_seen(signal, *quantity)) {
        features.push_back({.name = signal.name,
                            .number = std::string(quantity->name),
                            .unit = signal.unit,
                            .source = {.kind = From::kSignal, .index = i},
                            .scale = quantity->sight.scale});
      }
    }
  }
}

}  // namespace

std::span<const FeatureKind> feature_kinds() { return kFeatureKinds; }

ObservationSpec make_observation_spec(const std::vector<Knob>& knobs,
                                      const std::vector<std::string>& applications,
                                      const std::vector<SignalDescription>& signals) {
  std::vector<Feature> features;
  const auto add = [&features](FeatureOf of, std::size_t index, const std::string& owner) {
    for (const auto& kind : kFeatureKinds) {
      if (kind.of == of) {
        features.push_back(make_feature(kind, index, owner));
      }
    }
  };
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    add(FeatureOf::kKnob, i, knobs[i].name);
  }
  for (std::size_t i = 0; i < applications.size(); ++i) {
    add(FeatureOf::kApplication, i, applications[i]);
  }
  add(FeatureOf::kMachine, 0, "");
  add_signals(signals, features);
  return ObservationSpec(std::move(features));
}

}  // namespace rein
