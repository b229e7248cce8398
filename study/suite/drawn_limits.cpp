#include "study/suite/drawn_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "env/recorded_arrivals.hpp"
#include "study/run/run_config.hpp"
#include "study/suite/draft_file.hpp"

namespace rein::suite {

namespace {

std::vector<ConfigurationFigures> try_all(const Draft& draft) {
  static const std::vector<std::string> loose = {
      "power: {limit_w: 1e5}", "energy: {limit_mj: 1e12}", "accuracy: {min_top1: 0}",
      "temperature: {limit_c: 150}"};
  const RunConfig config =
      RunConfig::read(run_node(draft, loose, "max_accuracy", ""), RunOverrides{});
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
    return happens(kOtherWindow, draft_.random) ? fmt::format(", window_s: {}", number(window_s))
                                                : "";
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
    const double lowest = std::ranges::min(tops);
    const double highest = std::ranges::max(tops);
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
  entries.reserve(kBudgetNames.size());
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

}  // namespace

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

void draw_limits(Draft& draft, const std::vector<ConfigurationFigures>& all) {
  Random& random = draft.random;
  Limits limits(draft, all);
  draw_objective(draft, limits.kept());
  const bool is_energy = is(draft, "energy");
  const bool floor =
      happens(draft.objective == "max_accuracy" ? kFloorShareOfMax : kFloorShare, random);
  const bool temperature = happens(kTemperatureShare, random) || is(draft, "heat");
  const bool battery = happens(is_energy ? kBatteryOfEnergy : kBatteryShare, random);
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

}  // namespace rein::suite
