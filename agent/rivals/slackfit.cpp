#include "agent/rivals/slackfit.hpp"

#include <algorithm>
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
  return std::ranges::min_element(profile_.entries, {},
                                  [&](const ProfileEntry& entry) {
                                    return use_.rank(entry, asked, options_.margin,
                                                     options_.power_share, waited_ms);
                                  })
      ->action;
}

Decision SlackFit::decide(const View& view, Session& /*session*/) const {
  double waited_ms = 0.0;
  if (view.last != nullptr && !view.last->result.info.applications.empty()) {
    waited_ms = managed_service(view.last->result.info).waited_ms;
  }
  return {.action = problem_.actions.decode(choose(Situation::of(view.task), waited_ms))};
}

}  // namespace rein
