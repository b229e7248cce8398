#include "agent/model_based/planner_options.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace rein {

namespace {

constexpr Range from(double least, double most) { return {.min = least, .max = most}; }
constexpr Range above(double least, double most) {
  return {.min = least, .max = most, .min_excluded = true};
}

using Options = PlannerOptions;
constexpr PlannerOption kTable[] = {
    // What an action promises.
    {"least_spread", "1", 0.004, from(0, 1), false, &Options::least_spread,
     "spread of a mean over a budget's window at best, as a share of the limit"},
    {"broken_price", "objective", 1.5, from(0, 1e6), false, &Options::broken_price,
     "what a budget that is broken for certain costs, however little it is exceeded, at a price of "
     "4"},
    {"haste", "objective", 0.01, from(0, 1), false, &Options::haste,
     "what a service time as long as the deadline costs where latency is no objective"},
    {"change_periods", "periods", 50, from(1, 1e6), false, &Options::change_periods,
     "over which the requests that a change makes late are spread"},
    {"empty_battery", "1", 1.02, from(1, 100), false, &Options::empty_battery,
     "what an empty battery allows, over the least power that there is"},
    // How near to a limit it goes: dual ascent.
    {"miss_step", "1", 0.3, from(0, 100), false, &Options::miss_step,
     "step of the margin of misses for each request, of its logarithm"},
    {"miss_margin", "1", 0.5, from(0, 100), false, &Options::miss_margin,
     "times the share that may miss: to begin with"},
    {"miss_margin_least", "1", 0.1, from(0, 100), false, &Options::miss_margin_least,
     "the same at least"},
    {"miss_margin_most", "1", 1.2, from(0, 100), false, &Options::miss_margin_most,
     "the same at most"},
    {"power_step", "1", 0.004, from(0, 1), false, &Options::power_step,
     "step of the margin of power for each period whose window is over the limit, as a share of "
     "it"},
    {"power_rate", "1", 0.01, from(0, 1), false, &Options::power_rate,
     "share of the periods that may be over it"},
    {"power_margin_least", "1", 0.006, from(0, 1), false, &Options::power_margin_least,
     "below a limit on power or energy, as a share of it: to begin with, and at least"},
    {"power_margin_most", "1", 0.06, from(0, 1), false, &Options::power_margin_most,
     "the same at most"},
    {"heat_step", "K", 0.3, from(0, 100), false, &Options::heat_step,
     "step of the margin of heat for each period that is too hot"},
    {"heat_margin_least", "K", 0.3, from(0, 100), false, &Options::heat_margin_least,
     "below a limit on temperature: to begin with, and at least"},
    {"heat_margin_most", "K", 6, from(0, 100), false, &Options::heat_margin_most,
     "the same at most"},
    {"presence_rate", "1", 0.02, from(0, 1), false, &Options::presence_rate,
     "weight of the newest period in the share of periods that have requests"},
    {"settled_periods", "periods", 5, from(0, 1e6), true, &Options::settled_periods,
     "after a change of conditions, whose misses say nothing of the margin"},
    {"stretch_step", "log", 0.1, from(0, 10), false, &Options::stretch_step,
     "by how much longer requests are taken to be for each share of them that was missed and not "
     "foreseen"},
    {"stretch_most", "log", 0.7, from(0, 10), false, &Options::stretch_most,
     "by how much longer at most"},
    {"stretch_kept", "1", 0.97, from(0, 1), false, &Options::stretch_kept,
     "of that, and of what was missed and not foreseen, a period"},
    // What measurements come from.
    {"change_chance", "1", 0.03, from(0, 0.5), false, &Options::change_chance,
     "of conditions to change to something new, a period"},
    {"return_chance", "1", 0.05, from(0, 0.4), false, &Options::return_chance,
     "of conditions to change to something known, a period"},
    {"outlier_chance", "1", 0.01, from(0, 1), false, &Options::outlier_chance,
     "of a mean to be off by chance, out of proportion to its usual spread"},
    {"outlier_spread", "log", 0.4, from(0, 10), false, &Options::outlier_spread,
     "by how much it is then"},
    {"another_outlier", "1", 0.4, from(0, 1), false, &Options::another_outlier,
     "how much less likely an outlier is after an outlier"},
    {"mistaken_chance", "1", 0.0002, from(0, 1), false, &Options::mistaken_chance,
     "of an action to take another time than the factors say"},
    {"mistaken_spread", "log", 0.3, from(0, 10), false, &Options::mistaken_spread,
     "by how much it is then"},
    {"surprise", "log", 4, from(0, 1000), false, &Options::surprise,
     "by how much less likely than usual what is measured is before a change is looked for"},
    // How sure measurements are, as standard deviations.
    {"service_noise", "log", 0.008, above(0, 10), false, &Options::service_noise,
     "of a period's mean service time, beside that of single requests"},
    {"profile_spread", "log", 0.02, above(0, 10), false, &Options::profile_spread,
     "of a service time of a profile, beside what all or many differ by"},
    {"power_noise", "1", 0.02, above(0, 10), false, &Options::power_noise,
     "of power, as a share of it"},
    {"hint_noise", "1", 0.06, above(0, 10), false, &Options::hint_noise,
     "of a hint of what others do"},
    {"least_power", "1", 0.2, above(0, 1e6), false, &Options::least_power,
     "power that noise is in proportion to at least, in units of the model's"},
    {"new_service_noise", "log", 0.1, above(0, 10), false, &Options::new_service_noise,
     "of service time in the period in which an action takes hold"},
    {"new_power_noise", "1", 0.15, above(0, 10), false, &Options::new_power_noise,
     "of power in that period, as a share of it"},
    // What is kept, and forgotten.
    {"drift", "1", 2e-05, from(0, 1), false, &Options::drift,
     "variance that a lasting factor gains in a period"},
    {"known_conditions", "1", 12, from(1, 1000), true, &Options::known_conditions,
     "that were there before and are kept"},
    {"known_after_periods", "periods", 6, from(0, 1e6), true, &Options::known_after_periods,
     "for which conditions have to hold to be worth knowing"},
    {"spread_kept", "1", 0.7, above(0, 1), false, &Options::spread_kept,
     "what the histogram of single requests keeps of itself when conditions change"},
    {"spread_requests", "requests", 600, from(1, 1e9), false, &Options::spread_requests,
     "that it remembers"},
    {"spread_first_requests", "requests", 25, above(0, 1e6), false, &Options::spread_first_requests,
     "that it begins with, from nothing"},
    {"spread_first", "log", 0.05, above(0, 1), false, &Options::spread_first, "their spread"},
    {"spread_usual", "log", 0.3, above(0, 10), false, &Options::spread_usual,
     "beyond which a request is one of the tail, and says nothing of the usual spread"},
    {"change_memory", "changes", 8, from(1, 1e6), true, &Options::change_memory,
     "of a knob that its cost is the mean of"},
    {"ceiling_periods", "periods", 20, from(1, 1e6), true, &Options::ceiling_periods,
     "for which what a knob is held down to is believed in"},
    {"ceiling_same", "1", 0.03, from(0, 1), false, &Options::ceiling_same,
     "a value this near to a level's, as a share, is that level's"},
    // Conditions that change so often that nobody can follow.
    {"restless_share", "1", 0.3, from(0, 1), false, &Options::restless_share,
     "of the periods with a change, from which on they are taken for one"},
    {"calm_share", "1", 0.1, from(0, 1), false, &Options::calm_share,
     "the same, below which no longer"},
    {"restless_rate", "1", 0.1, above(0, 1), false, &Options::restless_rate,
     "weight of the newest period in that share"},
    {"restless_service_noise", "log", 0.3, from(0, 10), false, &Options::restless_service_noise,
     "how much less sure service time is then"},
    {"restless_power_noise", "1", 0.1, from(0, 10), false, &Options::restless_power_noise,
     "the same of power, as a share of it"},
    {"restless_hint_noise", "1", 0.4, from(0, 10), false, &Options::restless_hint_noise,
     "the same of a hint"},
    {"worth_hurrying", "objective", 0.02, from(0, 1e6), false, &Options::worth_hurrying,
     "what another action than the settled one has to be better by while requests wait"},
    {"starved_share", "1", 0.95, above(0, 1), false, &Options::starved_share,
     "of its bandwidth beyond which an action may have used it up"},
};
static_assert(sizeof(PlannerOptions) == std::size(kTable) * sizeof(double), "one row an option");

void require(const ConfigNode& node, double least, double most, const char* what) {
  if (least > most) {
    node.reject(fmt::format("expected {}, found {:g} and {:g}", what, least, most));
  }
}

}  // namespace

PlannerOptions::PlannerOptions() {
  for (const PlannerOption& option : kTable) {
    this->*option.value = option.standard;
  }
}

PlannerOptions PlannerOptions::from_yaml(const ConfigNode& node) {
  PlannerOptions options;
  for (const PlannerOption& option : kTable) {
    double& value = options.*option.value;
    value = option.is_whole
                ? static_cast<double>(node.integer_or(
                      option.name, static_cast<std::int64_t>(option.standard), option.range))
                : node.number_or(option.name, option.standard, option.range);
  }
  require(node, options.miss_margin_least, options.miss_margin,
          "miss_margin_least not to be above miss_margin");
  require(node, options.miss_margin, options.miss_margin_most,
          "miss_margin not to be above miss_margin_most");
  require(node, options.power_margin_least, options.power_margin_most,
          "power_margin_least not to be above power_margin_most");
  require(node, options.heat_margin_least, options.heat_margin_most,
          "heat_margin_least not to be above heat_margin_most");
  require(node, options.calm_share, options.restless_share,
          "calm_share not to be above restless_share");
  node.reject_unknown();
  return options;
}

std::span<const PlannerOption> planner_table() { return kTable; }

}  // namespace rein
