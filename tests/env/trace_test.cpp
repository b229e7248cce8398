// A trace and what describes it: written, read back, and refused.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/random.hpp"
#include "common/statistics.hpp"
#include "env/trace_reader.hpp"
#include "env/trace_schema.hpp"
#include "env/trace_writer.hpp"
#include "platform/quantities.hpp"
#include "support/simulated_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

using Of = TraceColumn::Of;

// The page.

std::string docs_line(std::string_view name, std::string_view unit, std::string_view what) {
  return fmt::format("| `{}` | {}{}| {} |\n", name, unit, unit.empty() ? "" : " ", what);
}

std::string docs_name(const TraceColumn& column) {
  switch (column.of) {
    case Of::kApplication:
      return fmt::format("{}.<app>", column.name);
    case Of::kKnob:
    case Of::kMachineKnob:
      return fmt::format("{}<knob>", column.name);
    case Of::kRewardTerm:
      return fmt::format("{}<term>", column.name);
    case Of::kFeature:
      return fmt::format("{}<feature>", column.name);
    case Of::kPeriod:
    case Of::kLimit:
    case Of::kSignal:
      break;
  }
  return std::string(column.name);
}

std::string docs_of_signals() {
  std::string lines;
  for (const auto& quantity : quantities()) {
    const std::string_view unit = quantity.unit != "1"  ? quantity.unit
                                  : quantity.max == 1.0 ? "share"
                                                        : "";
    if (!quantity.whole.empty()) {
      lines += docs_line(quantity.name, unit, quantity.whole);
    }
    if (!quantity.each.empty()) {
      lines +=
          docs_line(fmt::format("{}.<{}>", quantity.name, quantity.behind), unit, quantity.each);
    }
  }
  return lines;
}

std::string docs_of_limits() {
  std::string lines;
  for (const auto& rule : budget_rules()) {
    if (!rule.column.name.empty()) {
      lines += docs_line(rule.column.name, rule.column.unit, rule.column.what);
    }
  }
  return lines;
}

std::string docs_table() {
  std::string lines = "| column | unit | what |\n| --- | --- | --- |\n";
  for (const auto& column : trace_columns()) {
    lines += column.of == Of::kSignal  ? docs_of_signals()
             : column.of == Of::kLimit ? docs_of_limits()
                                       : docs_line(docs_name(column), column.unit, column.what);
  }
  return lines;
}

DOCTEST_TEST_CASE("the table of docs/trace.md is the schema and the table of quantities") {
  // tests/golden/update.sh writes it anew.
  const std::string file = REIN_SOURCE_DIR "/docs/trace.md";
  std::string page = read_file(file);
  const std::size_t begin = page.find("| column |");
  DOCTEST_REQUIRE(begin != page.npos);
  const std::size_t length = page.find("\n\n", begin) + 1 - begin;
  if (std::getenv("REIN_UPDATE_GOLDEN") != nullptr) {
    page.replace(begin, length, docs_table());
    write_file(file, page);
    return;
  }
  DOCTEST_CHECK(page.substr(begin, length) == docs_table());
  for (const auto& column : trace_columns()) {
    // Nobody looks for a column of a trace from before it was there.
    const std::string name = fmt::format("`{}`", docs_name(column));
    const std::string older = page.substr(page.find("Version 1 "));
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK((older.find(name) != older.npos) == (column.since > 1));
  }
}

DOCTEST_TEST_CASE("each row of the schema can be, and its columns are found by their names") {
  std::set<std::string> names;
  for (const auto& column : trace_columns()) {
    const std::string name = docs_name(column);
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK((column.name.empty() || names.insert(name).second));
    DOCTEST_CHECK((column.get != nullptr));
    DOCTEST_CHECK_FALSE(column.what.empty());
    DOCTEST_CHECK(column.since <= TraceDescription::kVersion);
  }
  for (const auto& [name, of, member] : {std::tuple{"period", Of::kPeriod, ""},
                                         {"late.a.b", Of::kApplication, "a.b"},
                                         {"asked.frequency.big", Of::kKnob, "frequency.big"},
                                         {"width.app", Of::kKnob, "width.app"},
                                         {"granted.mapping.app", Of::kMachineKnob, "mapping.app"},
                                         {"power_w.A15", Of::kSignal, "power_w.A15"},
                                         {"power_w", Of::kSignal, "power_w"},
                                         {"reward_latency.app", Of::kRewardTerm, "latency.app"},
                                         {"observed.power_w", Of::kFeature, "power_w"}}) {
    const std::string shown = name;
    DOCTEST_CAPTURE(shown);
    const TraceColumn* const column = find_trace_column(name);
    DOCTEST_REQUIRE(column != nullptr);
    DOCTEST_CHECK(column->of == of);
    DOCTEST_CHECK((of == Of::kPeriod || member_of(*column, name) == member));
  }
  for (const std::string name : {"", "late", "lately.app", "depth.app", "asked.", "observed"}) {
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK(find_trace_column(name) == nullptr);
  }
  DOCTEST_CHECK(holds_names(*find_trace_column("asked.mapping.app"), "asked.mapping.app"));
  DOCTEST_CHECK_FALSE(holds_names(*find_trace_column("frequency.cpu"), "frequency.cpu"));
}

// There and back.

/// Two applications, each kind of knob, and names that a CSV and a YAML file have to quote.
TraceDescription two_applications() {
  const std::vector<std::string> applications = {"cam", "b, \"x\": #1"};
  TraceDescription description{.program = "1.2",
                               .seed = 7,
                               .period_s = 0.05,
                               .objective = {.kind = Objective::Kind::kMinEnergy,
                                             .reference = 12.5,
                                             .signal = PowerSignal::kOurs},
                               .power_signals = {PowerSignal::kOurs, PowerSignal::kMachine},
                               .applications = applications};
  for (std::size_t i = 0; i < applications.size(); ++i) {
    description.knobs.push_back({.name = "width." + applications[i],
                                 .unit = "1",
                                 .kind = Knob::Kind::kWidth,
                                 .levels = {{"0.25", 0.25}, {"narrow", 0.3333333333}, {"1.0", 1.0}},
                                 .application = i});
    description.knobs.push_back({.name = "mapping." + applications[i],
                                 .unit = "threads",
                                 .kind = Knob::Kind::kMapping,
                                 .levels = {{"1", 2.0}, {"2", 1.0}, {"a, \"b\"", 1.0}},
                                 .application = i});
  }
  description.knobs.push_back({.name = "frequency.big",
                               .unit = "MHz",
                               .kind = Knob::Kind::kFrequency,
                               .levels = {{"200", 200.0}, {"1400.5", 1400.5}},
                               .cpus = {4, 5}});
  description.knobs.push_back({.name = "bandwidth.a;b",
                               .unit = "CPUs",
                               .kind = Knob::Kind::kBandwidth,
                               .levels = {{"2", 0.1}, {"0.1", 2.0}}});
  for (const std::string name : {"power_w", "power_ours_w", "temperature_c.z,;1"}) {
    description.signals.push_back({.name = name,
                                   .unit = "as it is",
                                   .source = "x: \"y\"",
                                   .estimated = name == "power_ours_w",
                                   .is_heat = name.starts_with("temperature")});
  }
  for (const std::string name : {"one", "two.cam"}) {
    description.features.push_back({.name = name, .is = name + " = log10(x) / 4 in [-1, 1]"});
  }
  description.prices[BudgetId::Kind::kLatency] = 3.0;
  description.prices[BudgetId::Kind::kPower] = 0.0;
  description.reward_terms = {"objective", "latency.cam", "power"};
  return description;
}

/// Draws records that can be.
class RecordMaker {
 public:
  RecordMaker(const TraceDescription& of, Random& random) : of_(of), random_(random) {}

  PeriodRecord make(std::uint64_t episode, std::uint64_t index) {
    PeriodRecord record;
    record.episode = episode;
    record.index = index;
    for (std::size_t i = 0; i < of_.features.size(); ++i) {
      record.observation.push_back(number(-1.0, 1.0));
    }
    record.action = action();
    record.decision = {.action = maybe() ? record.action : action(),
                       .probability = number(1e-9, 1.0),
                       .exploration = number(0.0, 1.0),
                       .explored = maybe()};
    record.overruled = static_cast<Overruled>(random_.index(kNumOverruled));
    record.policy = maybe() ? "9f,\"00" : "";
    record.updates = random_.index(1'000'000);
    record.result.reward = number(-10.0, 1.0);
    record.deciding = Duration(static_cast<std::int64_t>(random_.index(1'000'000'000)));
    record.learning = Duration(static_cast<std::int64_t>(random_.index(1000)));
    fill(record.result.info, record.action);
    return record;
  }

 private:
  bool maybe() { return random_.index(2) == 0; }
  double number(double least, double most) { return least + (most - least) * random_.uniform(); }
  std::optional<double> maybe_number(double least, double most) {
    return maybe() ? std::optional(number(least, most)) : std::nullopt;
  }
  std::string text() {
    static const std::vector<std::string> texts = {"alone",  "a, \"b\"", "two\nlines",
                                                   "x;y\\z", " ",        "\xC3\xA9"};
    return texts[random_.index(texts.size())];
  }
  Action action() {
    Action levels;
    for (const auto& knob : of_.knobs) {
      levels.push_back(random_.index(knob.levels.size()));
    }
    return levels;
  }

  void fill(StepInfo& info, const Action& action) {
    info.time_s = number(0.0, 1e6);
    info.interval_s = number(0.0, 1.0);
    info.phase = maybe() ? text() : "";
    info.skipped_periods = random_.index(5);
    while (maybe()) {
      info.co_runners.push_back(text());
    }
    for (std::size_t i = 0; i < of_.knobs.size(); ++i) {
      const Knob& knob = of_.knobs[i];
      KnobGrant grant{.label = "", .level = action[i], .value = std::nullopt, .refused = maybe()};
      if (knob.kind == Knob::Kind::kMapping) {
        grant.level = random_.index(knob.levels.size());
      } else if (knob.kind == Knob::Kind::kWidth) {
        grant.refused = false;
      } else if (maybe()) {
        grant.level = random_.index(knob.levels.size());
        grant.value = knob.levels[grant.level].value * number(0.9999, 1.0001);
      }
      grant.label = knob.levels[grant.level].label;
      info.granted.push_back(grant);
    }
    fill(info.task);
    for (const auto& name : of_.applications) {
      info.applications.push_back({name, service()});
    }
    for (std::size_t i = 0; i < of_.signals.size(); ++i) {
      info.signals.push_back(maybe_number(-40.0, 1e5));
      if (maybe()) {
        info.stale.push_back(i);
      }
    }
    for (const auto& name : of_.reward_terms) {
      if (maybe()) {
        info.reward_terms.push_back({name, number(-4.0, 1.0)});
      }
    }
  }

  void fill(Task& task) {
    task.objective = of_.objective;
    task.prices = of_.prices;
    for (const auto& name : of_.applications) {
      ApplicationTask& each = task.applications.emplace_back();
      each.name = name;
      each.arrival = static_cast<RequestSpec::Arrival>(random_.index(3));
      each.rate_hz = maybe_number(1e-3, 1e4);
      if (maybe()) {
        each.latency = LatencyBudget{number(1e-3, 1e4), number(0.0, 1.0)};
      }
      if (maybe()) {
        each.accuracy = AccuracyBudget{number(0.0, 1.0), number(0.1, 9.0)};
      }
    }
    if (maybe()) {
      task.power = PowerBudget{number(1e-3, 1e3), number(0.1, 9.0), signal()};
    }
    if (maybe()) {
      task.energy = EnergyBudget{.window_s = number(0.1, 9.0), .signal = signal()};
      if (maybe()) {
        task.energy->limit_mj = number(1e-3, 1e6);
      } else {
        task.energy->total_j = number(1.0, 1e6);
        task.energy->horizon_s = number(1.0, 1e6);
        task.battery_allowance_w = maybe() ? number(0.0, 10.0) : 0.0;
      }
    }
    if (maybe()) {
      task.temperature = TemperatureBudget{number(20.0, 90.0)};
    }
  }
  PowerSignal signal() { return maybe() ? PowerSignal::kMachine : PowerSignal::kOurs; }

  ServiceReport service() {
    ServiceReport service{.arrived = random_.index(9),
                          .served = random_.index(6),
                          .dropped = random_.index(3),
                          .queued = random_.index(9),
                          .waited_ms = number(0.0, 50.0)};
    for (std::size_t i = 0; i < service.served; ++i) {
      service.latencies_ms.push_back(number(1.0, 1e3));
      service.busy_ms += number(0.1, 1.0);
      service.accuracy_sum += number(0.0, 1.0);
      service.late += maybe() ? 1 : 0;
      const std::size_t batch = random_.index(3);
      service.images += batch;
      service.correct += random_.index(batch + 1);
    }
    return service;
  }

  const TraceDescription& of_;
  Random& random_;
};

std::string write(const TraceDescription& description, const std::vector<PeriodRecord>& records) {
  std::ostringstream text;
  TraceWriter writer(description, text);
  for (const auto& record : records) {
    writer.write(record);
  }
  return text.str();
}

bool near(std::optional<double> one, std::optional<double> other) {
  return one.has_value() == other.has_value() &&
         (!one || *one == doctest::Approx(*other).epsilon(6e-9));
}

template <typename Budget, typename... Part>
void require_near(const std::optional<Budget>& one, const std::optional<Budget>& other,
                  Part... part) {
  DOCTEST_REQUIRE(one.has_value() == other.has_value());
  if (one) {
    DOCTEST_REQUIRE((near((*one).*part, (*other).*part) && ...));
  }
}

void require_same_task(const Task& one, const Task& other) {
  DOCTEST_REQUIRE(one.objective == other.objective);
  DOCTEST_REQUIRE(one.prices == other.prices);
  require_near(one.power, other.power, &PowerBudget::limit_w, &PowerBudget::window_s);
  DOCTEST_REQUIRE((!one.power || one.power->signal == other.power->signal));
  require_near(one.energy, other.energy, &EnergyBudget::limit_mj, &EnergyBudget::window_s,
               &EnergyBudget::total_j);
  DOCTEST_REQUIRE((!one.energy || one.energy->signal == other.energy->signal));
  DOCTEST_REQUIRE(near(one.battery_allowance_w, other.battery_allowance_w));
  require_near(one.temperature, other.temperature, &TemperatureBudget::limit_c);
  DOCTEST_REQUIRE(one.applications.size() == other.applications.size());
  for (std::size_t i = 0; i < one.applications.size(); ++i) {
    const ApplicationTask& mine = one.applications[i];
    const ApplicationTask& its = other.applications[i];
    DOCTEST_REQUIRE(mine.name == its.name);
    DOCTEST_REQUIRE(mine.arrival == its.arrival);
    DOCTEST_REQUIRE(near(mine.rate_hz, its.rate_hz));
    require_near(mine.latency, its.latency, &LatencyBudget::deadline_ms, &LatencyBudget::miss_rate);
    require_near(mine.accuracy, its.accuracy, &AccuracyBudget::min_top1, &AccuracyBudget::window_s);
  }
}

void require_same_service(const ServiceReport& one, const ServiceReport& other) {
  DOCTEST_REQUIRE(one.arrived == other.arrived);
  DOCTEST_REQUIRE(one.served == other.served);
  DOCTEST_REQUIRE(one.late == other.late);
  DOCTEST_REQUIRE(one.dropped == other.dropped);
  DOCTEST_REQUIRE(one.queued == other.queued);
  DOCTEST_REQUIRE(one.images == other.images);
  DOCTEST_REQUIRE(one.correct == other.correct);
  DOCTEST_REQUIRE(near(one.waited_ms, other.waited_ms));
  DOCTEST_REQUIRE(near(one.busy_ms, other.busy_ms));
  DOCTEST_REQUIRE(near(one.accuracy_sum, other.accuracy_sum));
  DOCTEST_REQUIRE(other.latencies_ms.empty());
  if (one.served > 0) {
    DOCTEST_REQUIRE(near(mean(one.latencies_ms), other.told.mean));
    DOCTEST_REQUIRE(near(quantile(one.latencies_ms, 0.95), other.told.p95));
  } else {
    DOCTEST_REQUIRE_FALSE(other.told.max);
  }
}

void require_same(const PeriodRecord& one, const PeriodRecord& other) {
  DOCTEST_REQUIRE(one.episode == other.episode);
  DOCTEST_REQUIRE(one.index == other.index);
  DOCTEST_REQUIRE(one.action == other.action);
  DOCTEST_REQUIRE(one.decision.action == other.decision.action);
  DOCTEST_REQUIRE(near(one.decision.probability, other.decision.probability));
  DOCTEST_REQUIRE(near(one.decision.exploration, other.decision.exploration));
  DOCTEST_REQUIRE(one.decision.explored == other.decision.explored);
  DOCTEST_REQUIRE(one.overruled == other.overruled);
  DOCTEST_REQUIRE(one.is_changed() == other.is_changed());
  DOCTEST_REQUIRE(one.policy == other.policy);
  DOCTEST_REQUIRE(one.updates == other.updates);
  DOCTEST_REQUIRE(one.deciding == other.deciding);
  DOCTEST_REQUIRE(one.learning == other.learning);
  DOCTEST_REQUIRE(near(one.result.reward, other.result.reward));
  DOCTEST_REQUIRE(std::ranges::equal(one.observation, other.observation,
                                     [](double mine, double its) { return near(mine, its); }));
  const StepInfo& mine = one.result.info;
  const StepInfo& its = other.result.info;
  DOCTEST_REQUIRE(near(mine.time_s, its.time_s));
  DOCTEST_REQUIRE(near(mine.interval_s, its.interval_s));
  DOCTEST_REQUIRE(mine.phase == its.phase);
  DOCTEST_REQUIRE(mine.co_runners == its.co_runners);
  DOCTEST_REQUIRE(mine.skipped_periods == its.skipped_periods);
  DOCTEST_REQUIRE(mine.stale == its.stale);
  DOCTEST_REQUIRE(std::ranges::equal(mine.signals, its.signals, near));
  DOCTEST_REQUIRE(std::ranges::equal(
      mine.reward_terms, its.reward_terms, [](const RewardTerm& term, const RewardTerm& its_term) {
        return term.name == its_term.name && near(term.value, its_term.value);
      }));
  DOCTEST_REQUIRE((its.granted.empty() ||
                   std::ranges::equal(mine.granted, its.granted,
                                      [](const KnobGrant& grant, const KnobGrant& its_grant) {
                                        return grant.label == its_grant.label &&
                                               grant.level == its_grant.level &&
                                               near(grant.value, its_grant.value) &&
                                               grant.refused == its_grant.refused;
                                      })));
  require_same_task(mine.task, its.task);
  DOCTEST_REQUIRE(mine.applications.size() == its.applications.size());
  for (std::size_t i = 0; i < mine.applications.size(); ++i) {
    DOCTEST_REQUIRE(mine.applications[i].name == its.applications[i].name);
    require_same_service(mine.applications[i].service, its.applications[i].service);
  }
}

DOCTEST_TEST_CASE("a trace is read back to the records that were written, whatever is in them") {
  const TraceDescription description = two_applications();
  const TemporaryFolder folder;
  const auto file = folder.path() / "trace.csv";
  description.write_beside(file);
  Random random(1);
  for (int round = 0; round < 30; ++round) {
    std::vector<PeriodRecord> records;
    RecordMaker maker(description, random);
    for (std::uint64_t i = 0; i < 20; ++i) {
      records.push_back(maker.make(i / 8, i % 8));
    }
    const std::string text = write(description, records);
    DOCTEST_REQUIRE(text.find("nan") == text.npos);
    write_file(file, text);
    const RecordedTrace read = read_trace(file);
    DOCTEST_REQUIRE(read.description.to_yaml() == description.to_yaml());
    DOCTEST_REQUIRE_FALSE(read.is_cut);
    DOCTEST_REQUIRE(read.records.size() == records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      require_same(records[i], read.records[i]);
      const bool is_followed = i % 8 != 7 && i + 1 < records.size();
      DOCTEST_REQUIRE(read.records[i].result.observation ==
                      (is_followed ? read.records[i + 1].observation : Observation{}));
    }
    DOCTEST_REQUIRE(write(read.description, read.records) == text);
  }
}

// Of a simulated board: what a run leaves.

class Recording {
 public:
  Recording() {
    Environment& environment = world_.environment();
    TraceDescription::of(environment).write_beside(file());
    std::ostringstream text;
    TraceWriter writer(environment, text);
    PeriodRecord record;
    record.observation = environment.reset(1);
    for (; record.index < 6; ++record.index) {
      record.action = environment.action_space().decode(record.index);
      record.decision.action = record.action;
      record.result = environment.step(record.action);
      writer.write(record);
      records_.push_back(record);
      record.observation = record.result.observation;
    }
    text_ = text.str();
    restore();
  }

  void restore() const { write_file(file(), text_); }
  std::filesystem::path file() const { return folder_.path() / "trace.csv"; }
  std::filesystem::path yaml() const { return folder_.path() / "trace.yaml"; }
  const std::string& text() const { return text_; }
  const std::vector<PeriodRecord>& records() const { return records_; }
  Environment& environment() { return world_.environment(); }

  RecordedTrace read() {
    return read_trace(file(), environment().action_space(), environment().observation_spec());
  }
  /// What it says without the folder; "" for nothing.
  std::string message(const std::function<void()>& read) {
    try {
      read();
      return "";
    } catch (const ConfigError& error) {
      std::string text = error.what();
      const std::string before = folder_.path().string() + "/";
      DOCTEST_CHECK(text.find('\n') == text.npos);
      for (std::size_t at = 0; (at = text.find(before)) != text.npos;) {
        text.erase(at, before.size());
      }
      return text;
    }
  }
  std::string message() {
    return message([this] { read(); });
  }
  /// Puts `to` for the first `from` in a file.
  static void edit(const std::filesystem::path& file, const std::string& from,
                   const std::string& to) {
    std::string text = read_file(file);
    const std::size_t at = text.find(from);
    DOCTEST_REQUIRE(at != text.npos);
    write_file(file, text.replace(at, from.size(), to));
  }
  std::string message_with(const std::string& from, const std::string& to) {
    restore();
    edit(file(), from, to);
    std::string told = message();
    restore();
    return told;
  }

 private:
  TemporaryFolder folder_;
  SimulatedWorld world_{SmallTask::make()};
  std::string text_;
  std::vector<PeriodRecord> records_;
};

/// The cell of the first row in this column, written anew.
std::string with_cell(const std::string& text, const std::string& column,
                      const std::string& value) {
  CsvTable table = parse_csv(text, "trace.csv");
  const auto at = std::ranges::find(table.columns, column) - table.columns.begin();
  DOCTEST_REQUIRE(at < static_cast<std::ptrdiff_t>(table.columns.size()));
  table.rows[0].cells[static_cast<std::size_t>(at)] = value;
  std::string result = csv_line(table.columns);
  for (const auto& row : table.rows) {
    result += csv_line(row.cells);
  }
  return result;
}

DOCTEST_TEST_CASE("what a simulated board did is read back, with a trace.yaml and without") {
  Recording recording;
  for (const bool described : {true, false}) {
    DOCTEST_CAPTURE(described);
    if (!described) {
      std::filesystem::remove(recording.yaml());
    }
    const RecordedTrace trace = recording.read();
    DOCTEST_CHECK(trace.description.version == (described ? 2 : 1));
    DOCTEST_REQUIRE(trace.records.size() == recording.records().size());
    for (std::size_t i = 0; i < trace.records.size(); ++i) {
      const PeriodRecord& mine = recording.records()[i];
      const PeriodRecord& read = trace.records[i];
      DOCTEST_CHECK(read.action == mine.action);
      require_same_service(mine.result.info.applications[0].service,
                           read.result.info.applications[0].service);
      DOCTEST_CHECK(std::ranges::equal(mine.result.info.signals, read.result.info.signals, near));
      DOCTEST_CHECK(
          near(mine.result.info.task.power->limit_w, read.result.info.task.power->limit_w));
      DOCTEST_CHECK(read.result.observation.empty() == (i + 1 == trace.records.size()));
    }
  }
  DOCTEST_CHECK(recording.message([&] { read_trace(recording.file()); }) ==
                "trace.csv: expected trace.yaml beside it, found none: a trace without one can be "
                "read for a run alone");
}

DOCTEST_TEST_CASE("a trace of version 1 had fewer columns and is still read") {
  Recording recording;
  std::filesystem::remove(recording.yaml());
  CsvTable table = parse_csv(recording.text(), "trace.csv");
  std::vector<std::size_t> kept;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (find_trace_column(table.columns[i])->since == 1) {
      kept.push_back(i);
      names.push_back(table.columns[i]);
    }
  }
  DOCTEST_CHECK(kept.size() < table.columns.size());
  std::string old = csv_line(names);
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    std::ranges::transform(kept, std::back_inserter(cells),
                           [&row](std::size_t i) { return row.cells[i]; });
    old += csv_line(cells);
  }
  write_file(recording.file(), old);
  const RecordedTrace trace = recording.read();
  DOCTEST_REQUIRE(trace.records.size() == 6);
  DOCTEST_CHECK(trace.records[1].decision.action == trace.records[1].action);
  DOCTEST_CHECK(trace.records[1].decision.probability == 1.0);
  DOCTEST_CHECK_FALSE(trace.records[1].result.observation.empty());
}

DOCTEST_TEST_CASE("a trace that a loss of power cut short lost the whole of it") {
  Recording recording;
  const std::string& text = recording.text();
  const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
  // Within a cell, so that it is another number; after a comma; in what the disk never got.
  for (const std::string& end :
       {text.substr(last, 30), text.substr(last, text.find(',', last) + 1 - last),
        text.substr(last, text.size() - last - 1), std::string(100, '\0')}) {
    write_file(recording.file(), text.substr(0, last) + end);
    const RecordedTrace trace = recording.read();
    DOCTEST_CHECK(trace.is_cut);
    DOCTEST_CHECK(trace.records.size() == 5);
  }
  write_file(recording.file(), text.substr(0, text.find('\n') + 1));
  DOCTEST_CHECK(recording.read().records.empty());
  write_file(recording.file(), text.substr(0, text.find('\n')));
  DOCTEST_CHECK(recording.read().records.empty());
  write_file(recording.file(), "");
  DOCTEST_CHECK(recording.message() ==
                "trace.csv:1: expected a header with the columns' names, found nothing");
  std::filesystem::remove(recording.file());
  DOCTEST_CHECK(recording.message() == "trace.csv: expected a trace.csv, found none");
}

DOCTEST_TEST_CASE("columns stand in any order, and those of a later rein are passed over") {
  Recording recording;
  CsvTable table = parse_csv(recording.text(), "trace.csv");
  const auto turned = [](std::vector<std::string> cells, const std::string& more) {
    std::ranges::reverse(cells);
    cells.insert(cells.begin() + 3, more);
    return csv_line(cells);
  };
  std::string text = turned(table.columns, "mood.app");
  for (const auto& row : table.rows) {
    text += turned(row.cells, "good");
  }
  const RecordedTrace straight = recording.read();
  write_file(recording.file(), text);
  const RecordedTrace trace = recording.read();
  DOCTEST_CHECK(write(trace.description, trace.records) ==
                write(straight.description, straight.records));
}

DOCTEST_TEST_CASE("what a trace can't hold is named with file, line and column") {
  Recording recording;
  const auto message = [&](const std::string& column, const std::string& value) {
    write_file(recording.file(), with_cell(recording.text(), column, value));
    return recording.message();
  };
  for (const auto& each : std::vector<std::array<std::string, 3>>{
           {"period", "-1", "a whole number from 0"},
           {"period", "", "a whole number from 0"},
           {"time_s", "nan", "a number from 0 to 1e+12"},
           {"power_w", "inf", "a number"},
           {"power_w", "1.5W", "a number"},
           {"reward", "", "a number"},
           {"late.app", "0.5", "a whole number from 0"},
           {"explored", "2", "0 or 1"},
           {"probability", "1.5", "a number from 0 to 1"},
           {"width.app", "0.7", "a level of this run (0.5, 1.0)"},
           {"width.app", "", "a level of this run (0.5, 1.0)"},
           {"asked.mapping.app", "gpu", "a level of this run (cpu0, all2)"},
           {"granted.mapping.app", "gpu", "a level of this run (cpu0, all2)"},
           {"granted.frequency.cpu", "fast", "a number"},
           {"refused", "width.other", "a knob of this run ("},
           {"stale", "power_w.gpu", "a signal of this trace ("},
           {"arrival.app", "daily", "one of periodic, poisson, closed_loop, recorded"},
           {"power_signal", "volts", "one of power_w, power_ours_w"},
           {"shield", "mood", "nothing or one of power, temperature"},
           {"observed.width.app", "", "a number"}}) {
    DOCTEST_CAPTURE(each[0]);
    const std::string told = message(each[0], each[1]);
    DOCTEST_CAPTURE(told);
    DOCTEST_CHECK(told.starts_with(fmt::format("trace.csv:2: {}: expected {}", each[0], each[2])));
    DOCTEST_CHECK(told.ends_with(fmt::format(", found '{}'", each[1])));
  }
}

DOCTEST_TEST_CASE("a trace of other knobs, features or scales is of another run") {
  Recording recording;
  DOCTEST_CHECK(recording.message().empty());
  DOCTEST_CHECK(
      recording.message_with(",width.app,", ",width.other,") ==
      "trace.csv: expected the column width.app that trace.yaml beside it tells of, found "
      "none");
  const std::string is = describe(recording.environment().observation_spec().features().front());
  Recording::edit(recording.yaml(), is, "width.app = log10(level)");
  DOCTEST_CHECK(recording.message() == "trace.yaml: features: expected '" + is +
                                           "' as in this run, found 'width.app = log10(level)'");
  // Without it, the header says what it is of.
  std::filesystem::remove(recording.yaml());
  DOCTEST_CHECK(recording.message_with("observed.width.app", "observed.height.app") ==
                "trace.csv: expected the features of this run, found the column "
                "observed.height.app");
  DOCTEST_CHECK(recording.message_with(",granted.frequency.cpu", ",granted.frequency.gpu") ==
                "trace.csv: expected the knobs of this run, found the column "
                "granted.frequency.gpu");
  DOCTEST_CHECK(recording.message_with(",width.app,", ",depth.app,") ==
                "trace.csv: expected the column width.app of this run, found none");
}

DOCTEST_TEST_CASE("a trace.yaml that can't be is one line") {
  Recording recording;
  const std::string good = read_file(recording.yaml());
  const auto message = [&](const std::string& from, const std::string& to) {
    write_file(recording.yaml(), good);
    Recording::edit(recording.yaml(), from, to);
    return recording.message();
  };
  DOCTEST_CHECK(message("version: 2", "version: 3\nrein: \"9.1\"") ==
                "trace.yaml:3:10: version: expected at most 2, found 3: the trace was written by a "
                "later rein, 9.1");
  DOCTEST_CHECK(message("version: 2\n", "").starts_with("trace.yaml:"));
  DOCTEST_CHECK(message("format: rein_trace", "format: cake") ==
                "trace.yaml:2:9: format: expected one of rein_trace, found 'cake'");
  DOCTEST_CHECK(message("kind: width", "kind: depth").find("kind: expected one of width") !=
                std::string::npos);
  DOCTEST_CHECK(message("    application: 0", "    application: 1").find("application: expected") !=
                std::string::npos);
  DOCTEST_CHECK(message("name: mapping.app", "name: width.app").find("that no other has") !=
                std::string::npos);
  DOCTEST_CHECK(message("period_s: ", "period_s: x").find("period_s: expected") !=
                std::string::npos);
  // What it does not know is of a later program.
  DOCTEST_CHECK(message("seed: ", "mood: good\nseed: ").empty());
  write_file(recording.yaml(), "");
  DOCTEST_CHECK(recording.message().starts_with("trace.yaml:"));
}

DOCTEST_TEST_CASE("a YAML file of the same name beside a trace of another name was taken for its") {
  Recording recording;
  const auto other = recording.file().parent_path() / "board.csv";
  write_file(other, recording.text());
  write_file(recording.file().parent_path() / "board.yaml", "name: board\n");
  Environment& environment = recording.environment();
  const auto read = [&] {
    return read_trace(other, environment.action_space(), environment.observation_spec());
  };
  DOCTEST_CHECK(read().description.version == 1);
  write_file(recording.file().parent_path() / "board.yaml", read_file(recording.yaml()));
  DOCTEST_CHECK(read().description.version == 2);
}

}  // namespace
}  // namespace rein
