#include "agent/core/problem.hpp"

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
  Action levels;
  for (ActionId action = 0; action < problem.actions.size(); ++action) {
    problem.actions.decode(action, levels);
    problem.reward_bounds.push_back(environment.reward_bound(levels));
  }
  return problem;
}

}  // namespace rein
