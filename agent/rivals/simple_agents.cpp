#include "agent/rivals/simple_agents.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

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

void StaticAgent::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind_, problem_);
  json["action"] = action_;
  write_file(file, json.dump(1) + "\n");
}

void StaticAgent::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const double last = static_cast<double>(problem_.actions.size() - 1);
  const auto action = static_cast<ActionId>(node.at("action").integer({.min = 0.0, .max = last}));
  if (is_chosen_ && action != action_) {
    node.at("action").reject(fmt::format(
        "expected the agent's `configuration` ({}), which would have no effect, found {}",
        problem_.actions.describe(problem_.actions.decode(action_)),
        problem_.actions.describe(problem_.actions.decode(action))));
  }
  action_ = action;
}

RandomAgent::RandomAgent(Problem problem, Random& random)
    : problem_(std::move(problem)), random_(random) {}

void RandomAgent::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["random"] = random_.save();
  write_file(file, json.dump(1) + "\n");
}

void RandomAgent::load(const std::filesystem::path& file) {
  load_random(open_checkpoint(file, kind(), problem_).at("random"), random_);
}

}  // namespace rein
