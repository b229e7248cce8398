#include "agent/rivals/simple_agents.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent/core/checkpoint.hpp"
#include "common/error.hpp"

namespace rein {

StaticAgent::StaticAgent(ActionId action, Problem problem, std::string kind, bool is_chosen)
    : action_(action),
      problem_(std::move(problem)),
      kind_(std::move(kind)),
      is_chosen_(is_chosen) {}

ActionId StaticAgent::read_configuration(const ConfigNode& node, const ActionSpace& actions) {
  const auto& knobs = actions.knobs();
  std::vector<std::size_t> levels = actions.decode(actions.size() - 1);
  for (const auto& [name, child] : node.entries()) {
    std::vector<std::size_t> found;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < knobs.size(); ++i) {
      names.push_back(knobs[i].name);
      if (knobs[i].name == name || knobs[i].name.starts_with(name + ".")) {
        found.push_back(i);
      }
    }
    if (found.size() != 1) {
      child.reject(
          fmt::format("expected one of the knobs {}, found '{}'", fmt::join(names, ", "), name));
    }
    try {
      levels[found.front()] = knobs[found.front()].find(child.text());
    } catch (const ConfigError&) {
      throw;
    } catch (const Error& error) {
      child.reject(error.what());
    }
  }
  return actions.encode(levels);
}

void StaticAgent::archive(Archive& archive) {
  archive_header(archive, kind(), problem_, LearnedOf::kMachine);
  archive.keep(action_);
  const ActionId before = action_;
  archive.index("action", action_, problem_.actions.size());
  if (is_chosen_ && action_ != before) {
    archive.reject("action", fmt::format("expected the agent's `configuration` ({}), which would "
                                         "have no effect, found {}",
                                         problem_.actions.describe(before),
                                         problem_.actions.describe(action_)));
  }
}

RandomAgent::RandomAgent(Problem problem, Random& random)
    : problem_(std::move(problem)), random_(random) {}

void RandomAgent::archive(Archive& archive) {
  archive_header(archive, kind(), problem_, LearnedOf::kMachine);
  archive.keep(random_);
  archive.random("random", random_);
}

}  // namespace rein
