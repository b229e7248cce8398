#include "agent/make_agent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/core/action_limits.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/unlearning.hpp"
#include "agent/model_based/model_based.hpp"
#include "agent/neural/actor_critic.hpp"
#include "agent/neural/dqn.hpp"
#include "agent/oracle/oracle.hpp"
#include "agent/q_learning/q_learning.hpp"
#include "agent/rivals/alert.hpp"
#include "agent/rivals/fulcrum.hpp"
#include "agent/rivals/governor.hpp"
#include "agent/rivals/held_knobs.hpp"
#include "agent/rivals/poet.hpp"
#include "agent/rivals/prime_q.hpp"
#include "agent/rivals/profile_source.hpp"
#include "agent/rivals/simple_agents.hpp"
#include "agent/rivals/slackfit.hpp"
#include "agent/rivals/ztt.hpp"

namespace rein {

namespace {

/// What agents are made of.
struct Ingredients {
  const ConfigNode& node;
  const Problem& problem;
  Random& random;
  const Foresight& foresight;

  Profile profile() const { return require_profile(node, problem, random, foresight); }
  HeldKnobs held(const HeldKnobs::Options& fallback) const {
    return {node, fallback, problem, find_profile(node, problem, random, foresight)};
  }
  void require(bool has_foresight) const {
    if (!has_foresight) {
      const ConfigNode kind = node.at("kind");
      kind.reject(
          fmt::format("{} needs a simulated board: `platform: {{kind: simulated}}`", kind.text()));
    }
  }
};

using Made = std::unique_ptr<Learner>;

Made make_q_learning(const Ingredients& from) {
  const auto options = QLearning::Options::from_yaml(from.node);
  const ObservationSpec& observations = from.problem.observations;
  auto states = from.node.has("state")
                    ? StateAggregation::from_yaml(from.node.at("state"), observations)
                    : StateAggregation::standard(observations);
  return std::make_unique<QLearning>(options, std::move(states), from.problem, from.random);
}

/// One that does not learn.
template <typename Kind, typename... Parts>
Made make_unlearning(const Ingredients& from, Parts&&... parts) {
  return std::make_unique<Unlearning>(std::make_unique<Kind>(std::forward<Parts>(parts)...),
                                      from.problem, from.random);
}

/// From nothing, or from a profile: that of a file, or measured beforehand.
Made make_model_based(const Ingredients& from) {
  const auto options = ModelBased::Options::from_yaml(from.node);
  auto agent = std::make_unique<ModelBased>(options, from.problem);
  if (from.node.boolean_or("measure_profile", false) || from.node.has("profile")) {
    agent->begin_with(
        ResponseModel::Prior::of_profile(from.problem, from.profile(), options.planner));
  }
  return agent;
}

Made make_static(const Ingredients& from) {
  const ConfigNode configuration =
      from.node.has("configuration") ? from.node.at("configuration") : ConfigNode::parse("{}", "");
  return make_unlearning<StaticPolicy>(
      from, StaticPolicy::read_configuration(configuration, from.problem.actions), from.problem,
      "static", from.node.has("configuration"));
}

Made make_best_static(const Ingredients& from) {
  from.require(from.foresight.find_best_static != nullptr);
  return make_unlearning<StaticPolicy>(from, from.foresight.find_best_static(), from.problem,
                                       "best_static");
}

Made make_random(const Ingredients& from) {
  return make_unlearning<RandomPolicy>(from, from.problem.actions);
}

Made make_oracle(const Ingredients& from) {
  from.require(from.foresight.clairvoyant != nullptr);
  return make_unlearning<Oracle>(from, Oracle::Options::from_yaml(from.node), from.problem,
                                 *from.foresight.clairvoyant);
}

Made make_governor(const Ingredients& from) {
  const auto options = Governor::Options::from_yaml(from.node);
  return make_unlearning<Governor>(
      from, options, from.held({.width = "highest", .mapping = "fastest"}), from.problem);
}

/// With what `rein profile` measures.
template <typename Kind>
Made make_profiled(const Ingredients& from) {
  const auto options = Kind::Options::from_yaml(from.node);
  return make_unlearning<Kind>(from, options, from.profile(), from.problem);
}

/// Of options and problem alone.
template <typename Kind>
Made make_plain(const Ingredients& from) {
  return std::make_unique<Kind>(Kind::Options::from_yaml(from.node), from.problem);
}

/// With what is drawn, too.
template <typename Kind>
Made make_drawing(const Ingredients& from) {
  return std::make_unique<Kind>(Kind::Options::from_yaml(from.node), from.problem, from.random);
}

/// With knobs that it leaves alone.
template <typename Kind>
Made make_holding(const Ingredients& from) {
  const auto options = Kind::Options::from_yaml(from.node);
  return std::make_unique<Kind>(options, from.held({}), from.problem, from.random);
}

struct Maker {
  std::string kind;
  Made (*make)(const Ingredients&);
  /// By what an action costs it in memory and in each period (docs/agents.md has the figures).
  std::size_t most_actions;
};

const std::vector<Maker>& makers() {
  static const std::vector<Maker> all = {{"model_based", make_model_based, 60'000},
                                         {"q_learning", make_q_learning, 8'000},
                                         {"dqn", make_drawing<Dqn>, kMostActions},
                                         {"actor_critic", make_drawing<ActorCritic>, kMostActions},
                                         {"static", make_static, kMostActions},
                                         {"best_static", make_best_static, 200'000},
                                         {"oracle", make_oracle, 50'000},
                                         {"random", make_random, kMostActions},
                                         {"governor", make_governor, 200'000},
                                         {"alert", make_profiled<Alert>, 200'000},
                                         {"poet", make_profiled<Poet>, 200'000},
                                         {"slackfit", make_profiled<SlackFit>, 200'000},
                                         {"fulcrum", make_profiled<Fulcrum>, 50'000},
                                         {"prime_q", make_holding<PrimeQ>, 200'000},
                                         {"ztt", make_holding<Ztt>, 200'000}};
  return all;
}

}  // namespace

const std::vector<std::string>& agent_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> names;
    std::ranges::transform(makers(), std::back_inserter(names), &Maker::kind);
    return names;
  }();
  return kinds;
}

std::unique_ptr<Learner> make_agent(const ConfigNode& node, const Problem& problem, Random& random,
                                    const Foresight& foresight) {
  const std::string kind = node.at("kind").one_of(agent_kinds());
  const Maker& maker = *std::ranges::find(makers(), kind, &Maker::kind);
  if (const auto mistake = too_many_actions(problem.actions, maker.most_actions)) {
    node.at("kind").reject(fmt::format("{} bears not so many: {}", kind, *mistake));
  }
  auto agent = maker.make({node, problem, random, foresight});
  node.reject_unknown();
  return agent;
}

}  // namespace rein
