#include "agent/rivals/simple_agents.hpp"

#include <fmt/format.h>

#include <utility>

#include "agent/core/allowed_actions.hpp"
#include "common/error.hpp"

namespace rein {

StaticPolicy::StaticPolicy(Action action, Problem problem, std::string kind, bool is_chosen)
    : action_(std::move(action)),
      problem_(std::move(problem)),
      kind_(std::move(kind)),
      is_chosen_(is_chosen) {}

Action StaticPolicy::read_configuration(const ConfigNode& node, const ActionSpace& actions) {
  const auto& knobs = actions.knobs();
  Action levels = actions.decode(actions.size() - 1);
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
  return levels;
}

void StaticPolicy::archive(Archive& archive) {
  archive.keep(action_);
  const Action before = action_;
  archive.section("action", [this](Archive& levels) {
    const auto& knobs = problem_.actions.knobs();
    for (std::size_t i = 0; i < knobs.size(); ++i) {
      levels.index(knobs[i].name, action_[i], knobs[i].levels.size());
    }
  });
  if (is_chosen_ && action_ != before) {
    archive.reject("action", fmt::format("expected the agent's `configuration` ({}), which would "
                                         "have no effect, found {}",
                                         problem_.actions.describe(before),
                                         problem_.actions.describe(action_)));
  }
}

Decision RandomPolicy::decide(const View& view, Session& session) const {
  const AllowedActions allowed(view, actions_);
  const std::size_t drawn = session.random.index(allowed.size());
  return {.action = actions_.decode(allowed[drawn]),
          .probability = 1.0 / static_cast<double>(allowed.size()),
          .exploration = 1.0,
          .explored = true};
}

}  // namespace rein
