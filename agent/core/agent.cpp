#include "agent/core/agent.hpp"

#include "agent/core/action_limits.hpp"
#include "common/error.hpp"

namespace rein {

Problem problem_of(const Environment& environment) {
  if (const auto mistake = too_many_actions(environment.action_space(), kMostActions)) {
    throw ConfigError("controls: " + *mistake);
  }
  Problem problem{environment.action_space(),
                  environment.observation_spec(),
                  {},
                  environment.signals(),
                  environment.description()};
  for (ActionId action = 0; action < problem.actions.size(); ++action) {
    problem.reward_bounds.push_back(environment.reward_bound(action));
  }
  return problem;
}

const Task& View::nothing_asked() {
  static const Task nothing;
  return nothing;
}

}  // namespace rein
