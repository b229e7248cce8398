#include "agent/make_agent.hpp"

#include <fmt/format.h>

#include "agent/actor_critic.hpp"
#include "agent/dqn.hpp"
#include "agent/oracle.hpp"
#include "agent/q_learning.hpp"
#include "agent/simple_agents.hpp"

namespace rein {

namespace {

void require(bool has_foresight, const ConfigNode& kind) {
  if (!has_foresight) {
    kind.reject(
        fmt::format("{} needs a simulated board: `platform: {{kind: simulated}}`", kind.text()));
  }
}

}  // namespace

const std::vector<std::string>& agent_kinds() {
  static const std::vector<std::string> kinds = {"q_learning", "static", "best_static", "oracle",
                                                 "random",     "dqn",    "actor_critic"};
  return kinds;
}

std::unique_ptr<Agent> make_agent(const ConfigNode& node, const Problem& problem, Random& random,
                                  const Foresight& foresight) {
  const std::string kind = node.at("kind").one_of(agent_kinds());
  std::unique_ptr<Agent> agent;
  if (kind == "q_learning") {
    const auto options = QLearning::Options::from_yaml(node);
    auto states = node.has("state")
                      ? StateAggregation::from_yaml(node.at("state"), problem.observations)
                      : StateAggregation::standard(problem.observations);
    agent = std::make_unique<QLearning>(options, std::move(states), problem, random);
  } else if (kind == "static") {
    const ConfigNode configuration =
        node.has("configuration") ? node.at("configuration") : ConfigNode::parse("{}", "");
    agent = std::make_unique<StaticAgent>(
        StaticAgent::read_configuration(configuration, problem.actions), problem);
  } else if (kind == "best_static") {
    require(foresight.find_best_static != nullptr, node.at("kind"));
    agent = std::make_unique<StaticAgent>(foresight.find_best_static(), problem, kind);
  } else if (kind == "oracle") {
    require(foresight.clairvoyant != nullptr, node.at("kind"));
    agent =
        std::make_unique<Oracle>(Oracle::Options::from_yaml(node), problem, *foresight.clairvoyant);
  } else if (kind == "dqn") {
    agent = std::make_unique<Dqn>(Dqn::Options::from_yaml(node), problem, random);
  } else if (kind == "actor_critic") {
    agent = std::make_unique<ActorCritic>(ActorCritic::Options::from_yaml(node), problem, random);
  } else {
    agent = std::make_unique<RandomAgent>(problem, random);
  }
  node.reject_unknown();
  return agent;
}

}  // namespace rein
