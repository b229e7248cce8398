#include "agent/rivals/slackfit.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "agent/core/managed_application.hpp"

namespace rein {

SlackFit::Options SlackFit::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.margin = node.number_or("margin", options.margin, {.min = 1.0, .max = 10.0});
  options.power_share = node.number_or("power_share", options.power_share,
                                       {.min = 0.0, .max = 1.0, .min_excluded = true});
  return options;
}

SlackFit::SlackFit(const Options& options, Profile profile, Problem problem)
    : options_(options),
      profile_(std::move(profile)),
      problem_(std::move(problem)),
      use_(problem_.task) {}

ActionId SlackFit::choose(const Situation& asked, double waited_ms) const {
  const double slack_ms = asked.deadline_ms ? std::max(0.0, *asked.deadline_ms - waited_ms)
                                            : std::numeric_limits<double>::infinity();
  // What cannot be done for a request that has not waited is not lacking of slack. Where the slack
  // is too short for all, the fastest of those that keep the limits is nearest to it.
  using Ranks = std::tuple<double, double, double, double, double, double>;
  std::optional<Ranks> best;
  ActionId chosen = problem_.actions.size() - 1;
  for (const auto& entry : profile_.entries) {
    if (!entry.service_ms) {
      continue;
    }
    const auto [late, below, overuse, cost, power_w] =
        use_.rank(entry, asked, options_.margin, options_.power_share);
    const Ranks ranks{late,    below,
                      overuse, std::max(0.0, options_.margin * *entry.service_ms - slack_ms),
                      cost,    power_w};
    if (!best || ranks < *best) {
      best = ranks;
      chosen = entry.action;
    }
  }
  return chosen;
}

Decision SlackFit::decide(const View& view, Session& /*session*/) const {
  double waited_ms = 0.0;
  if (view.last != nullptr && !view.last->result.info.applications.empty()) {
    waited_ms = managed_service(view.last->result.info).waited_ms;
  }
  return {.action = problem_.actions.decode(choose(Situation::of(view.task), waited_ms))};
}

}  // namespace rein
