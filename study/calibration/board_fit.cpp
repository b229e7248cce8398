#include "study/calibration/board_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "common/yaml_text.hpp"
#include "platform/simulated/simulated_board.hpp"
#include "study/calibration/least_squares.hpp"

namespace rein {

namespace {

// What is taken where a table does not tell: docs/fit-board.md lists them.
constexpr double kReferenceMflops = 1000.0;
constexpr double kCpuMhz = 1000.0;
constexpr double kCpuSlower = 10.0;  ///< Than the GPU, where nothing was measured on the CPUs.
constexpr double kUnmeasuredCpuW = 0.5;
constexpr double kCpuW = 1.0;
constexpr double kGpuW = 5.0;
constexpr double kBaseW = 1.0;
constexpr double kIdleShare = 0.1;  ///< Of the dynamic power.
constexpr double kLowVolts = 0.8;   ///< Over the highest ...
constexpr double kKnee = 0.5;       ///< ... up to this share of the highest frequency.
constexpr double kLeakagePerK = 0.02;
constexpr double kLeastSpreadK = 10.0;  ///< Of temperatures that tell about leakage.
constexpr double kRiseK = 40.0;         ///< At the highest power.
constexpr double kTimeConstantS = 60.0;
constexpr double kSigma = 0.02;
constexpr double kTopMhzTolerance = 0.5;

const std::vector<double> kOverlaps = {1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0};
/// So many frequencies tell how far computing and memory overlap, and how voltage rises.
constexpr std::size_t kManyFrequencies = 4;

bool is_gpu(const std::string& domain) { return domain.starts_with("gpu"); }
bool is_memory(const std::string& domain) {
  return domain.starts_with("memory") || domain.starts_with("emc");
}

/// Voltage over the highest: level up to a knee, then straight.
struct Curve {
  bool is_fitted = false;
  double low = kLowVolts;
  double knee = kKnee;

  double at(double speed) const {
    return speed <= knee ? low : low + (1.0 - low) * (speed - knee) / (1.0 - knee);
  }
};

/// A board whose numbers are being looked for.
struct Model {
  Board board;
  std::vector<Curve> curves;    ///< [domains]
  std::vector<bool> ties_idle;  ///< [domains] idle_w is a share of dynamic_w.
  std::map<std::string, ContentionProfile> co_runners;
  std::map<std::string, Sensitivity> sensitivities;

  SimulatedDevice& device(std::size_t domain) { return board.simulation->devices[domain]; }
  WorkKindSpec& kind(std::size_t domain, const std::string& name) {
    return *std::ranges::find(device(domain).kinds, name, &WorkKindSpec::name);
  }

  /// Brings what follows from the unknowns up to date.
  void follow() {
    for (std::size_t d = 0; d < curves.size(); ++d) {
      auto& domain = board.domains[d];
      if (curves[d].is_fitted) {
        std::ranges::transform(domain.opps_mhz, domain.opps_v.begin(), [&](double mhz) {
          return curves[d].at(mhz / domain.opps_mhz.back());
        });
      }
      if (ties_idle[d]) {
        device(d).idle_w = kIdleShare * device(d).dynamic_w;
      }
    }
  }
};

/// A row of the table on the board.
struct Case {
  const MeasuredRow* row = nullptr;
  std::size_t place = 0;
  std::size_t device = 0;         ///< The domain that computes.
  std::size_t host = 0;           ///< The domain that launches.
  std::vector<std::size_t> opps;  ///< [domains]
  double mflops = kReferenceMflops;

  bool is_idle() const { return row->network.empty(); }
  bool is_alone() const { return row->co_runner.empty(); }
};

struct Replayed {
  double latency_ms = 0.0;
  double power_w = 0.0;
};

/// What the simulated board shows in these cases, each at the temperature that was measured.
std::vector<Replayed> replay(const Model& model, const std::vector<Case>& cases, bool with_power) {
  constexpr std::size_t kNeighbour = 1;
  Board still = model.board;
  for (auto& zone : still.simulation->zones) {
    zone.offset_k = 0.0;
    for (auto& stage : zone.stages) {
      stage.resistance_k_per_w = 0.0;
    }
  }
  SimulatedBoard board(still);
  std::vector<Replayed> results;
  results.reserve(cases.size());
  for (const auto& each : cases) {
    const MeasuredRow& row = *each.row;
    board.set_place(each.place);
    for (std::size_t d = 0; d < each.opps.size(); ++d) {
      board.set_opp(d, each.opps[d]);
    }
    board.set_ambient(row.temperature_c.value_or(row.ambient_c));
    if (!each.is_alone()) {
      board.start(kNeighbour, model.co_runners.at(row.co_runner));
    }
    Replayed& result = results.emplace_back();
    if (!each.is_idle()) {
      Work work{.kind = board.find_kind(row.kind),
                .mflops = each.mflops,
                .images = row.images,
                .sensitivity = {}};
      if (const auto found = model.sensitivities.find(row.network);
          found != model.sensitivities.end()) {
        work.sensitivity = found->second;
      }
      board.set_work(work);
      result.latency_ms = 1e3 * board.latency_s();
    }
    if (with_power) {
      board.update();
      const double before_j = board.energy_j();
      const TimePoint begin = board.now();
      if (each.is_idle()) {
        board.idle_until(begin + std::chrono::seconds(1));
      } else {
        // For a second: time is counted in nanoseconds.
        board.execute(1.0 / board.latency_s());
      }
      board.update();
      result.power_w = (board.energy_j() - before_j) / to_seconds(board.now() - begin);
    }
    if (!each.is_alone()) {
      board.stop(kNeighbour);
    }
  }
  return results;
}

/// A number of the model, above 0, that is looked for.
struct Parameter {
  std::function<double&(Model&)> value;
  double least = 0.0;
  double most = 0.0;
};

using Differences = std::function<std::vector<double>(const Model&)>;

struct Fitted {
  Model model;
  double squares = std::numeric_limits<double>::infinity();
};

/// The nearest minimum.
Fitted fit_from(const Model& start, const std::vector<Parameter>& parameters,
                const Differences& differences) {
  Model bounded = start;
  const auto with = [&](const std::vector<double>& logarithms) {
    Model model = bounded;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      double& value = parameters[i].value(model);
      value = std::clamp(value * std::exp(logarithms[i]), parameters[i].least, parameters[i].most);
    }
    model.follow();
    return model;
  };
  std::vector<Unknown> unknowns;
  for (const auto& parameter : parameters) {
    double& value = parameter.value(bounded);
    value = std::clamp(value, parameter.least, parameter.most);
    unknowns.push_back({.start = 0.0,
                        .least = std::log(parameter.least / value),
                        .most = std::log(parameter.most / value)});
  }
  Fitted fitted{.model = with(least_squares(unknowns, [&](const auto& logarithms) {
                  return differences(with(logarithms));
                }))};
  fitted.squares = 0.0;
  for (const double difference : differences(fitted.model)) {
    fitted.squares += difference * difference;
  }
  return fitted;
}

FitError error_of(const std::vector<double>& errors) {
  FitError error{.rows = errors.size()};
  for (const double each : errors) {
    error.mean += each / static_cast<double>(errors.size());
    error.worst = std::max(error.worst, each);
  }
  return error;
}

/// Rounds to so many digits, as the file has it.
double rounded(double value, int digits = 5) {
  return std::stod(fmt::format("{:.{}g}", value, digits));
}

template <typename Values>
std::string listed(const Values& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

/// One fit, step by step.
class Fit {
 public:
  Fit(const MeasurementTable& table, const BoardFitOptions& options)
      : table_(table), options_(options) {
    options.board ? take_board(*options.board) : make_board();
    map_domains();
    add_simulation();
    place_cases();
    add_kinds();
  }

  BoardFit run() {
    for (std::size_t d = 0; d < model_.board.domains.size(); ++d) {
      fit_latency(d);
    }
    fill_kinds();
    fit_power();
    fit_co_runners();
    fit_heat();
    fit_noise();
    return finish();
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw ConfigError(fmt::format("{}: {}", table_.file, problem));
  }
  [[noreturn]] void refuse(const MeasuredRow& row, const std::string& column,
                           const std::string& problem) const {
    throw ConfigError(fmt::format("{}:{}: column {}: {}", table_.file, row.line, column, problem));
  }
  void note(std::string text) {
    if (std::ranges::find(notes_, text) == notes_.end()) {
      notes_.push_back(std::move(text));
    }
  }

  std::vector<std::string> domain_names() const {
    std::vector<std::string> names;
    for (const auto& domain : model_.board.domains) {
      names.push_back(domain.name);
    }
    return names;
  }

  // ------------------------------------------------------------------------------- the machine

  void take_board(const Board& board) {
    model_.board = board;
    model_.board.simulation.reset();
    for (const auto& domain : board.domains) {
      if (domain.opps_mhz.empty()) {
        refuse(
            fmt::format("expected a board with the frequencies of {}, found none: give opps_mhz "
                        "to it",
                        domain.name));
      }
    }
  }

  /// From the columns alone: as many CPUs as threads were measured, and a place for each number.
  void make_board() {
    Board& board = model_.board;
    board.name = options_.name;
    std::vector<std::string> names = table_.domains;
    const auto is_cpus = [](const std::string& name) { return !is_gpu(name) && !is_memory(name); };
    if (std::ranges::none_of(names, is_cpus)) {
      names.emplace_back("cpu");
      note(fmt::format("clock of the CPUs: not in the table, one CPU of {} MHz", kCpuMhz));
    }
    int next = 0;
    for (const auto& name : names) {
      DomainSpec& domain = board.domains.emplace_back();
      domain.name = name;
      const auto column = std::ranges::find(table_.domains, name) - table_.domains.begin();
      std::set<double> mhz;
      int threads = 1;
      for (const auto& row : table_.rows) {
        if (column < std::ssize(table_.domains)) {
          mhz.insert(row.mhz[static_cast<std::size_t>(column)]);
        }
        if (device_name(row) == name) {
          threads = std::max(threads, row.threads);
        }
      }
      domain.opps_mhz.assign(mhz.begin(), mhz.end());
      if (domain.opps_mhz.empty()) {
        domain.opps_mhz = {kCpuMhz};
      }
      if (is_cpus(name)) {
        domain.paths = {fmt::format("policy{}", next)};
        for (int i = 0; i < threads; ++i) {
          domain.cpus.push_back(next);
          board.cpus.push_back(next++);
        }
      } else {
        domain.interface = ClockInterface::kDevfreq;
        domain.paths = {name};
      }
    }
    for (const auto& row : table_.rows) {
      if (!row.place.empty()) {
        refuse(row, "place",
               "expected nothing without --board, which names the places: give device and threads");
      }
      if (row.network.empty()) {
        continue;
      }
      const std::string device = device_name(row);
      if (std::ranges::find(names, device) == names.end() || is_memory(device)) {
        refuse(row, "device",
               fmt::format("expected a clock of the table that computes ({}), found '{}'",
                           listed(names), device));
      }
      const std::string name = place_name(row);
      if (std::ranges::find(board.places, name, &Place::name) == board.places.end()) {
        board.places.push_back(make_place(name, device, row.threads));
      }
    }
    if (board.places.empty()) {
      refuse("expected a row of a network, found the idle machine alone");
    }
  }

  static std::string place_name(const MeasuredRow& row, const std::string& device) {
    return is_gpu(device) ? device : fmt::format("{}{}", device, row.threads);
  }
  std::string place_name(const MeasuredRow& row) const { return place_name(row, device_name(row)); }

  Place make_place(const std::string& name, const std::string& device, int threads) const {
    const auto domain = std::ranges::find(model_.board.domains, device, &DomainSpec::name);
    if (is_gpu(device)) {
      return {.name = name, .device = "gpu", .cpus = {model_.board.cpus.front()}};
    }
    return {.name = name,
            .cpus = {domain->cpus.end() - threads, domain->cpus.end()},
            .threads = threads};
  }

  bool computes_as_gpu(const std::string& name) const {
    if (!options_.board) {
      return is_gpu(name);
    }
    const auto& domains = options_.board->domains;
    const auto domain = std::ranges::find(domains, name, &DomainSpec::name);
    return domain != domains.end() && domain->cpus.empty() && !is_memory(name);
  }

  /// The domain that computes, where the table leaves no doubt.
  std::string device_name(const MeasuredRow& row) const {
    if (!row.device.empty()) {
      return row.device;
    }
    std::vector<std::string> computing;
    for (const auto& name : table_.domains) {
      if (!is_memory(name)) {
        computing.push_back(name);
      }
    }
    const auto gpu = std::ranges::find_if(
        computing, [this](const std::string& name) { return computes_as_gpu(name); });
    if (gpu != computing.end()) {
      return *gpu;
    }
    if (computing.size() != 1) {
      refuse(row, "device", fmt::format("expected one of {}, found nothing", listed(computing)));
    }
    return computing.front();
  }

  /// Which of the board's domains each column is.
  void map_domains() {
    for (const auto& name : table_.domains) {
      const auto& domains = model_.board.domains;
      const auto found = std::ranges::find(domains, name, &DomainSpec::name);
      if (found == domains.end()) {
        refuse(table_.rows.front(), name + "_mhz",
               fmt::format("expected a clock of the board {} ({}), found '{}'", model_.board.name,
                           listed(domain_names()), name));
      }
      columns_.push_back(static_cast<std::size_t>(found - domains.begin()));
    }
  }

  void add_simulation() {
    Board& board = model_.board;
    const std::string zone = board.temperature.zones.empty() ? "soc" : zone_of(board);
    Simulation& simulation = board.simulation.emplace();
    std::vector<std::string> devices;
    for (auto& domain : board.domains) {
      Curve curve{.is_fitted = domain.opps_v.empty()};
      if (curve.is_fitted) {
        domain.opps_v.assign(domain.opps_mhz.size(), 1.0);
      }
      model_.curves.push_back(curve);
      model_.ties_idle.push_back(true);
      SimulatedDevice& device = simulation.devices.emplace_back();
      device.domain = domain.name;
      device.zone = zone;
      device.kind = !domain.cpus.empty()     ? DeviceKind::kCpu
                    : is_memory(domain.name) ? DeviceKind::kMemory
                                             : DeviceKind::kGpu;
      device.dynamic_w = device.kind == DeviceKind::kGpu ? kGpuW : 0.0;
      device.dynamic_w = device.kind == DeviceKind::kCpu ? kUnmeasuredCpuW : device.dynamic_w;
      devices.push_back(domain.name);
    }
    if (board.total_power.empty()) {
      board.total_power = {"board"};
    }
    for (const auto& rail : board.total_power) {
      simulation.rails.push_back({.name = rail, .devices = {}});
    }
    if (board.total_power.size() > 1) {
      note(fmt::format("power of each rail: not in the table, all of it is {}'s",
                       board.total_power.front()));
    }
    simulation.rails.front().devices = devices;
    simulation.rails.front().base_w = kBaseW;
    simulation.total = board.total_power;
    simulation.zones = {{.name = zone, .stages = {{.time_constant_s = kTimeConstantS}}}};
    for (const auto& rail : board.total_power) {
      simulation.sensors.push_back({.signal = "power_w." + rail});
    }
    simulation.sensors.push_back({.signal = "temperature_c." + zone});
    if (std::ranges::find(simulation.devices, DeviceKind::kGpu, &SimulatedDevice::kind) !=
        simulation.devices.end()) {
      simulation.sensors.push_back({.signal = "gpu_load_share"});
    }
    model_.follow();
  }

  static std::string zone_of(const Board& board) {
    std::string zone = board.temperature.zones.front();
    std::erase(zone, '*');
    return zone.empty() ? "soc" : zone;
  }

  // ---------------------------------------------------------------------------------- the rows

  void place_cases() {
    const Board& board = model_.board;
    for (const auto& row : table_.rows) {
      Case each{.row = &row, .opps = {}};
      for (const auto& domain : board.domains) {
        each.opps.push_back(domain.opps_mhz.size() - 1);
      }
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const auto& opps = board.domains[columns_[i]].opps_mhz;
        const auto opp = std::ranges::find_if(
            opps, [&](double mhz) { return std::abs(mhz - row.mhz[i]) <= kTopMhzTolerance; });
        if (opp == opps.end()) {
          refuse(row, table_.domains[i] + "_mhz",
                 fmt::format("expected a frequency of the board ({} MHz), found {}", listed(opps),
                             row.mhz[i]));
        }
        each.opps[columns_[i]] = static_cast<std::size_t>(opp - opps.begin());
      }
      each.place = row.network.empty() ? 0 : find_place(row);
      const Place& place = board.places[each.place];
      each.host = domain_of(place.cpus.front());
      each.device = each.host;
      for (std::size_t d = 0; d < board.domains.size(); ++d) {
        if (place.device == "gpu" && board.simulation->devices[d].kind == DeviceKind::kGpu) {
          each.device = d;
          break;
        }
      }
      if (!row.network.empty()) {
        if (table_.has_mflops && !row.mflops) {
          refuse(row, "mflops", "expected a number, as the table has this column, found nothing");
        }
        each.mflops = row.mflops.value_or(kReferenceMflops);
      }
      cases_.push_back(std::move(each));
    }
    if (!table_.has_mflops) {
      note(
          fmt::format("mflops: not in the table, {} an image for every network", kReferenceMflops));
    }
  }

  std::size_t domain_of(int cpu) const {
    const auto& domains = model_.board.domains;
    const auto found = std::ranges::find_if(domains, [cpu](const DomainSpec& domain) {
      return std::ranges::find(domain.cpus, cpu) != domain.cpus.end();
    });
    if (found == domains.end()) {
      refuse(fmt::format("expected a board with a clock for each CPU, found none for CPU {}", cpu));
    }
    return static_cast<std::size_t>(found - domains.begin());
  }

  std::size_t find_place(const MeasuredRow& row) const {
    const auto& places = model_.board.places;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < places.size(); ++i) {
      names.push_back(places[i].name);
      if (row.place.empty() ? is_meant(places[i], row) : places[i].name == row.place) {
        return i;
      }
    }
    if (!row.place.empty()) {
      refuse(
          row, "place",
          fmt::format("expected a place of the board ({}), found '{}'", listed(names), row.place));
    }
    refuse(row, row.device.empty() ? "threads" : "device",
           fmt::format("expected a place of the board ({}), found none on {} with {} threads",
                       listed(names), device_name(row), row.threads));
  }

  bool is_meant(const Place& place, const MeasuredRow& row) const {
    const std::string device = device_name(row);
    if (computes_as_gpu(device)) {
      return place.device == "gpu";
    }
    const auto domain = std::ranges::find(model_.board.domains, device, &DomainSpec::name);
    return domain != model_.board.domains.end() && place.device == "cpu" &&
           place.threads == row.threads && std::ranges::all_of(place.cpus, [&](int cpu) {
             return std::ranges::find(domain->cpus, cpu) != domain->cpus.end();
           });
  }

  void add_kinds() {
    for (const auto& each : cases_) {
      if (each.is_idle()) {
        continue;
      }
      // A place that spans clusters needs the work known on all of them.
      for (const std::size_t d : domains_of(each)) {
        auto& kinds = model_.device(d).kinds;
        auto found = std::ranges::find(kinds, each.row->kind, &WorkKindSpec::name);
        if (found == kinds.end()) {
          kinds.push_back({.name = each.row->kind, .reference_mflops = each.mflops});
          found = std::prev(kinds.end());
        }
        found->reference_mflops = std::max(found->reference_mflops, each.mflops);
      }
    }
  }

  std::vector<std::size_t> domains_of(const Case& each) const {
    const Place& place = model_.board.places[each.place];
    if (place.device == "gpu") {
      return {each.device};
    }
    std::set<std::size_t> domains;
    for (const int cpu : place.cpus) {
      domains.insert(domain_of(cpu));
    }
    return {domains.begin(), domains.end()};
  }

  template <typename Condition>
  std::vector<Case> cases_where(Condition condition) const {
    std::vector<Case> found;
    std::ranges::copy_if(cases_, std::back_inserter(found), condition);
    return found;
  }

  template <typename Value>
  static std::size_t count_distinct(const std::vector<Case>& cases, Value value) {
    std::set<double> values;
    for (const auto& each : cases) {
      values.insert(value(each));
    }
    return values.size();
  }
  static std::size_t count_opps(const std::vector<Case>& cases, std::size_t domain) {
    return count_distinct(cases, [domain](const Case& each) { return double(each.opps[domain]); });
  }

  // ----------------------------------------------------------------------------------- latency

  static std::vector<double> latency_differences(const Model& model,
                                                 const std::vector<Case>& cases) {
    const auto replayed = replay(model, cases, /*with_power=*/false);
    std::vector<double> differences;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      differences.push_back(std::log(replayed[i].latency_ms / *cases[i].row->latency_ms));
    }
    return differences;
  }

  static FitError latency_error(const Model& model, const std::vector<Case>& cases) {
    std::vector<double> errors;
    for (const double difference : latency_differences(model, cases)) {
      errors.push_back(std::abs(std::expm1(difference)));
    }
    return error_of(errors);
  }

  std::optional<std::size_t> memory_domain() const {
    for (std::size_t d = 0; d < model_.board.domains.size(); ++d) {
      if (model_.board.simulation->devices[d].kind == DeviceKind::kMemory) {
        return d;
      }
    }
    return std::nullopt;
  }

  /// What a kind of work on a device can be told apart into.
  struct Parts {
    std::string kind;
    std::vector<Case> cases;
    bool memory = false;
    bool launch = false;
    bool exponent = false;
    std::size_t unknowns() const { return 1U + memory + launch + exponent; }
  };

  Parts parts_of(std::size_t d, const std::string& kind) {
    Parts parts{.kind = kind};
    parts.cases = cases_where([&](const Case& each) {
      return !each.is_idle() && each.is_alone() && !each.row->is_held_back && each.device == d &&
             each.row->kind == kind;
    });
    const std::string& device = model_.board.domains[d].name;
    if (parts.cases.empty()) {
      return parts;
    }
    const bool has_memory_clock = memory_domain() && count_opps(parts.cases, *memory_domain()) > 1;
    const bool has_sizes = count_distinct(parts.cases, [](const Case& each) {
                             return each.mflops * each.row->images;
                           }) > 1;
    parts.exponent = count_distinct(parts.cases, [](const Case& each) { return each.mflops; }) > 1;
    parts.memory = count_opps(parts.cases, d) > 1;
    parts.launch = parts.memory && (has_memory_clock || has_sizes);
    const auto what = fmt::format("{} on {}", kind, device);
    if (!parts.memory) {
      note(fmt::format("memory and launch of {}: one frequency, all of it is computing", what));
    } else if (!parts.launch) {
      note(
          fmt::format("launch of {}: cannot be told from memory with one size and one clock of "
                      "the memory, 0",
                      what));
    }
    if (!parts.exponent) {
      note(fmt::format("exponent of {}: one size, 1", what));
    }
    if (parts.cases.size() < parts.unknowns()) {
      refuse(*parts.cases.front().row, "network",
             fmt::format("expected at least {} rows of {} that are not held back, found {}",
                         parts.unknowns(), what, parts.cases.size()));
    }
    return parts;
  }

  void fit_latency(std::size_t d) {
    SimulatedDevice& device = model_.device(d);
    const std::string& name = model_.board.domains[d].name;
    std::vector<Parts> all;
    std::vector<Case> cases;
    for (const auto& kind : device.kinds) {
      Parts parts = parts_of(d, kind.name);
      if (!parts.cases.empty()) {
        cases.insert(cases.end(), parts.cases.begin(), parts.cases.end());
        all.push_back(std::move(parts));
      }
    }
    if (cases.empty()) {
      return;
    }
    measured_.insert(d);
    if (count_opps(cases, d) == 1) {
      refuse(*cases.front().row, name + "_mhz",
             fmt::format("expected at least two frequencies of {} that are not held back, found "
                         "{} MHz alone",
                         name, model_.board.domains[d].opps_mhz[cases.front().opps[d]]));
    }
    const bool has_threads =
        device.kind == DeviceKind::kCpu &&
        count_distinct(cases, [](const Case& each) { return double(each.row->threads); }) > 1;
    if (device.kind == DeviceKind::kCpu && !has_threads) {
      note(fmt::format("thread_exponent of {}: one number of threads, 1", name));
    }
    const bool launches_by_cycles =
        cases.front().host != d && count_opps(cases, cases.front().host) > 1;

    std::vector<Parameter> parameters;
    for (const auto& parts : all) {
      add_parameters(d, parts, launches_by_cycles, parameters);
    }
    if (has_threads) {
      parameters.push_back(
          {[d](Model& model) -> double& { return model.device(d).thread_exponent; }, 0.05, 1.0});
    }
    const bool tells_overlap =
        count_opps(cases, d) >= kManyFrequencies &&
        std::ranges::any_of(all, [](const Parts& parts) { return parts.memory; }) &&
        cases.size() > parameters.size() + 1;
    if (!tells_overlap && !options_.overlap) {
      note(fmt::format("memory_overlap of {}: fewer than {} frequencies or too few rows, 1", name,
                       kManyFrequencies));
    }

    const auto fit_with = [&](double overlap) {
      Fitted best;
      for (const auto& [memory, launch] :
           {std::pair{0.2, 0.1}, {0.6, 0.1}, {0.05, 0.05}, {0.1, 0.6}}) {
        Model start = model_;
        start.device(d).memory_overlap = overlap;
        if (has_threads) {
          start.device(d).thread_exponent = 0.85;
        }
        for (const auto& parts : all) {
          begin_with(start, d, parts, memory, launch, launches_by_cycles);
        }
        Fitted fitted = fit_from(start, parameters, [&](const Model& model) {
          return latency_differences(model, cases);
        });
        if (fitted.squares < best.squares) {
          best = std::move(fitted);
        }
      }
      return best;
    };
    const Fitted sum = fit_with(1.0);
    Fitted chosen = sum;
    if (options_.overlap) {
      chosen = fit_with(*options_.overlap);
    } else if (tells_overlap) {
      for (const double overlap : kOverlaps) {
        Fitted fitted = overlap == 1.0 ? sum : fit_with(overlap);
        if (fitted.squares < chosen.squares) {
          chosen = std::move(fitted);
        }
      }
      // One more number has to explain more than it would by chance (Schwarz 1978).
      const double rows = static_cast<double>(cases.size());
      if (rows * std::log(sum.squares / std::max(chosen.squares, 1e-300)) < std::log(rows)) {
        chosen = sum;
      }
    }
    model_ = chosen.model;
    overlaps_.push_back({.device = name,
                         .value = model_.device(d).memory_overlap,
                         .error = latency_error(model_, cases),
                         .error_of_sum = latency_error(sum.model, cases)});
  }

  void add_parameters(std::size_t d, const Parts& parts, bool by_cycles,
                      std::vector<Parameter>& parameters) const {
    constexpr double kLeast = 1e-6;
    constexpr double kMost = 3.6e6;
    const auto of_kind = [&](double WorkKindSpec::*value) {
      return [d, value, kind = parts.kind](Model& model) -> double& {
        return model.kind(d, kind).*value;
      };
    };
    parameters.push_back({of_kind(&WorkKindSpec::compute_ms), kLeast, kMost});
    if (parts.memory) {
      parameters.push_back({of_kind(&WorkKindSpec::memory_ms), kLeast, kMost});
    }
    if (parts.exponent) {
      parameters.push_back({of_kind(&WorkKindSpec::exponent), 0.1, 2.0});
    }
    if (parts.launch) {
      parameters.push_back({[d, by_cycles, kind = parts.kind](Model& model) -> double& {
                              auto& spec = model.kind(d, kind);
                              return by_cycles ? *spec.launch_mcycles : *spec.launch_ms;
                            },
                            kLeast, by_cycles ? 1e6 : kMost});
    }
  }

  /// Shares of the latency at the highest frequency.
  static void begin_with(Model& model, std::size_t d, const Parts& parts, double memory,
                         double launch, bool by_cycles) {
    const auto fastest =
        std::ranges::max_element(parts.cases, {}, [d](const Case& each) { return each.opps[d]; });
    const Case& first = *fastest;
    WorkKindSpec& kind = model.kind(d, parts.kind);
    const auto& mhz = model.board.domains[d].opps_mhz;
    kind.exponent = parts.exponent ? 0.8 : 1.0;
    const double size =
        first.row->images * std::pow(first.mflops / kind.reference_mflops, kind.exponent);
    const double threads = std::pow(first.row->threads, model.device(d).thread_exponent);
    const double whole_ms = *first.row->latency_ms;
    memory = parts.memory ? memory : 0.0;
    launch = parts.launch ? launch : 0.0;
    kind.compute_ms =
        (1.0 - memory - launch) * whole_ms / size * threads * (mhz[first.opps[d]] / mhz.back());
    kind.memory_ms = memory * whole_ms / size;
    if (parts.launch && by_cycles) {
      kind.launch_mcycles = launch * whole_ms * 1e-3 *
                            model.board.domains[first.host].opps_mhz[first.opps[first.host]];
    } else if (parts.launch) {
      kind.launch_ms = launch * whole_ms;
    }
  }

  /// Every device knows every kind of work: where nothing was measured, as others do.
  void fill_kinds() {
    std::vector<WorkKindSpec> known;
    std::map<std::string, std::size_t> where;
    for (std::size_t d = 0; d < model_.board.domains.size(); ++d) {
      for (const auto& kind : model_.device(d).kinds) {
        if (measured_.contains(d) && where.emplace(kind.name, d).second) {
          known.push_back(kind);
        }
      }
    }
    for (std::size_t d = 0; d < model_.board.domains.size(); ++d) {
      SimulatedDevice& device = model_.device(d);
      if (device.kind == DeviceKind::kMemory) {
        continue;
      }
      for (const auto& kind : known) {
        auto found = std::ranges::find(device.kinds, kind.name, &WorkKindSpec::name);
        if (found != device.kinds.end() && measured_.contains(d)) {
          continue;
        }
        const bool is_slower = device.kind == DeviceKind::kCpu &&
                               model_.device(where[kind.name]).kind == DeviceKind::kGpu;
        WorkKindSpec assumed = kind;
        assumed.compute_ms *= is_slower ? kCpuSlower : 1.0;
        if (found != device.kinds.end()) {
          *found = assumed;
        } else {
          device.kinds.push_back(assumed);
        }
        note(fmt::format("{} on {}: not measured, {} times as long as on {}", kind.name,
                         device.domain, is_slower ? kCpuSlower : 1.0,
                         model_.board.domains[where[kind.name]].name));
      }
    }
  }

  // ------------------------------------------------------------------------------------- power

  static std::vector<double> power_differences(const Model& model, const std::vector<Case>& cases) {
    constexpr double kLeastW = 1e-9;
    const auto replayed = replay(model, cases, /*with_power=*/true);
    std::vector<double> differences;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      differences.push_back(
          std::log(std::max(kLeastW, replayed[i].power_w) / *cases[i].row->power_w));
    }
    return differences;
  }

  void fit_power() {
    const auto cases = cases_where([](const Case& each) {
      return each.row->power_w && each.is_alone() && !each.row->is_held_back;
    });
    const auto busy = [&] {
      std::vector<Case> found;
      std::ranges::copy_if(cases, std::back_inserter(found),
                           [](const Case& each) { return !each.is_idle(); });
      return found;
    }();
    model_.follow();
    if (busy.size() < 3) {
      for (const std::size_t d : measured_) {
        model_.device(d).dynamic_w = model_.device(d).kind == DeviceKind::kGpu ? kGpuW : kCpuW;
      }
      model_.follow();
      note(
          fmt::format("power: fewer than 3 rows that are not held back, {} W a GPU, {} W a CPU "
                      "and {} W besides",
                      kGpuW, kCpuW, kBaseW));
      return;
    }
    const auto idle = [&] {
      std::vector<Case> found;
      std::ranges::copy_if(cases, std::back_inserter(found), &Case::is_idle);
      return found;
    }();
    double least_w = std::numeric_limits<double>::infinity();
    double most_w = 0.0;
    for (const auto& each : cases) {
      least_w = std::min(least_w, *each.row->power_w);
      most_w = std::max(most_w, *each.row->power_w);
    }

    std::vector<Parameter> parameters = {
        {[](Model& model) -> double& { return model.board.simulation->rails.front().base_w; }, 1e-6,
         1e6}};
    std::vector<std::size_t> looked_for;
    for (std::size_t d = 0; d < model_.board.domains.size(); ++d) {
      const std::string& name = model_.board.domains[d].name;
      const bool is_busy =
          std::ranges::any_of(busy, [&](const Case& each) { return each.device == d; });
      const bool varies = count_opps(cases, d) > 1;
      if (!is_busy && !varies) {
        note(fmt::format(
            "power of {}: {}", name,
            model_.device(d).kind == DeviceKind::kCpu
                ? fmt::format("one frequency and no work, {} W a busy CPU", kUnmeasuredCpuW)
                : "one frequency, it is in what is always there"));
        continue;
      }
      looked_for.push_back(d);
      parameters.push_back(
          {[d](Model& model) -> double& { return model.device(d).dynamic_w; }, 1e-6, 1e5});
      if (count_opps(idle, d) > 1) {
        model_.ties_idle[d] = false;
        parameters.push_back(
            {[d](Model& model) -> double& { return model.device(d).idle_w; }, 1e-6, 1e5});
      } else {
        note(
            fmt::format("idle_w of {}: the idle machine was not measured at two frequencies of "
                        "it, {} of its dynamic_w",
                        name, kIdleShare));
      }
      if (model_.curves[d].is_fitted && count_opps(cases, d) >= kManyFrequencies) {
        parameters.push_back(
            {[d](Model& model) -> double& { return model.curves[d].low; }, 0.4, 1.0});
        parameters.push_back(
            {[d](Model& model) -> double& { return model.curves[d].knee; }, 0.05, 0.95});
      } else if (model_.curves[d].is_fitted) {
        note(
            fmt::format("voltage of {}: fewer than {} frequencies, {} of the highest up to {} of "
                        "the highest frequency, then straight",
                        name, kManyFrequencies, kLowVolts, kKnee));
      }
      add_activities(d, busy, parameters);
    }
    std::set<double> temperatures;
    bool has_temperatures = true;
    for (const auto& each : cases) {
      has_temperatures = has_temperatures && each.row->temperature_c.has_value();
      temperatures.insert(each.row->temperature_c.value_or(0.0));
    }
    const bool leaks = has_temperatures && cases.size() > parameters.size() &&
                       *temperatures.rbegin() - *temperatures.begin() >= kLeastSpreadK;
    const std::size_t hottest = looked_for.front();
    if (leaks) {
      model_.device(hottest).leakage_per_k = kLeakagePerK;
      model_.device(hottest).leakage_w = 0.05 * least_w;
      parameters.push_back(
          {[hottest](Model& model) -> double& { return model.device(hottest).leakage_w; }, 1e-9,
           1e5});
      note(fmt::format("leakage_per_k: {}, and all of the leakage is {}'s", kLeakagePerK,
                       model_.board.domains[hottest].name));
    } else {
      note(fmt::format("leakage: no temperatures, within {} K, or too few rows, 0", kLeastSpreadK));
    }
    note("stall_activity: 0.5");
    if (cases.size() < parameters.size()) {
      refuse(*cases.front().row, "power_w",
             fmt::format("expected at least {} rows that are not held back, found {}",
                         parameters.size(), cases.size()));
    }

    Fitted best;
    for (const auto& [base, low] : {std::pair{0.8, 0.8}, {0.3, 0.8}, {0.8, 0.5}, {0.3, 0.5}}) {
      Model start = model_;
      start.board.simulation->rails.front().base_w = base * least_w;
      for (const std::size_t d : looked_for) {
        SimulatedDevice& device = start.device(d);
        const double units = device.kind == DeviceKind::kCpu
                                 ? static_cast<double>(start.board.domains[d].cpus.size())
                                 : 1.0;
        device.dynamic_w = std::max(
            1e-3, (most_w - base * least_w) / units / static_cast<double>(looked_for.size()));
        device.idle_w = kIdleShare * device.dynamic_w;
        if (start.curves[d].is_fitted && count_opps(cases, d) >= kManyFrequencies) {
          start.curves[d].low = low;
        }
      }
      Fitted fitted = fit_from(start, parameters,
                               [&](const Model& model) { return power_differences(model, cases); });
      if (fitted.squares < best.squares) {
        best = std::move(fitted);
      }
    }
    model_ = best.model;
  }

  /// How much power each kind of work draws over the first one on a device.
  void add_activities(std::size_t d, const std::vector<Case>& busy,
                      std::vector<Parameter>& parameters) const {
    bool is_first = true;
    for (const auto& kind : model_.board.simulation->devices[d].kinds) {
      const bool is_measured = std::ranges::any_of(
          busy, [&](const Case& each) { return each.device == d && each.row->kind == kind.name; });
      if (is_measured && !std::exchange(is_first, false)) {
        parameters.push_back({[d, name = kind.name](Model& model) -> double& {
                                return model.kind(d, name).activity;
                              },
                              0.01, 10.0});
      }
    }
  }

  // ------------------------------------------------------------------------------- co-runners

  void fit_co_runners() {
    const auto all =
        cases_where([](const Case& each) { return !each.is_idle() && !each.is_alone(); });
    if (all.empty()) {
      return;
    }
    for (const auto& each : all) {
      ContentionProfile& profile = model_.co_runners[each.row->co_runner];
      if (model_.device(each.device).kind == DeviceKind::kGpu) {
        profile.gpu = 0.5;
      } else if (std::ranges::find(profile.cpu, model_.board.domains[each.device].name,
                                   &ContentionProfile::CpuLoad::cluster) == profile.cpu.end()) {
        profile.cpu.push_back({model_.board.domains[each.device].name, 1.0});
      }
      model_.sensitivities[each.row->network] = {};
    }
    for (const auto& each : cases_) {
      if (each.is_idle() && !each.is_alone() && !model_.co_runners.contains(each.row->co_runner)) {
        refuse(*each.row, "co_runner", "expected one that a network ran beside too, found none");
      }
    }
    std::vector<Case> cases;
    std::ranges::copy_if(all, std::back_inserter(cases),
                         [](const Case& each) { return !each.row->is_held_back; });
    std::vector<Parameter> parameters;
    for (const auto& [name, profile] : model_.co_runners) {
      if (profile.gpu > 0.0) {
        parameters.push_back(
            {[name = name](Model& model) -> double& { return model.co_runners[name].gpu; }, 1e-3,
             100.0});
      }
      for (std::size_t i = 0; i < profile.cpu.size(); ++i) {
        parameters.push_back({[name = name, i](Model& model) -> double& {
                                return model.co_runners[name].cpu[i].load;
                              },
                              1e-3, 64.0});
      }
    }
    // Victim times partner: the scale is the first victim's.
    bool is_first = true;
    for (const auto& [name, sensitivity] : model_.sensitivities) {
      if (std::exchange(is_first, false)) {
        continue;
      }
      for (double Sensitivity::*of : {&Sensitivity::gpu, &Sensitivity::cpu}) {
        const bool is_felt = std::ranges::any_of(cases, [&, name = name](const Case& each) {
          const bool is_on_gpu = model_.device(each.device).kind == DeviceKind::kGpu;
          return each.row->network == name && is_on_gpu == (of == &Sensitivity::gpu);
        });
        if (is_felt) {
          parameters.push_back(
              {[name = name, of](Model& model) -> double& { return model.sensitivities[name].*of; },
               1e-3, 100.0});
        }
      }
    }
    if (cases.size() < parameters.size()) {
      refuse(*all.front().row, "co_runner",
             fmt::format("expected at least {} rows with co-runners that are not held back, found "
                         "{}",
                         parameters.size(), cases.size()));
    }
    model_ = fit_from(model_, parameters, [&](const Model& model) {
               return latency_differences(model, cases);
             }).model;
    note("co-runners' use of the memory: in their pressure on GPU and CPUs");
  }

  // ------------------------------------------------------------------------- heat and the rest

  void fit_heat() {
    Simulation& simulation = *model_.board.simulation;
    SimulatedZone& zone = simulation.zones.front();
    std::vector<double> powers_w;
    std::vector<double> rises_k;
    double most_w = 0.0;
    for (const auto& each : cases_) {
      most_w = std::max(most_w, each.row->power_w.value_or(0.0));
      if (each.row->temperature_c && each.row->power_w && !each.row->is_held_back) {
        powers_w.push_back(*each.row->power_w);
        rises_k.push_back(*each.row->temperature_c - each.row->ambient_c);
      }
    }
    if (powers_w.size() < 3) {
      zone.stages.front().resistance_k_per_w = kRiseK / (most_w > 0.0 ? most_w : 10.0);
      note(
          fmt::format("heat: fewer than 3 rows with temperature and power, {} K at the highest "
                      "power",
                      kRiseK));
    } else {
      if (!table_.has_ambient) {
        note("ambient_c: not in the table, 25 degC");
      }
      fit_line(powers_w, rises_k, zone);
      has_heat_ = true;
    }
    note(fmt::format("time constant of the heat: {} s", kTimeConstantS));
  }

  /// rise = offset + resistance x power, neither below 0.
  static void fit_line(const std::vector<double>& powers_w, const std::vector<double>& rises_k,
                       SimulatedZone& zone) {
    double w = 0.0;
    double k = 0.0;
    double ww = 0.0;
    double wk = 0.0;
    const double n = static_cast<double>(powers_w.size());
    for (std::size_t i = 0; i < powers_w.size(); ++i) {
      w += powers_w[i] / n;
      k += rises_k[i] / n;
      ww += powers_w[i] * powers_w[i] / n;
      wk += powers_w[i] * rises_k[i] / n;
    }
    const double spread = ww - w * w;
    double resistance = spread > 1e-9 * ww ? (wk - w * k) / spread : wk / ww;
    double offset = k - resistance * w;
    if (offset < 0.0) {
      offset = 0.0;
      resistance = wk / ww;
    }
    if (resistance < 0.0) {
      resistance = 0.0;
      offset = std::max(0.0, k);
    }
    zone.offset_k = std::min(offset, 100.0);
    zone.stages.front().resistance_k_per_w = std::min(resistance, 1000.0);
  }

  void fit_noise() {
    std::vector<double> shares;
    for (const auto& each : cases_) {
      if (each.row->latency_sd_ms && each.row->latency_ms) {
        shares.push_back(*each.row->latency_sd_ms / *each.row->latency_ms);
      }
    }
    double sigma = kSigma;
    if (shares.empty()) {
      note(fmt::format("latency_noise: latency_sd_ms is not in the table, sigma {}", kSigma));
    } else {
      std::ranges::sort(shares);
      sigma = std::min(0.2, shares[shares.size() / 2]);
    }
    model_.board.simulation->noise = {.sigma = sigma};
  }

  // ------------------------------------------------------------------------------------ result

  static void round_all(Model& model) {
    Simulation& simulation = *model.board.simulation;
    for (auto& domain : model.board.domains) {
      std::ranges::for_each(domain.opps_v, [](double& volts) { volts = rounded(volts); });
    }
    for (auto& device : simulation.devices) {
      for (double* value :
           {&device.dynamic_w, &device.idle_w, &device.leakage_w, &device.thread_exponent}) {
        *value = rounded(*value);
      }
      for (auto& kind : device.kinds) {
        for (double* value : {&kind.compute_ms, &kind.memory_ms, &kind.exponent, &kind.activity}) {
          *value = rounded(*value);
        }
        for (auto* value : {&kind.launch_ms, &kind.launch_mcycles}) {
          if (*value) {
            **value = rounded(**value);
          }
        }
      }
    }
    simulation.rails.front().base_w = rounded(simulation.rails.front().base_w);
    SimulatedZone& zone = simulation.zones.front();
    zone.offset_k = rounded(zone.offset_k);
    auto& resistance = zone.stages.front().resistance_k_per_w;
    resistance = rounded(resistance);
    simulation.noise.sigma = rounded(simulation.noise.sigma);
    for (auto& [name, profile] : model.co_runners) {
      profile.gpu = rounded(profile.gpu, 4);
      for (auto& load : profile.cpu) {
        load.load = rounded(load.load, 4);
      }
    }
    for (auto& [name, sensitivity] : model.sensitivities) {
      sensitivity.gpu = rounded(sensitivity.gpu, 4);
      sensitivity.cpu = rounded(sensitivity.cpu, 4);
    }
  }

  BoardFit finish() {
    round_all(model_);
    BoardFit fit{.board = model_.board,
                 .overlaps = overlaps_,
                 .co_runners = model_.co_runners,
                 .sensitivities = model_.sensitivities,
                 .notes = notes_};
    const auto replayed = replay(model_, cases_, /*with_power=*/true);
    std::vector<std::string> networks;
    for (const auto& row : table_.rows) {
      if (std::ranges::find(networks, row.network) == networks.end()) {
        networks.push_back(row.network);
      }
    }
    std::ranges::stable_sort(networks, {}, &std::string::empty);
    const auto add = [&](const std::string& name, auto is_meant, auto error, bool is_temperature) {
      std::vector<double> errors[2];
      for (std::size_t i = 0; i < cases_.size(); ++i) {
        if (is_meant(cases_[i])) {
          errors[cases_[i].row->is_held_back ? 1 : 0].push_back(error(cases_[i], replayed[i]));
        }
      }
      if (!errors[0].empty() || !errors[1].empty()) {
        fit.figures.push_back({name, is_temperature, error_of(errors[0]), error_of(errors[1])});
      }
    };
    const auto latency_error = [](const Case& each, const Replayed& result) {
      return std::abs(result.latency_ms / *each.row->latency_ms - 1.0);
    };
    const auto power_error = [](const Case& each, const Replayed& result) {
      return std::abs(result.power_w / *each.row->power_w - 1.0);
    };
    for (const auto& network : networks) {
      if (!network.empty()) {
        add(
            "latency of " + network,
            [&](const Case& each) { return each.row->network == network && each.is_alone(); },
            latency_error, false);
        add(
            "latency of " + network + " beside others",
            [&](const Case& each) { return each.row->network == network && !each.is_alone(); },
            latency_error, false);
      }
      add(
          network.empty() ? "power of the idle machine" : "power with " + network,
          [&](const Case& each) {
            return each.row->network == network && each.is_alone() && each.row->power_w.has_value();
          },
          power_error, false);
    }
    if (networks.size() > 1) {
      add(
          "latency", [](const Case& each) { return !each.is_idle() && each.is_alone(); },
          latency_error, false);
      add(
          "power",
          [](const Case& each) { return each.row->power_w.has_value() && each.is_alone(); },
          power_error, false);
    }
    if (has_heat_) {
      const SimulatedZone& zone = model_.board.simulation->zones.front();
      add(
          "temperature",
          [](const Case& each) { return each.row->temperature_c && each.row->power_w; },
          [&zone](const Case& each, const Replayed&) {
            const auto& row = *each.row;
            return std::abs(row.ambient_c + zone.offset_k +
                            zone.stages.front().resistance_k_per_w * *row.power_w -
                            *row.temperature_c);
          },
          true);
    }
    return fit;
  }

  const MeasurementTable& table_;
  const BoardFitOptions& options_;
  Model model_;
  std::vector<std::size_t> columns_;  ///< [columns of clocks] The board's domains.
  std::vector<Case> cases_;
  std::set<std::size_t> measured_;  ///< Domains on which something was computed.
  std::vector<BoardFit::Overlap> overlaps_;
  std::vector<std::string> notes_;
  bool has_heat_ = false;
};

std::string written(const ContentionProfile& profile) {
  std::vector<std::string> parts;
  std::vector<std::string> clusters;
  for (const auto& load : profile.cpu) {
    clusters.push_back(fmt::format("{}: {}", yaml_text(load.cluster), load.load));
  }
  if (!clusters.empty()) {
    parts.push_back(fmt::format("cpu: {{{}}}", listed(clusters)));
  }
  if (profile.gpu > 0.0) {
    parts.push_back(fmt::format("gpu: {}", profile.gpu));
  }
  return fmt::format("{{{}}}", listed(parts));
}

std::string written(const FitError& error, bool is_temperature) {
  if (error.rows == 0) {
    return "none";
  }
  const double scale = is_temperature ? 1.0 : 100.0;
  return fmt::format("mean {:.2f}, worst {:.2f} {}, {} rows", scale * error.mean,
                     scale * error.worst, is_temperature ? "K" : "%", error.rows);
}

}  // namespace

std::string BoardFit::describe() const {
  std::size_t width = 0;
  for (const auto& figure : figures) {
    width = std::max(width, figure.name.size());
  }
  std::string text;
  for (const auto& figure : figures) {
    text += fmt::format("{:{}}  fitted: {:40}  held back: {}\n", figure.name, width,
                        written(figure.fitted, figure.is_temperature),
                        written(figure.held_back, figure.is_temperature));
  }
  for (const auto& overlap : overlaps) {
    text += fmt::format("overlap of {}: {} ({}; with 1: {})\n", overlap.device, overlap.value,
                        written(overlap.error, false), written(overlap.error_of_sum, false));
  }
  for (const auto& [name, profile] : co_runners) {
    text += fmt::format("co-runner {}: contention: {}\n", name, written(profile));
  }
  for (const auto& [name, sensitivity] : sensitivities) {
    text += fmt::format("network {}: sensitivity: {{cpu: {}, gpu: {}}}\n", name, sensitivity.cpu,
                        sensitivity.gpu);
  }
  for (const auto& each : notes) {
    text += fmt::format("not determined: {}\n", each);
  }
  return text;
}

std::string BoardFit::to_yaml(const std::string& source) const {
  std::string text = fmt::format("# Fitted by `rein fit-board` to {}.\n", yaml_quoted(source));
  const std::string lines = describe();
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = lines.find('\n', begin);
    text += "# " + lines.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return text + board.to_yaml() + board.simulation->to_yaml();
}

BoardFit fit_board(const MeasurementTable& table, const BoardFitOptions& options) {
  BoardFit fit = Fit(table, options).run();
  // As it is read again, so that nothing is written that is not a board.
  fit.board = Board::from_yaml(
      ConfigNode::parse(fit.board.to_yaml() + fit.board.simulation->to_yaml(), table.file));
  return fit;
}

}  // namespace rein
