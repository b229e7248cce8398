#include "study/suite/held_out.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/error.hpp"
#include "common/yaml_text.hpp"
#include "env/recorded_arrivals.hpp"
#include "platform/simulated/simulated_board.hpp"
#include "study/run/run_config.hpp"
#include "study/suite/boards.hpp"
#include "study/suite/configurations.hpp"
#include "study/suite/drawn_board.hpp"
#include "study/suite/grammar.hpp"

namespace rein::suite {

namespace {

constexpr const char* kOrigin = "a drawn world";

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): neighbours become far apart.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

enum class Purpose : std::uint64_t { kKinds = 1, kWorld = 2 };

std::uint64_t seed_of(Purpose purpose, std::uint64_t seed, std::size_t index) {
  return mix(mix(mix(static_cast<std::uint64_t>(purpose)) ^ seed) ^ index);
}

/// As many cards as kinds are dealt, then again.
const Kind& kind_of(std::uint64_t seed, std::size_t index) {
  Random random(seed_of(Purpose::kKinds, seed, index / kKinds.size()));
  std::vector<std::size_t> cards(kKinds.size());
  for (std::size_t i = 0; i < cards.size(); ++i) {
    cards[i] = i;
    std::swap(cards[i], cards[random.index(i + 1)]);
  }
  return kKinds[cards[index % cards.size()]];
}

/// What was drawn so far.
struct Draft {
  Random& random;
  const Kind& kind;
  std::string name;
  DrawnBoard board;

  std::string work_kind;
  std::vector<std::string> places;
  std::string frequencies;  ///< Of `controls`: a mapping.
  struct Level {
    double width = 1.0;
    double top1 = 0.0;
    double mflops = 0.0;
  };
  std::vector<Level> levels;
  double cpu_sensitivity = 1.0;
  double gpu_sensitivity = 1.0;
  double memory_sensitivity = 1.0;
  double switch_ms = 0.0;

  std::string arrival;
  std::vector<double> arrivals_s;  ///< Of a recording.
  double from_s = 0.0;             ///< Where it begins in it.
  double gap_ms = 0.0;
  double deadline_ms = 0.0;
  double miss_rate = 0.01;
  std::size_t batch = 1;
  std::size_t queue_limit = 4;
  bool drops_expired = true;
  double period_ms = 100.0;
  double duration_s = 30.0;

  std::vector<std::string> co_runners;  ///< Names are their numbers.
  struct Phase {
    double duration_s = 0.0;
    std::vector<std::size_t> co_runners;
    double rate = 1.0;
    double deadline = 1.0;
    double power = 1.0;
    std::optional<double> ambient_c;
  };
  std::vector<Phase> phases;

  std::string objective = "max_accuracy";
  std::string prices;
  std::vector<std::string> budgets;  ///< Beside latency's.
};

bool is(const Draft& draft, std::string_view kind) { return draft.kind.name == kind; }

std::string number(double value) { return fmt::format("{:.4g}", value); }

/// To tenths of a second, as durations are written.
double tenths(double seconds) { return std::round(10.0 * seconds) / 10.0; }

// What there is.

/// Domains that a place of the list computes on.
std::vector<DomainSpec> domains_of(const Board& board, const std::vector<std::string>& places) {
  std::vector<DomainSpec> domains;
  for (const auto& device : board.simulation->devices) {
    const auto domain = *std::ranges::find(board.domains, device.domain, &DomainSpec::name);
    const bool is_used = std::ranges::any_of(board.places, [&](const Place& place) {
      return std::ranges::count(places, place.name) > 0 &&
             (device.kind == DeviceKind::kGpu
                  ? place.device == "gpu"
                  : std::ranges::find_first_of(domain.cpus, place.cpus) != domain.cpus.end());
    });
    if (is_used && device.kind != DeviceKind::kMemory) {
      domains.push_back(domain);
    }
  }
  return domains;
}

/// Some of the points, the highest among them.
std::vector<double> choose_opps(const DomainSpec& domain, Random& random) {
  std::vector<double> opps = domain.opps_mhz;
  const std::size_t count = std::min(1 + random.index(kMostOpps), opps.size());
  while (opps.size() > count) {
    opps.erase(opps.begin() + static_cast<std::ptrdiff_t>(random.index(opps.size() - 1)));
  }
  return opps;
}

void draw_knobs(Draft& draft) {
  Random& random = draft.random;
  const Board board = draft.board.board();
  std::vector<std::string> names;
  std::ranges::transform(board.places, std::back_inserter(names), &Place::name);
  const std::size_t places = std::min(1 + random.index(kMostPlaces), names.size());
  while (names.size() > places) {
    names.erase(names.begin() + static_cast<std::ptrdiff_t>(random.index(names.size())));
  }
  draft.places = names;
  std::size_t levels = 2 + random.index(kMostLevels - 1);
  std::vector<std::pair<std::string, std::vector<double>>> frequencies;
  for (const auto& domain : domains_of(board, names)) {
    frequencies.emplace_back(domain.name, choose_opps(domain, random));
  }
  const auto count = [&] {
    std::size_t all = levels * places;
    for (const auto& [name, opps] : frequencies) {
      all *= opps.size();
    }
    return all;
  };
  levels = std::max(levels, (kFewestConfigurations * levels + count() - 1) / count());
  while (count() > kMostConfigurations) {
    auto& opps = std::ranges::max_element(frequencies, {}, [](const auto& domain) {
                   return domain.second.size();
                 })->second;
    opps.erase(opps.begin() + static_cast<std::ptrdiff_t>(random.index(opps.size() - 1)));
  }
  std::vector<std::string> entries;
  for (const auto& [name, opps] : frequencies) {
    entries.push_back(fmt::format("{}: [{}]", name, fmt::join(opps, ", ")));
  }
  draft.frequencies = fmt::format("{{{}}}", fmt::join(entries, ", "));
  draft.levels.resize(levels);
}

void draw_network(Draft& draft) {
  Random& random = draft.random;
  const Board board = draft.board.board();
  const auto& kinds = board.simulation->devices.front().kinds;
  draft.work_kind = happens(0.7, random) ? "cnn" : "small-cnn";
  const auto reference =
      std::ranges::find(kinds, draft.work_kind, &WorkKindSpec::name)->reference_mflops;
  const double widest = reference * log_uniform(kWidest, random);
  const double ratio = log_uniform(kCostRatio, random);
  const double highest = uniform(kHighestTop1, random);
  const double span = uniform(kTop1Span, random);
  const double bend = uniform(kTop1Bend, random);
  // The level's place between the narrowest (0) and the widest (1), by the logarithm of its cost.
  std::vector<double> places = {0.0};
  for (std::size_t i = 1; i < draft.levels.size(); ++i) {
    places.push_back(places.back() + log_uniform(kCostStep, random));
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double place = places[i] / places.back();
    const double share = std::pow(ratio, place - 1.0);
    draft.levels[i] = {.width = std::sqrt(share),
                       .top1 = highest - span * (1.0 - std::pow(place, bend)),
                       .mflops = widest * share};
  }
  draft.cpu_sensitivity = log_uniform(kSensitivity, random);
  draft.gpu_sensitivity = log_uniform(kSensitivity, random);
  draft.memory_sensitivity = log_uniform(kSensitivity, random);
  draft.batch = one_of(kBatches, random);
}

/// Of one request at the level, in the place where it is the fastest, at the highest clocks.
double fastest_ms(const Draft& draft, std::size_t level) {
  const Board spec = draft.board.board();
  SimulatedBoard board(spec);
  const Work work{.kind = board.find_kind(draft.work_kind),
                  .mflops = draft.levels[level].mflops,
                  .images = static_cast<double>(draft.batch),
                  .sensitivity = {}};
  double fastest_s = 1e9;
  for (std::size_t i = 0; i < spec.places.size(); ++i) {
    if (std::ranges::count(draft.places, spec.places[i].name) > 0) {
      board.reset();
      board.set_place(i);
      board.set_work(work);
      fastest_s = std::min(fastest_s, board.latency_s());
    }
  }
  return 1e3 * fastest_s;
}

// What is asked of it.

void draw_arrival(Draft& draft) {
  Random& random = draft.random;
  draft.arrival = draft.kind.arrival;
  const double which = random.uniform();
  if (draft.arrival.empty()) {
    draft.arrival = which < kPoissonShare                      ? "poisson"
                    : which < kPoissonShare + kClosedLoopShare ? "closed_loop"
                                                               : "periodic";
  } else if (is(draft, "overload") && which < 0.5) {
    draft.arrival = "poisson";
  }
  draft.queue_limit = one_of(kQueueLimits, random);
  draft.drops_expired = happens(kDropsExpired, random);
  draft.miss_rate = one_of(kMissRates, random);
}

void draw_pace(Draft& draft) {
  Random& random = draft.random;
  const std::size_t level = random.index(draft.levels.size());
  const double slack = log_uniform(kSlack, random);
  const bool waits = draft.arrival == "poisson" && !is(draft, "poisson");
  const double gap = log_uniform(draft.kind.gap, random) * (waits ? kPoissonGap : 1.0);
  const double deadline =
      log_uniform(draft.kind.deadline, random) * (waits ? kPoissonDeadline : 1.0);
  const double slow_gap_ms = log_uniform(kSlowGapMs, random);
  const double small_deadline_ms = log_uniform(kSmallDeadlineMs, random);
  const double small_power = log_uniform(kSmallPower, random);
  draft.period_ms = one_of(kPeriodsMs, random);
  draft.duration_s = uniform(kDurationS, random);
  double request_ms = fastest_ms(draft, level) * slack;
  if (is(draft, "slow-board")) {
    draft.board.slow_down(slow_gap_ms / (gap * request_ms));
    request_ms = slow_gap_ms / gap;
    draft.period_ms = 50.0;
    for (const double period_ms : kPeriodsMs) {
      draft.period_ms =
          period_ms <= 2.0 * slow_gap_ms ? std::max(draft.period_ms, period_ms) : draft.period_ms;
    }
  }
  if (is(draft, "small-limits")) {
    draft.board.slow_down(small_deadline_ms / (deadline * request_ms));
    draft.board.scale_power(small_power);
    request_ms = small_deadline_ms / deadline;
    draft.period_ms = 50.0;
  }
  draft.gap_ms = std::max(gap * request_ms, draft.period_ms / kMostPerPeriod);
  draft.deadline_ms = deadline * request_ms;
  draft.switch_ms = log_uniform(kSwitchShare, random) * fastest_ms(draft, draft.levels.size() - 1);
  draft.duration_s = std::clamp(kFewestPeriods * draft.period_ms * 1e-3, draft.duration_s,
                                std::max(draft.duration_s, kLongestS));
  draft.duration_s = std::round(draft.duration_s);
}

/// A Markov-modulated Poisson process with two rates, in gaps of a mean near 1.
std::vector<double> draw_recording(Random& random) {
  const double rates = log_uniform(kBurstRate, random);
  const double in_burst = log_uniform(kBurstLength, random);
  const double share = uniform(kBurstShare, random);
  const double between = in_burst * (1.0 - share) / share;
  const double mean_gap = share / rates + (1.0 - share);
  std::vector<double> times = {0.0};
  bool bursts = false;
  while (times.size() < kRecordedArrivals) {
    if (happens(1.0 / std::max(1.0, bursts ? in_burst : between), random)) {
      bursts = !bursts;
    }
    const double gap = random.exponential((bursts ? 1.0 / rates : 1.0) / mean_gap);
    times.push_back(times.back() + std::round(1e4 * gap) * 1e-4);
  }
  return times;
}

std::vector<double> shipped_recording() {
  std::vector<double> times;
  std::string_view text = kRecording;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    const std::string line(text.substr(0, end));
    if (!line.empty() && line.front() >= '0' && line.front() <= '9') {
      times.push_back(std::stod(line));
    }
    text.remove_prefix(end + 1);
  }
  return times;
}

/// @return as a file has it.
std::string draw_arrivals(Draft& draft) {
  Random& random = draft.random;
  const bool is_shipped = happens(kShippedRecording, random);
  draft.arrivals_s = is_shipped ? shipped_recording() : draw_recording(random);
  if (is_shipped) {
    return std::string(kRecording);
  }
  std::string text = "arrival_s\n";
  for (const double time_s : draft.arrivals_s) {
    text += fmt::format("{:.4f}\n", time_s);
  }
  return text;
}

// Who else is there, and what changes.

std::string draw_co_runner(Draft& draft, bool alternates) {
  Random& random = draft.random;
  constexpr std::array<const char*, 3> kClusters = {"fastest", "slowest", "all"};
  const std::size_t what = random.index(4);  // CPUs more often.
  const char* const cluster = one_of(kClusters, random);
  const double load = log_uniform(kCpuLoad, random);
  const double gpu = log_uniform(kGpuPressure, random);
  const double memory = log_uniform(kMemoryShare, random);
  std::vector<std::string> takes;
  if (what < 2) {
    takes.push_back(fmt::format("cpu: {{{}: {}}}", cluster, number(load)));
  }
  if (what == 2 || happens(0.2, random)) {
    takes.push_back(fmt::format("gpu: {}", number(gpu)));
  }
  if (what == 3 || happens(0.5, random)) {
    takes.push_back(fmt::format("memory: {}", number(memory)));
  }
  const bool by_turns = happens(kComesInBursts, random) || alternates;
  const Interval& times = alternates ? kAlternationMs : kShortOnOffMs;
  const double on_ms = log_uniform(times, random);
  const double off_ms = log_uniform(times, random);
  if (by_turns) {
    takes.push_back(fmt::format("on_ms: {:.0f}, off_ms: {:.0f}", on_ms, off_ms));
  }
  return fmt::format("{{contention: {{{}}}}}", fmt::join(takes, ", "));
}

/// One that is felt wherever the network may run.
std::string draw_alternation(Draft& draft) {
  Random& random = draft.random;
  const double load = log_uniform({0.7, 1.5}, random);
  const double gpu = log_uniform({0.4, 1.2}, random);
  const double on_ms = log_uniform(kAlternationMs, random);
  const double off_ms = log_uniform(kAlternationMs, random);
  return fmt::format(
      "{{contention: {{cpu: {{all: {}}}, gpu: {}, memory: 0.1, on_ms: {:.0f}, off_ms: {:.0f}}}}}",
      number(load), number(gpu), on_ms, off_ms);
}

void draw_overloads(Draft& draft) {
  Random& random = draft.random;
  for (double left_s = draft.duration_s; left_s > 0.0;) {
    const double between_s = std::min(tenths(uniform(kBetweenOverloadsS, random)), left_s);
    draft.phases.push_back({.duration_s = between_s, .co_runners = {}, .ambient_c = {}});
    left_s = tenths(left_s - between_s);
    const double overload_s = tenths(uniform(kOverloadS, random));
    const double rate = log_uniform(kOverloadRate, random);
    if (left_s > overload_s) {
      draft.phases.push_back(
          {.duration_s = overload_s, .co_runners = {}, .rate = rate, .ambient_c = {}});
      left_s = tenths(left_s - overload_s);
    }
  }
}

void draw_co_runners(Draft& draft) {
  Random& random = draft.random;
  double which = random.uniform();
  std::size_t pattern = 0;
  while (pattern + 1 < kCoRunnerShares.size() && which >= kCoRunnerShares[pattern]) {
    which -= kCoRunnerShares[pattern++];
  }
  const std::size_t count = pattern == 0 ? 0 : pattern == 3 ? 2 + random.index(3) : 1;
  for (std::size_t i = 0; i < count; ++i) {
    draft.co_runners.push_back(draw_co_runner(draft, false));
  }
  const double all_s = draft.duration_s;
  if (pattern < 2) {
    draft.phases.push_back({.duration_s = all_s, .co_runners = {}, .ambient_c = {}});
    if (pattern == 1) {
      draft.phases.back().co_runners = {0};
    }
  } else if (pattern == 2) {
    const double from_s = tenths(all_s * uniform(kOnceFrom, random));
    const double lasts_s = tenths((all_s - from_s) * uniform(kOnceUntil, random));
    draft.phases = {{.duration_s = from_s, .co_runners = {}, .ambient_c = {}},
                    {.duration_s = lasts_s, .co_runners = {0}, .ambient_c = {}},
                    {.duration_s = all_s - from_s - lasts_s, .co_runners = {}, .ambient_c = {}}};
  } else {
    for (double left_s = all_s; left_s > 0.0;) {
      Draft::Phase phase{.duration_s = std::min(tenths(log_uniform(kPhaseS, random)), left_s),
                         .co_runners = {},
                         .ambient_c = {}};
      for (std::size_t i = 0; i < count; ++i) {
        if (happens(kCoRunnerShare, random)) {
          phase.co_runners.push_back(i);
        }
      }
      left_s = tenths(left_s - phase.duration_s);
      draft.phases.push_back(std::move(phase));
    }
  }
}

void draw_changes(Draft& draft) {
  Random& random = draft.random;
  const bool changes_budgets = happens(kChangesBudgets, random) && draft.phases.size() > 1;
  const bool changes_rate = happens(kChangesRate, random) && draft.arrival != "closed_loop";
  for (std::size_t i = 1; i < draft.phases.size(); ++i) {
    Draft::Phase& phase = draft.phases[i];
    const double deadline = log_uniform(kRelativeDeadline, random);
    const double power = log_uniform(kRelativePower, random);
    const double rate = log_uniform(kRelativeRate, random);
    const bool does = happens(0.5, random);
    if (changes_budgets && does) {
      phase.deadline = deadline;
      phase.power = power;
    }
    if (changes_rate && !is(draft, "overload")) {
      phase.rate = rate;
    }
  }
}

void draw_scenario(Draft& draft) {
  Random& random = draft.random;
  if (is(draft, "overload")) {
    draw_overloads(draft);
  } else if (is(draft, "alternating")) {
    draft.co_runners = {draw_alternation(draft)};
    draft.phases.push_back({.duration_s = draft.duration_s, .co_runners = {0}, .ambient_c = {}});
  } else {
    draw_co_runners(draft);
    draw_changes(draft);
  }
  if (is(draft, "heat")) {
    const double step_k = uniform(kAmbientStepK, random);
    if (happens(kAmbientStep, random)) {
      const double half_s = draft.duration_s / 2.0;
      double start_s = 0.0;
      const double ambient_c = draft.board.board().simulation->ambient_c + step_k;
      for (auto& phase : draft.phases) {
        if (start_s >= half_s) {
          phase.ambient_c = ambient_c;
        }
        start_s += phase.duration_s;
      }
    }
  }
}

// As files.

std::string network_yaml(const Draft& draft) {
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < draft.levels.size(); ++i) {
    const auto& level = draft.levels[i];
    levels.push_back(fmt::format("          - {{name: \"{}\", width: {}, top1: {}, mflops: {}}}\n",
                                 i, number(level.width), number(level.top1), number(level.mflops)));
  }
  return fmt::format(
      "        name: drawn\n        kind: {}\n        switch_ms: {}\n"
      "        sensitivity: {{cpu: {}, gpu: {}, memory: {}}}\n        levels:\n{}",
      draft.work_kind, number(draft.switch_ms), number(draft.cpu_sensitivity),
      number(draft.gpu_sensitivity), number(draft.memory_sensitivity), fmt::join(levels, ""));
}

std::string phase_yaml(const Draft& draft, std::size_t index, bool has_power) {
  const Draft::Phase& phase = draft.phases[index];
  std::string text =
      fmt::format("{{name: phase {}, duration_s: {:.1f}", index + 1, phase.duration_s);
  if (!phase.co_runners.empty()) {
    text += fmt::format(", co_runners: [other-{}]", fmt::join(phase.co_runners, ", other-"));
  }
  std::vector<std::string> relative;
  const auto add = [&](const char* key, double factor) {
    if (factor != 1.0) {
      relative.push_back(fmt::format("{}: {}", key, number(factor)));
    }
  };
  add("rate", draft.arrival == "closed_loop" ? 1.0 : phase.rate);
  add("deadline", phase.deadline);
  add("power", has_power ? phase.power : 1.0);
  if (!relative.empty()) {
    text += fmt::format(", relative: {{{}}}", fmt::join(relative, ", "));
  }
  if (phase.ambient_c) {
    text += fmt::format(", ambient_c: {:.1f}", *phase.ambient_c);
  }
  return text + "}";
}

std::string scenario_yaml(const Draft& draft, bool has_power) {
  std::vector<std::string> runners;
  for (std::size_t i = 0; i < draft.co_runners.size(); ++i) {
    const bool runs = std::ranges::any_of(draft.phases, [i](const Draft::Phase& phase) {
      return std::ranges::count(phase.co_runners, i) > 0;
    });
    if (runs) {
      runners.push_back(fmt::format("other-{}: {}", i, draft.co_runners[i]));
    }
  }
  std::vector<std::string> phases;
  for (std::size_t i = 0; i < draft.phases.size(); ++i) {
    phases.push_back(phase_yaml(draft, i, has_power));
  }
  std::string text = fmt::format("name: {}\n", draft.kind.name);
  if (!runners.empty()) {
    text += fmt::format("co_runners:\n  {}\n", fmt::join(runners, "\n  "));
  }
  return text + fmt::format("phases:\n  - {}\n", fmt::join(phases, "\n  - "));
}

std::string requests_yaml(const Draft& draft, const std::string& recording) {
  std::string arrival = draft.arrival;
  if (!recording.empty()) {
    arrival +=
        fmt::format(", recording: {}, recording_from_s: {}", recording, number(draft.from_s));
  }
  if (draft.arrival != "closed_loop") {
    arrival += fmt::format(", rate_hz: {}", number(1e3 / draft.gap_ms));
  }
  return fmt::format("{{arrival: {}, batch: {}, queue_limit: {}, drop_expired: {}}}", arrival,
                     draft.batch, draft.queue_limit, draft.drops_expired);
}

/// @param recording  its file; empty: arrivals are not yet as drawn.
ConfigNode run_node(const Draft& draft, const std::vector<std::string>& budgets,
                    const std::string& objective, const std::string& recording) {
  std::vector<std::string> all = {fmt::format("latency: {{deadline_ms: {}, miss_rate: {}}}",
                                              number(draft.deadline_ms), draft.miss_rate)};
  all.insert(all.end(), budgets.begin(), budgets.end());
  const bool has_power = std::ranges::any_of(
      budgets, [](const std::string& budget) { return budget.starts_with("power"); });
  ConfigNode node = ConfigNode::parse("platform: {kind: simulated}", kOrigin);
  const auto set = [&node](const char* key, const std::string& yaml) {
    node.set(key, yaml, kOrigin);
  };
  Draft plain = draft;
  if (recording.empty() && draft.arrival == "recorded") {
    plain.arrival = "periodic";
  }
  set("board", draft.board.yaml());
  set("applications",
      fmt::format("- name: app\n  network:\n      kind: simulated\n      levels:\n{}  requests: "
                  "{}\n  places: [{}]\n",
                  network_yaml(draft), requests_yaml(plain, recording),
                  fmt::join(draft.places, ", ")));
  set("budgets", fmt::format("{}", fmt::join(all, "\n")));
  set("objective", objective);
  if (!draft.prices.empty()) {
    set("prices", draft.prices);
  }
  set("controls", fmt::format("{{frequency: {}, bandwidth: false}}", draft.frequencies));
  set("agent", "{kind: model_based}");
  set("scenario", scenario_yaml(draft, has_power));
  set("period_ms", number(draft.period_ms));
  set("seed", "1");
  return node;
}

// Limits, by what the drawn board can do.

std::vector<ConfigurationFigures> try_all(const Draft& draft) {
  static const std::vector<std::string> kLoose = {
      "power: {limit_w: 1e5}", "energy: {limit_mj: 1e12}", "accuracy: {min_top1: 0}",
      "temperature: {limit_c: 150}"};
  const RunConfig config =
      RunConfig::read(run_node(draft, kLoose, "max_accuracy", ""), RunOverrides{});
  SimulatedTask task = task_of(config);
  if (draft.arrival == "recorded") {
    task.requests.arrival = RequestSpec::Arrival::kRecorded;
    task.requests.recording = {.arrivals = std::make_shared<RecordedArrivals>(draft.arrivals_s),
                               .file = {},
                               .from_s = draft.from_s};
  }
  return figures_of_all(task);
}

/// Those that keep the deadlines as well as any does.
std::vector<ConfigurationFigures> punctual(const std::vector<ConfigurationFigures>& all) {
  constexpr double kAsGood = 0.002;
  const double least = std::ranges::min(all, {}, &ConfigurationFigures::late_share).late_share;
  std::vector<ConfigurationFigures> some;
  std::ranges::copy_if(all, std::back_inserter(some), [&](const ConfigurationFigures& each) {
    return each.late_share <= least + kAsGood;
  });
  return some;
}

/// Longer gaps and deadlines, until some configuration keeps them and there is something to do.
/// Empty if that cannot be had.
std::vector<ConfigurationFigures> fit_load(Draft& draft) {
  for (std::size_t i = 0; i < kMostStretches; ++i) {
    if (draft.arrival == "recorded") {
      draft.from_s = uniform({0.0, draft.arrivals_s.back()}, draft.random);
    }
    auto all = try_all(draft);
    const auto best = std::ranges::min(all, {}, &ConfigurationFigures::late_share);
    if (best.requests < kFewestRequests) {
      draft.gap_ms *= 0.5;
    } else if (best.late_share <= kMostLate) {
      return all;
    } else {
      draft.gap_ms *= kStretch;
      draft.deadline_ms *= kStretch;
    }
  }
  return {};
}

class Limits {
 public:
  Limits(Draft& draft, const std::vector<ConfigurationFigures>& all)
      : draft_(draft), all_(all), kept_(punctual(all)) {}

  const std::vector<ConfigurationFigures>& kept() const { return kept_; }

  /// A limit that a share of those kept so far keep; the others are no longer kept.
  /// @param factor, offset  of what the last of them came to.
  double tighten(double ConfigurationFigures::*figure, double factor, double offset = 0.0) {
    std::ranges::stable_sort(kept_, {}, figure);
    const double share = log_uniform(kKept, draft_.random);
    const auto last = static_cast<std::size_t>(share * static_cast<double>(kept_.size()));
    const double limit = kept_[std::min(last, kept_.size() - 1)].*figure * factor + offset;
    std::erase_if(kept_, [&](const ConfigurationFigures& each) { return each.*figure > limit; });
    return limit;
  }
  double margin() { return uniform(kMargin, draft_.random); }
  std::string window() {
    const double window_s = log_uniform(kWindowS, draft_.random);
    return happens(0.5, draft_.random) ? fmt::format(", window_s: {}", number(window_s)) : "";
  }

  void power() {
    const double limit_w = tighten(&ConfigurationFigures::power_w, margin());
    draft_.budgets.push_back(fmt::format("power: {{limit_w: {}{}}}", number(limit_w), window()));
  }
  void energy() {
    const double limit_mj = tighten(&ConfigurationFigures::energy_mj, margin());
    draft_.budgets.push_back(fmt::format("energy: {{limit_mj: {}{}}}", number(limit_mj), window()));
  }
  void battery() {
    const double total_j = tighten(&ConfigurationFigures::energy_j, margin());
    draft_.budgets.push_back(fmt::format("energy: {{total_j: {}, horizon_s: {}}}", number(total_j),
                                         number(draft_.duration_s)));
  }
  void temperature() {
    const double limit_c =
        tighten(&ConfigurationFigures::hottest_c, 1.0, uniform(kMarginK, draft_.random));
    draft_.budgets.push_back(fmt::format("temperature: {{limit_c: {:.1f}}}", limit_c));
  }
  /// At a level that some of those kept have, so that all of those kept have it.
  void floor() {
    std::vector<double> tops;
    for (const auto& each : kept_) {
      tops.push_back(each.top1);
    }
    std::ranges::sort(tops);
    tops.erase(std::unique(tops.begin(), tops.end()), tops.end());
    const double top1 = one_of(tops, draft_.random);
    std::erase_if(kept_,
                  [&](const ConfigurationFigures& each) { return each.top1 < top1 - kFloorBelow; });
    add_floor(top1);
  }
  /// Above what any of those kept has; or, if they have them all, with less power than it takes.
  void floor_out_of_reach() {
    const double best = std::ranges::max(kept_, {}, &ConfigurationFigures::top1).top1;
    std::vector<double> tops;
    for (const auto& each : all_) {
      tops.push_back(each.top1);
    }
    const auto [lowest, highest] = std::ranges::minmax(tops);
    constexpr double kRounding = 1e-6;  // Of means over windows.
    const bool is_late = best < highest - kRounding;
    std::erase_if(tops, [&](double top1) { return top1 <= (is_late ? best : lowest) + kRounding; });
    const double top1 = tops.empty() ? highest : one_of(tops, draft_.random);
    const double less = uniform(kBelowNeed, draft_.random);
    if (!is_late) {
      double needed_w = 1e6;
      for (const auto& each : all_) {
        needed_w = each.top1 >= top1 - kRounding ? std::min(needed_w, each.power_w) : needed_w;
      }
      draft_.budgets.push_back(fmt::format("power: {{limit_w: {}}}", number(less * needed_w)));
    }
    add_floor(top1);
  }

 private:
  void add_floor(double top1) {
    draft_.budgets.push_back(
        fmt::format("accuracy: {{min_top1: {}{}}}", number(top1 - kFloorBelow), window()));
  }

  Draft& draft_;
  const std::vector<ConfigurationFigures>& all_;
  std::vector<ConfigurationFigures> kept_;
};

void draw_prices(Draft& draft) {
  std::vector<std::string> entries;
  for (const char* const budget : kBudgetNames) {
    entries.push_back(fmt::format("{}: {}", budget, number(log_uniform(kPrice, draft.random))));
  }
  if (happens(kOtherPrices, draft.random) || is(draft, "conflict")) {
    draft.prices = fmt::format("{{{}}}", fmt::join(entries, ", "));
  }
}

void draw_objective(Draft& draft, const std::vector<ConfigurationFigures>& kept) {
  const std::string_view kind = one_of(kObjectives, draft.random);
  const double beyond = log_uniform(kReference, draft.random);
  const auto reference = [&](double ConfigurationFigures::*figure) {
    double sum = 0.0;
    for (const auto& each : kept) {
      sum += each.*figure;
    }
    return number(beyond * sum / static_cast<double>(kept.size()));
  };
  draft.objective = kind;
  if (kind == "min_energy") {
    draft.objective = fmt::format("{{kind: min_energy, reference_mj: {}}}",
                                  reference(&ConfigurationFigures::energy_mj));
  } else if (kind == "min_power") {
    draft.objective = fmt::format("{{kind: min_power, reference_w: {}}}",
                                  reference(&ConfigurationFigures::power_w));
  }
}

void draw_limits(Draft& draft, const std::vector<ConfigurationFigures>& all) {
  Random& random = draft.random;
  Limits limits(draft, all);
  draw_objective(draft, limits.kept());
  const bool is_energy = is(draft, "energy");
  const bool floor =
      happens(draft.objective == "max_accuracy" ? kFloorShareOfMax : kFloorShare, random);
  const bool temperature = happens(kTemperatureShare, random) || is(draft, "heat");
  const bool battery = happens(is_energy ? 0.5 : kBatteryShare, random);
  const bool energy = !battery && (happens(kEnergyShare, random) || is_energy);
  const bool power =
      (happens(kPowerShare, random) || is(draft, "small-limits")) && !is(draft, "conflict");
  if (temperature) {
    limits.temperature();
  }
  if (battery) {
    limits.battery();
  }
  if (energy) {
    limits.energy();
  }
  if (power) {
    limits.power();
  }
  if (is(draft, "conflict")) {
    limits.floor_out_of_reach();
  } else if (floor) {
    limits.floor();
  }
  draw_prices(draft);
}

/// Of this, in worlds of heat, the slowest that there is gets warm within the episode.
void hasten_heat(Draft& draft) {
  double longest_s = 0.0;
  for (const auto& zone : draft.board.board().simulation->zones) {
    for (const auto& stage : zone.stages) {
      longest_s = std::max(longest_s, stage.time_constant_s);
    }
  }
  const double most_s = kHeatWithin * draft.duration_s;
  if (longest_s > most_s) {
    draft.board.scale_heat_time(most_s / longest_s);
  }
}

/// Empty if it came to nothing that can be played.
std::optional<DrawnWorld> draw(std::uint64_t seed, std::size_t index, Random& random) {
  const std::array<std::string_view, 6> boards = {kJetsonNano,    kJetsonOrinNx, kJetsonXavierNx,
                                                  kOdroidXuThree, kPc,           kRaspberryPiFour};
  const std::string name = fmt::format("w{:02}", index + 1);
  const std::string_view base = one_of(boards, random);
  Draft draft{
      .random = random,
      .kind = kind_of(seed, index),
      .name = name,
      .board = DrawnBoard(base, fmt::format("drawn {} of seed {}", index + 1, seed), random)};
  draw_knobs(draft);
  draw_network(draft);
  draw_arrival(draft);
  draw_pace(draft);
  if (is(draft, "heat")) {
    hasten_heat(draft);
  }
  DrawnWorld world{.name = name, .kind = std::string(draft.kind.name), .run = {}, .recording = {}};
  if (draft.arrival == "recorded") {
    world.recording = draw_arrivals(draft);
  }
  draw_scenario(draft);
  const auto all = fit_load(draft);
  if (all.empty()) {
    return std::nullopt;
  }
  draw_limits(draft, all);
  world.run = fmt::format(
                  "# World {} of the suite held-out with the seed {}: {}. Drawn by the grammar of "
                  "docs/held-out.md.\n",
                  index + 1, seed, world.kind) +
              run_node(draft, draft.budgets, draft.objective,
                       world.recording.empty() ? "" : world.recording_file())
                  .dump();
  return world;
}

}  // namespace

DrawnWorld draw_held_out(std::uint64_t seed, std::size_t index) {
  constexpr std::size_t kMostTries = 100;
  Random random(seed_of(Purpose::kWorld, seed, index));
  for (std::size_t i = 0; i < kMostTries; ++i) {
    try {
      if (auto world = draw(seed, index, random)) {
        return *std::move(world);
      }
    } catch (const ConfigError&) {
      // Beyond what the readers take: a request of an hour, say.
    }
  }
  throw Error(fmt::format("expected a world within {} tries, found none with the seed {}",
                          kMostTries, seed));
}

std::vector<std::string> held_out_kinds() {
  std::vector<std::string> names;
  std::ranges::transform(kKinds, std::back_inserter(names),
                         [](const Kind& kind) { return std::string(kind.name); });
  return names;
}

}  // namespace rein::suite
