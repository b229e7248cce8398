#include "agent/make_agent.hpp"

#include <fmt/format.h>

#include "agent/actor_critic.hpp"
#include "agent/alert.hpp"
#include "agent/dqn.hpp"
#include "agent/governor.hpp"
#include "agent/knob_layout.hpp"
#include "agent/model_based.hpp"
#include "agent/oracle.hpp"
#include "agent/poet.hpp"
#include "agent/prime_q.hpp"
#include "agent/profile_source.hpp"
#include "agent/q_learning.hpp"
#include "agent/simple_agents.hpp"
#include "agent/ztt.hpp"

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
  static const std::vector<std::string> kinds = {
      "model_based", "q_learning", "dqn",   "actor_critic", "static",  "best_static", "oracle",
      "random",      "governor",   "alert", "poet",         "prime_q", "ztt"};
  return kinds;
}

std::unique_ptr<Agent> make_agent(const ConfigNode& node, const Problem& problem, Random& random,
                                  const Foresight& foresight) {
  const std::string kind = node.at("kind").one_of(agent_kinds());
  const auto profile = [&] { return require_profile(node, problem, random, foresight); };
  const auto held = [&](const HeldKnobs::Options& fallback) {
    return HeldKnobs(node, fallback, problem, find_profile(node, problem, random, foresight));
  };
  std::unique_ptr<Agent> agent;
  if (kind == "q_learning") {
    const auto options = QLearning::Options::from_yaml(node);
    auto states = node.has("state")
                      ? StateAggregation::from_yaml(node.at("state"), problem.observations)
                      : StateAggregation::standard(problem.observations);
    agent = std::make_unique<QLearning>(options, std::move(states), problem, random);
  } else if (kind == "model_based") {
    agent = std::make_unique<ModelBased>(ModelBased::Options::from_yaml(node), problem);
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
  } else if (kind == "random") {
    agent = std::make_unique<RandomAgent>(problem, random);
  } else if (kind == "governor") {
    const auto options = Governor::Options::from_yaml(node);
    agent = std::make_unique<Governor>(options, held({.width = "highest", .mapping = "fastest"}),
                                       problem);
  } else if (kind == "alert") {
    const auto options = Alert::Options::from_yaml(node);
    agent = std::make_unique<Alert>(options, profile(), problem);
  } else if (kind == "poet") {
    const auto options = Poet::Options::from_yaml(node);
    agent = std::make_unique<Poet>(options, profile(), problem);
  } else if (kind == "prime_q") {
    const auto options = PrimeQ::Options::from_yaml(node);
    agent = std::make_unique<PrimeQ>(options, held({}), problem, random);
  } else {
    const auto options = Ztt::Options::from_yaml(node);
    agent = std::make_unique<Ztt>(options, held({}), problem, random);
  }
  node.reject_unknown();
  return agent;
}

}  // namespace rein
