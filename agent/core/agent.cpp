#include "agent/core/agent.hpp"

#include "agent/core/action_limits.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"

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

void Agent::save(const std::filesystem::path& file) const {
  Archive written;
  const_cast<Agent*>(this)->archive(written);  // What writes changes nothing.
  write_file(file, json_text(written.json(), 1) + "\n");
}

void Agent::load(const std::filesystem::path& file) {
  // JSON is YAML, and so gets errors with line and key.
  Archive read(ConfigNode::load_record(file));
  archive(read);
  read.finish();
}

const Task& View::nothing_asked() {
  static const Task nothing;
  return nothing;
}

}  // namespace rein
