#include "study/suite/drawn_application.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "platform/simulated/simulated_board.hpp"

namespace rein::suite {

namespace {

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

}  // namespace

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
  entries.reserve(frequencies.size());
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
  draft.work_kind = happens(kLargeNetwork, random) ? "cnn" : "small-cnn";
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

}  // namespace rein::suite
