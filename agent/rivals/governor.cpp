#include "agent/rivals/governor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rein {

namespace {

const std::vector<std::string> kRules = {"performance", "powersave", "ondemand", "schedutil"};

/// A little more than what is needed, so that a domain that is busy all the time gets faster: the
/// C of kernel/sched/cpufreq_schedutil.c.
constexpr double kSchedutilHeadroom = 1.25;
constexpr double kRounding = 1e-9;

/// The lowest level whose frequency is enough; the highest if none is.
std::size_t lowest_enough(const std::vector<Knob::Level>& levels, double mhz) {
  const auto found = std::ranges::find_if(
      levels, [&](const Knob::Level& level) { return level.value >= mhz * (1.0 - kRounding); });
  return found == levels.end() ? levels.size() - 1
                               : static_cast<std::size_t>(found - levels.begin());
}

std::size_t nearest(const std::vector<Knob::Level>& levels, double mhz) {
  const auto found = std::ranges::min_element(
      levels, {}, [&](const Knob::Level& level) { return std::abs(level.value - mhz); });
  return static_cast<std::size_t>(found - levels.begin());
}

}  // namespace

Governor::Options Governor::Options::from_yaml(const ConfigNode& node) {
  Options options;
  if (node.has("governor")) {
    const auto name = std::ranges::find(kRules, node.at("governor").one_of(kRules));
    options.rule = static_cast<Rule>(name - kRules.begin());
  }
  options.up_threshold = node.number_or("up_threshold", options.up_threshold,
                                        {.min = 0.0, .max = 1.0, .min_excluded = true});
  return options;
}

Governor::Governor(Options options, HeldKnobs held, Problem problem)
    : options_(options),
      held_(std::move(held)),
      problem_(std::move(problem)),
      layout_(problem_.actions) {}

std::unique_ptr<Session> Governor::begin_episode(Random& random) const {
  auto now = std::make_unique<Now>(random);
  for (const std::size_t knob : layout_.frequencies) {
    const auto& levels = problem_.actions.knobs()[knob].levels;
    now->clocks.push_back(options_.rule == Rule::kPowersave ? 0 : levels.size() - 1);
  }
  return now;
}

std::size_t Governor::next_level(const Options& options, const std::vector<Knob::Level>& levels,
                                 std::size_t level, double load) {
  const double lowest = levels.front().value;
  const double highest = levels.back().value;
  switch (options.rule) {
    case Rule::kPerformance:
      return levels.size() - 1;
    case Rule::kPowersave:
      return 0;
    case Rule::kOndemand:
      return load > options.up_threshold ? levels.size() - 1
                                         : nearest(levels, lowest + load * (highest - lowest));
    case Rule::kSchedutil:
      return lowest_enough(levels, kSchedutilHeadroom * levels[level].value * load);
  }
  return level;
}

double Governor::load_of(const Knob& domain, const StepInfo& info) const {
  std::optional<double> load;
  const auto signal = [&](const std::string& name) -> std::optional<double> {
    const auto index = find_signal(problem_.signals, name);
    return index ? info.reading(*index) : std::nullopt;
  };
  for (const int cpu : domain.cpus) {
    const auto ours = signal(fmt::format("cpu_ours_share.cpu{}", cpu));
    const auto others = signal(fmt::format("cpu_others_share.cpu{}", cpu));
    if (ours || others) {
      load = std::max(load.value_or(0.0), ours.value_or(0.0) + others.value_or(0.0));
    }
  }
  if (domain.cpus.empty()) {
    load = signal("gpu_load_share");
  }
  double busy_ms = 0.0;
  for (const auto& application : info.applications) {
    busy_ms += application.service.busy_ms;
  }
  const double busy = busy_ms / std::max(1e3 * info.interval_s, 1e-3);
  return std::clamp(load.value_or(busy), 0.0, 1.0);
}

Decision Governor::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  if (now.held.empty()) {
    now.held = held_.choose(Situation::of(view.task));
  }
  if (view.last != nullptr && !view.last->result.info.applications.empty()) {
    follow(*view.last, now);
  }
  Decision decision{.action = now.held};
  for (std::size_t i = 0; i < now.clocks.size(); ++i) {
    decision.action[layout_.frequencies[i]] = now.clocks[i];
  }
  return decision;
}

void Governor::follow(const PeriodRecord& record, Now& now) const {
  const Action in_force = action_in_force(record);
  for (std::size_t i = 0; i < now.clocks.size(); ++i) {
    const Knob& domain = problem_.actions.knobs()[layout_.frequencies[i]];
    now.clocks[i] = next_level(options_, domain.levels, in_force[layout_.frequencies[i]],
                               load_of(domain, record.result.info));
  }
}

}  // namespace rein
