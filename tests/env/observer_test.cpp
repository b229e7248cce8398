// What agents see, against the page that says so, against readings by hand, and over whatever a
// machine may show and a user ask for.
#include "env/observer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <sstream>

#include "common/files.hpp"
#include "env/feature_table.hpp"
#include "platform/quantities.hpp"
#include "support/fake_world.hpp"

namespace rein {
namespace {

/// Two applications on a machine, of which everything can be set.
struct Machine {
  static ActionSpace knobs() {
    return ActionSpace(
        {{"width.a", "1", Knob::Kind::kWidth, {{"0.5"}, {"1.0"}}},
         {"mapping.a", "", Knob::Kind::kMapping, {{"only"}}},
         {"frequency.cpu", "MHz", Knob::Kind::kFrequency, {{"1"}, {"2"}, {"3"}, {"4"}, {"5"}}}});
  }
  static std::vector<SignalDescription> machine_signals() {
    return {{"cpu_others_share.cpu0", "1", ""},
            {"power_w.rail", "W", ""},  // No agent sees a rail.
            {"temperature_c.soc", "degC", "", false, true},
            {"temperature_c.air", "degC", ""},  // Does not count.
            {"pressure_cpu_share", "1", ""},
            {"power_w", "W", ""},
            {"unheard_of", "1", ""}};
  }

  Machine() : observer(actions, {{"a", 4}, {"b", 8}}, signals, 100.0) {
    task.applications.resize(2);
    applications = {{"a", {}}, {"b", {}}};
  }

  Observation see() {
    Observation observation;
    observer.observe({levels, task, applications, readings, statuses}, observation);
    return observation;
  }
  double see(const std::string& name) {
    const auto& features = observer.spec().features();
    const auto found = std::ranges::find(features, name, &Feature::name);
    DOCTEST_REQUIRE(found != features.end());
    return see()[static_cast<std::size_t>(found - features.begin())];
  }
  const Scale& scale(const std::string& name) const {
    return std::ranges::find(observer.spec().features(), name, &Feature::name)->scale;
  }

  ActionSpace actions = knobs();
  std::vector<SignalDescription> signals = machine_signals();
  Observer observer;
  std::vector<std::size_t> levels = {0, 0, 0};
  Task task;
  std::vector<ApplicationInfo> applications;
  std::vector<std::optional<double>> readings = std::vector<std::optional<double>>(signals.size());
  std::vector<BudgetStatus> statuses;
};

std::string docs_line(std::string_view names, std::string_view unit, std::string_view what,
                      const Scale& scale) {
  return fmt::format("| `{}` | {} | {} | {} | {} to {} | {} |", names, unit, what,
                     formula(scale, "x"), scale.min, scale.max, scale.neutral);
}

std::vector<std::string> docs_lines() {
  std::vector<std::string> lines;
  for (const auto& kind : feature_kinds()) {
    lines.push_back(docs_line(kind.name, kind.unit, kind.what, kind.scale));
  }
  for (const bool of_whole : {true, false}) {
    for (const auto& quantity : quantities()) {
      const auto of = quantity.sight.of;
      if (of == Sight::Of::kNone || (of == Sight::Of::kWhole) != of_whole) {
        continue;
      }
      std::vector<std::string> names;
      if (of != Sight::Of::kHeat && !quantity.whole.empty()) {
        names.emplace_back(quantity.name);
      }
      if (of != Sight::Of::kWhole && !quantity.behind.empty()) {
        names.push_back(fmt::format("{}.<{}>", quantity.name, quantity.behind));
      }
      lines.push_back(
          docs_line(fmt::format("{}", fmt::join(names, "`, `")), quantity.unit,
                    of == Sight::Of::kHeat
                        ? "the signal, where it [counts](boards.md#which-temperatures-count)"
                        : "the signal",
                    quantity.sight.scale));
    }
  }
  return lines;
}

DOCTEST_TEST_CASE("docs/observation.md lists the features as the tables have them") {
  std::istringstream page(read_file(REIN_SOURCE_DIR "/docs/observation.md"));
  std::vector<std::string> found;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `")) {
      found.push_back(line);
    }
  }
  DOCTEST_CHECK(fmt::format("{}", fmt::join(found, "\n")) ==
                fmt::format("{}", fmt::join(docs_lines(), "\n")));
}

DOCTEST_TEST_CASE(
    "features come by knobs, applications, budgets, the whole machine and its parts") {
  const Machine machine;
  std::vector<std::string> names;
  for (const auto& feature : machine.observer.spec().features()) {
    names.push_back(feature.name);
  }
  DOCTEST_CHECK(fmt::format("{}", fmt::join(names, " ")) ==
                "width.a mapping.a frequency.cpu "
                "deadline.a miss_rate.a latency.a miss_share.a queue.a arrival_rate.a busy.a "
                "slowdown.a accuracy.a.limit accuracy.a.slack "
                "deadline.b miss_rate.b latency.b miss_share.b queue.b arrival_rate.b busy.b "
                "slowdown.b accuracy.b.limit accuracy.b.slack "
                "power.limit power.slack energy.limit energy.slack energy.allowance "
                "temperature.limit temperature.slack "
                "power_w cpu_others_share.cpu0 temperature_c.soc pressure_cpu_share");
}

DOCTEST_TEST_CASE("every feature can be, and its numbers say so") {
  const Machine machine;
  std::set<std::string> names;
  for (const auto& feature : machine.observer.spec().features()) {
    DOCTEST_CAPTURE(feature.name);
    DOCTEST_CHECK(names.insert(feature.name).second);
    DOCTEST_CHECK(feature.name.find_first_of("<>") == std::string::npos);
    DOCTEST_CHECK_FALSE(feature.unit.empty());
    DOCTEST_CHECK_FALSE(feature.number.empty());
    const Scale& scale = feature.scale;
    DOCTEST_CHECK(scale.one > 0.0);
    DOCTEST_CHECK(scale.divisor > 0.0);
    DOCTEST_CHECK(scale.min < scale.max);
    // What agents scale further is told to be within these.
    DOCTEST_CHECK(scale.least() >= -1.0);
    DOCTEST_CHECK(scale.most() <= 1.0);
  }
  for (const auto& kind : feature_kinds()) {
    DOCTEST_CAPTURE(kind.name);
    DOCTEST_CHECK_FALSE(kind.what.empty());
    DOCTEST_CHECK((kind.name.find("<app>") != std::string_view::npos) ==
                  (kind.of == FeatureKind::Of::kApplication));
    // Nothing that can be asked for is taken for nothing asked for.
    const bool is_asked_for = kind.source == Source::Kind::kDeadline ||
                              kind.source == Source::Kind::kLimit ||
                              kind.source == Source::Kind::kAllowance;
    DOCTEST_CHECK((!is_asked_for || kind.scale.neutral > kind.scale.max ||
                   kind.scale.neutral < kind.scale.min));
  }
  // What is measured is on the scale of its limit.
  const auto is_alike = [&](const std::string& one, const std::string& other) {
    const Scale& here = machine.scale(one);
    const Scale& there = machine.scale(other);
    return here.kind == there.kind && here.one == there.one && here.divisor == there.divisor;
  };
  DOCTEST_CHECK(is_alike("power.limit", "power_w"));
  DOCTEST_CHECK(is_alike("power.limit", "energy.allowance"));
  DOCTEST_CHECK(is_alike("temperature.limit", "temperature_c.soc"));
}

DOCTEST_TEST_CASE("every feature by hand") {
  Machine machine;
  machine.levels = {1, 0, 3};
  ApplicationTask& asked = machine.task.applications[1];
  asked.latency = LatencyBudget{.deadline_ms = 10.0, .miss_rate = 0.1};
  asked.accuracy = AccuracyBudget{.min_top1 = 0.7};
  asked.rate_hz = 1000.0;
  machine.task.power = PowerBudget{.limit_w = 1.0};
  machine.task.energy = EnergyBudget{.limit_mj = 10.0, .total_j = std::nullopt};
  machine.task.temperature = TemperatureBudget{75.0};
  machine.statuses = {{{BudgetId::Kind::kAccuracy, 1}, "", 0.8, 0.6},
                      {{BudgetId::Kind::kPower}, "", 4.0, 5.0},
                      {{BudgetId::Kind::kEnergy}, "", 10.0, 5.0},
                      {{BudgetId::Kind::kTemperature}, "", 80.0, 60.0}};
  ServiceReport& service = machine.applications[1].service;
  service.served = 3;
  service.late = 1;
  service.dropped = 1;
  service.queued = 2;
  service.busy_ms = 25.0;
  service.latencies_ms = {2.0, 12.0, 4.0};
  machine.readings = {0.5, 8.0, 60.0, 90.0, 0.25, 100.0, 3.0};
  DOCTEST_CHECK(machine.see("width.a") == 1.0);
  DOCTEST_CHECK(machine.see("mapping.a") == 0.0);
  DOCTEST_CHECK(machine.see("frequency.cpu") == 0.75);
  DOCTEST_CHECK(machine.see("deadline.b") == doctest::Approx(-0.5));
  DOCTEST_CHECK(machine.see("miss_rate.b") == doctest::Approx(0.25));
  DOCTEST_CHECK(machine.see("latency.b") == doctest::Approx(0.6));
  DOCTEST_CHECK(machine.see("miss_share.b") == 0.5);
  DOCTEST_CHECK(machine.see("queue.b") == 0.25);
  DOCTEST_CHECK(machine.see("arrival_rate.b") == doctest::Approx(0.25));
  DOCTEST_CHECK(machine.see("busy.b") == 0.25);
  DOCTEST_CHECK(machine.see("accuracy.b.limit") == 0.7);
  DOCTEST_CHECK(machine.see("accuracy.b.slack") == doctest::Approx(0.25));
  DOCTEST_CHECK(machine.see("power.limit") == doctest::Approx(-0.25));
  DOCTEST_CHECK(machine.see("power.slack") == -0.25);
  DOCTEST_CHECK(machine.see("energy.limit") == doctest::Approx(-1.0 / 3.0));
  DOCTEST_CHECK(machine.see("energy.slack") == 0.5);
  DOCTEST_CHECK(machine.see("temperature.limit") == 0.5);
  DOCTEST_CHECK(machine.see("temperature.slack") == 0.25);
  DOCTEST_CHECK(machine.see("power_w") == doctest::Approx(0.25));
  DOCTEST_CHECK(machine.see("cpu_others_share.cpu0") == 0.5);
  DOCTEST_CHECK(machine.see("temperature_c.soc") == 0.4);
  DOCTEST_CHECK(machine.see("pressure_cpu_share") == 0.25);
  machine.task.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = 5.0, .horizon_s = 1.0};
  machine.task.battery_allowance_w = 100.0;
  DOCTEST_CHECK(machine.see("energy.allowance") == doctest::Approx(0.25));
  DOCTEST_CHECK(machine.see("energy.limit") == 1.0);
  // The mean was 6 ms with these levels; of others nothing is known.
  DOCTEST_CHECK(machine.see("slowdown.b") == 0.0);
  service.latencies_ms = {12.0, 12.0, 12.0};
  DOCTEST_CHECK(machine.see("slowdown.b") == doctest::Approx(0.25));
  machine.levels[2] = 1;
  DOCTEST_CHECK(machine.see("slowdown.b") == 0.0);
  machine.levels[2] = 3;
  machine.observer.reset();
  DOCTEST_CHECK(machine.see("slowdown.b") == 0.0);
  // And nothing of it is the other application's.
  DOCTEST_CHECK(machine.see("deadline.a") == 1.0);
  DOCTEST_CHECK(machine.see("accuracy.a.limit") == -0.1);
  DOCTEST_CHECK(machine.see("accuracy.a.slack") == 0.0);
  DOCTEST_CHECK(machine.see("busy.a") == 0.0);
}

/// Draws whatever there can be, and what there cannot.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  bool flip() { return random_.uniform() < 0.5; }
  /// Over all that a configuration may have.
  double in(const Range& range) {
    const double low = std::max(range.min, 1e-9);
    return low * std::pow(range.max / low, random_.uniform());
  }
  std::optional<double> reading() {
    constexpr std::array<double, 9> kOdd = {0.0,    -0.0, -1.0,   1e-300, 1e300,
                                            -1e300, 1e12, -273.0, 1.0};
    switch (random_.index(4)) {
      case 0:
        return std::nullopt;
      case 1:
        return kOdd[random_.index(kOdd.size())];
      case 2:
        return random_.uniform();
      default:
        return 1e3 * random_.uniform();
    }
  }
  std::size_t count(std::size_t most) { return random_.index(most + 1); }

  void all_of(Machine& machine) {
    for (std::size_t i = 0; i < machine.levels.size(); ++i) {
      machine.levels[i] = random_.index(machine.actions.knobs()[i].levels.size());
    }
    for (std::size_t i = 0; i < 2; ++i) {
      ApplicationTask& task = machine.task.applications[i];
      task = {};
      if (flip()) {
        task.latency = LatencyBudget{in(Range::milliseconds()), flip() ? random_.uniform() : 0.0};
      }
      if (flip()) {
        task.accuracy = AccuracyBudget{.min_top1 = flip() ? random_.uniform() : 0.0};
      }
      if (flip()) {
        task.rate_hz = in(Range::hertz());
      }
      ServiceReport& service = machine.applications[i].service;
      service.clear();
      service.served = count(3);
      service.dropped = count(1);
      service.late = count(service.served);
      service.queued = count(9);
      for (std::size_t request = 0; request < service.served; ++request) {
        service.latencies_ms.push_back(in(Range::milliseconds()));
        service.busy_ms += service.latencies_ms.back();
      }
    }
    Task& task = machine.task;
    task.power.reset();
    task.energy.reset();
    task.temperature.reset();
    task.battery_allowance_w.reset();
    if (flip()) {
      task.power = PowerBudget{.limit_w = in(Range::watts())};
    }
    if (flip()) {
      task.energy = EnergyBudget{.limit_mj = in(Range::millijoules()), .total_j = std::nullopt};
    } else if (flip()) {
      task.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = in(Range::joules())};
      task.battery_allowance_w = flip() ? in(Range::joules()) : 0.0;
    }
    if (flip()) {
      task.temperature = TemperatureBudget{150.0 * random_.uniform()};
    }
    std::vector<BudgetInForce> budgets;
    find_budgets(task, budgets);
    machine.statuses.clear();
    for (const auto& budget : budgets) {
      machine.statuses.push_back({budget.id(), "", budget.limit, reading()});
    }
    std::ranges::generate(machine.readings, [this] { return reading(); });
  }

 private:
  Random random_;
};

DOCTEST_TEST_CASE(
    "whatever is shown and asked for, features are finite, in their range, and neutral "
    "without a reading") {
  Machine machine;
  Draw draw(1);
  const auto& features = machine.observer.spec().features();
  std::vector<std::size_t> neutral(features.size(), 0);
  std::vector<std::size_t> others(features.size(), 0);
  for (int i = 0; i < 20'000; ++i) {
    draw.all_of(machine);
    const Observation seen = machine.see();
    const auto has_status = [&](const Source& source) {
      return std::ranges::any_of(machine.statuses, [&](const BudgetStatus& status) {
        const bool is_empty = source.budget == BudgetId::Kind::kEnergy && status.limit <= 0.0;
        return status.id == BudgetId{source.budget, source.index} && (status.value || is_empty);
      });
    };
    const auto has_reading = [&](const Source& source) {
      const Task& task = machine.task;
      const bool is_applications = source.index < 2;
      const ApplicationTask& asked = task.applications[is_applications ? source.index : 0];
      const ServiceReport& service =
          machine.applications[is_applications ? source.index : 0].service;
      switch (source.kind) {
        case Source::Kind::kLevel:
        case Source::Kind::kQueue:
        case Source::Kind::kBusy:
          return true;
        case Source::Kind::kDeadline:
          return asked.latency.has_value();
        case Source::Kind::kLimit:
          switch (source.budget) {
            case BudgetId::Kind::kLatency:
              return asked.latency.has_value();
            case BudgetId::Kind::kAccuracy:
              return asked.accuracy.has_value();
            case BudgetId::Kind::kPower:
              return task.power.has_value();
            case BudgetId::Kind::kEnergy:
              return task.energy && task.energy->limit_mj;
            case BudgetId::Kind::kTemperature:
              return task.temperature.has_value();
          }
          return false;
        case Source::Kind::kSlack:
          return has_status(source);
        case Source::Kind::kAllowance:
          return task.battery_allowance_w.has_value();
        case Source::Kind::kLatency:
          return asked.latency && service.served > 0;
        case Source::Kind::kMissShare:
          return service.requests() > 0;
        case Source::Kind::kRate:
          return asked.rate_hz.has_value();
        case Source::Kind::kSlowdown:
          return service.served > 0;
        case Source::Kind::kSignal:
          return machine.readings[source.index].has_value();
      }
      return false;
    };
    for (std::size_t j = 0; j < features.size(); ++j) {
      const Scale& scale = features[j].scale;
      const bool is_read = has_reading(features[j].source);
      const bool is_right =
          std::isfinite(seen[j]) &&
          (is_read ? seen[j] >= scale.min && seen[j] <= scale.max : seen[j] == scale.neutral);
      if (!is_right) {
        DOCTEST_FAIL_CHECK(features[j].name << " = " << seen[j] << " with reading " << is_read);
      }
      ++(is_read ? others : neutral)[j];
    }
  }
  for (std::size_t j = 0; j < features.size(); ++j) {
    DOCTEST_CAPTURE(features[j].name);
    DOCTEST_CHECK(others[j] > 1000);
    const auto kind = features[j].source.kind;
    const bool is_always_there =
        kind == Source::Kind::kLevel || kind == Source::Kind::kQueue || kind == Source::Kind::kBusy;
    DOCTEST_CHECK((is_always_there || neutral[j] > 1000));
  }
}

DOCTEST_TEST_CASE(
    "limits below 1 W, 1 ms or 1 mJ, an empty battery, rates below 1 Hz and deadlines from 10 s "
    "were other numbers, or no budget, to agents that decide on the observation") {
  struct Asked {
    const char* feature;
    std::vector<double> numbers;  ///< That differ, ascending ...
    double first;                 ///< ... as do all of these in steps of a fiftieth.
    double last;
    std::function<void(Task&, double)> ask;
  };
  const std::vector<Asked> all = {
      {"power.limit",
       {0.001, 0.05, 0.5, 1.0, 2.0, 2000.0, 10e3},
       0.001,
       10e3,
       [](Task& task, double number) { task.power = PowerBudget{.limit_w = number}; }},
      {"deadline.a",
       {0.1, 0.5, 1.0, 10e3, 20e3, 60e3, 1e6, 3.6e6},
       0.1,
       3.6e6,
       [](Task& task, double number) {
         task.applications[0].latency = LatencyBudget{.deadline_ms = number};
       }},
      {"energy.limit",
       {0.001, 0.5, 1.0, 2.0, 10e6},
       0.001,
       10e6,
       [](Task& task, double number) {
         task.energy = EnergyBudget{.limit_mj = number, .total_j = std::nullopt};
       }},
      {"energy.allowance",
       {0.0, 0.01, 0.5, 1.0, 2000.0},
       0.0011,
       10e3,
       [](Task& task, double number) {
         task.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = 5.0, .horizon_s = 1.0};
         task.battery_allowance_w = number;
       }},
      {"arrival_rate.b",
       {0.01, 0.1, 1.0, 1e4, 1e5},
       0.01,
       1e5,
       [](Task& task, double number) { task.applications[1].rate_hz = number; }},
      {"miss_rate.b",
       {0.0, 1e-5, 1e-3, 0.01, 0.1, 1.0},
       1.1e-6,
       1.0,
       [](Task& task, double number) {
         task.applications[1].latency = LatencyBudget{.deadline_ms = 5.0, .miss_rate = number};
       }},
      {"accuracy.a.limit",
       {0.0, 1e-3, 0.5, 0.999, 1.0},
       1e-3,
       1.0,
       [](Task& task, double number) {
         task.applications[0].accuracy = AccuracyBudget{.min_top1 = number};
       }},
      {"temperature.limit",
       {0.0, 45.0, 80.0, 120.0, 142.0},
       20.0,
       142.0,
       [](Task& task, double number) { task.temperature = TemperatureBudget{number}; }},
  };
  for (const auto& asked : all) {
    DOCTEST_CAPTURE(asked.feature);
    Machine machine;
    const double none = machine.see(asked.feature);
    DOCTEST_CHECK(none == machine.scale(asked.feature).neutral);
    double before = -2.0;
    const auto check_above = [&](double number) {
      asked.ask(machine.task, number);
      const double seen = machine.see(asked.feature);
      DOCTEST_CAPTURE(number);
      DOCTEST_REQUIRE(seen > before);
      DOCTEST_REQUIRE(seen != none);
      before = seen;
    };
    for (const double number : asked.numbers) {
      check_above(number);
    }
    before = -2.0;
    for (double number = asked.first; number <= asked.last; number *= 1.02) {
      check_above(number);
    }
  }
}

DOCTEST_TEST_CASE("what is below and above all scales is their least and most, never none") {
  Machine machine;
  machine.task.power = PowerBudget{.limit_w = 1e-6};
  DOCTEST_CHECK(machine.see("power.limit") == -1.0);
  machine.task.power->limit_w = 1e6;
  DOCTEST_CHECK(machine.see("power.limit") == 0.9);
  machine.task.applications[0].latency = LatencyBudget{.deadline_ms = 1e-6};
  DOCTEST_CHECK(machine.see("deadline.a") == -1.0);
  machine.readings[5] = 0.0;
  DOCTEST_CHECK(machine.see("power_w") == -0.9);
  machine.readings[5].reset();
  DOCTEST_CHECK(machine.see("power_w") == -1.0);
}

DOCTEST_TEST_CASE("an empty battery had the slack of one that is used as it may be") {
  Machine machine;
  const BudgetId energy{BudgetId::Kind::kEnergy};
  machine.statuses = {{energy, "energy", 2.0, 2.0}};
  DOCTEST_CHECK(machine.see("energy.slack") == 0.0);
  machine.statuses = {{energy, "energy", 0.0, 2.0}};
  DOCTEST_CHECK(machine.see("energy.slack") == -1.0);
  machine.statuses = {{energy, "energy", 0.0, std::nullopt}};
  DOCTEST_CHECK(machine.see("energy.slack") == -1.0);
}

DOCTEST_TEST_CASE("a limit in a file is seen by whoever decides on the observation") {
  const auto seen = [](const std::string& budgets) {
    FakeWorld world("name: s\nphases: [{name: a, duration_s: 1, budgets: {" + budgets + "}}]\n");
    return world.environment.reset(1);
  };
  const std::vector<Observation> all = {seen(""),
                                        seen("power: {limit_w: 0.5}"),
                                        seen("power: {limit_w: 1}"),
                                        seen("power: {limit_w: 0.05}"),
                                        seen("latency: {deadline_ms: 0.5}"),
                                        seen("latency: {deadline_ms: 1}"),
                                        seen("latency: {deadline_ms: 10000}"),
                                        seen("latency: {deadline_ms: 60000}"),
                                        seen("energy: {limit_mj: 0.5}"),
                                        seen("energy: {limit_mj: 1}"),
                                        seen("energy: {total_j: 0.5, horizon_s: 100}"),
                                        seen("energy: {total_j: 0.5, horizon_s: 50}")};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      DOCTEST_CAPTURE(i);
      DOCTEST_CAPTURE(j);
      DOCTEST_CHECK(all[i] != all[j]);
    }
  }
}

DOCTEST_TEST_CASE("a feature is described on one line, with all that it relies on") {
  const Machine machine;
  const auto lines = describe(machine.observer.spec());
  DOCTEST_REQUIRE(lines.size() == machine.observer.spec().size());
  DOCTEST_CHECK(lines[0] == "width.a = level in [0, 1], else 0");
  DOCTEST_CHECK(lines[3] == "deadline.a = log10(deadline_ms / 1000) / 4 in [-1, 0.9], else 1");
  DOCTEST_CHECK(lines[5] == "latency.a = p95_deadlines / 2 in [0, 1], else 0");
  DOCTEST_CHECK(lines[30] == "power_w = log10(power_w / 10) / 4 in [-0.9, 1], else -1");
  DOCTEST_CHECK(lines[32] == "temperature_c.soc = temperature_c / 150 in [0, 1], else 0");
  DOCTEST_CHECK(std::set(lines.begin(), lines.end()).size() == lines.size());
  for (const auto& line : lines) {
    DOCTEST_CHECK(line.find('\n') == std::string::npos);
  }
}

DOCTEST_TEST_CASE("two features that differ in any number are described differently") {
  const Feature feature{.name = "f", .number = "x_w", .unit = "W", .source = {}, .scale = {}};
  std::set<std::string> lines = {describe(feature)};
  const auto change = [&](const auto& by) {
    Feature changed = feature;
    by(changed);
    DOCTEST_CHECK(lines.insert(describe(changed)).second);
  };
  change([](Feature& f) { f.name = "g"; });
  change([](Feature& f) { f.number = "x_mw"; });
  change([](Feature& f) { f.scale.kind = Scale::Kind::kLog2; });
  change([](Feature& f) { f.scale.kind = Scale::Kind::kLog10; });
  change([](Feature& f) { f.scale.one = 10.0; });
  change([](Feature& f) { f.scale.divisor = std::nextafter(1.0, 2.0); });
  change([](Feature& f) { f.scale.min = -1.0; });
  change([](Feature& f) { f.scale.max = 0.9; });
  change([](Feature& f) { f.scale.neutral = std::nextafter(0.0, 1.0); });
}

}  // namespace
}  // namespace rein
