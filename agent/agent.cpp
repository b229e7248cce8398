#include "agent/agent.hpp"

namespace rein {

Problem problem_of(const Environment& environment) {
  Problem problem{environment.action_space(),
                  environment.observation_spec(),
                  {},
                  environment.signals(),
                  environment.task()};
  for (ActionId action = 0; action < problem.actions.size(); ++action) {
    problem.reward_bounds.push_back(environment.reward_bound(action));
  }
  return problem;
}

}  // namespace rein
