#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "common/config_node.hpp"
#include "env/clairvoyant.hpp"

namespace rein {

/// Of its decisions: another number where the same world and seed may lead to others than before,
/// for whoever keeps results.
constexpr int kOracleVersion = 2;

/// Takes the best feasible configuration in every period, since it can ask what each leads to.
///
/// An action is feasible if it keeps all budgets once the change to it is over. Of the feasible
/// ones it takes the one with the highest reward, in which the cost of the change is spread over
/// some seconds; if none is feasible, of those that break the budgets least. Of equals it stays
/// with the one in force, or else takes the one with the lowest number, the slowest.
///
/// Where requests come by chance it looks at several futures, and changes for a period what it
/// would settle on where that is better in their mean (a policy improved by one step, Bertsekas'
/// rollout): narrower while a queue is there, wider where there is room.
///
/// It knows what is, not what comes: no schedule of co-runners, no draw of chance.
class Oracle final : public Policy {
 public:
  struct Options {
    std::size_t horizon = 50;  ///< Periods that are looked ahead; at least 10.
    std::size_t candidates =
        16;  ///< Actions that are looked at so far, if one of them is feasible.
    static Options from_yaml(const ConfigNode& node);
  };

  /// `clairvoyant` must outlive the agent.
  Oracle(Options options, Problem problem, Clairvoyant& clairvoyant);

  std::string kind() const override { return "oracle"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override {
    return std::make_unique<Now>(random);
  }
  Decision decide(const View& view, Session& session) const override;
  void archive(Archive& archive) override;

 private:
  /// What is to be expected of an action.
  struct Prospect {
    ActionId action = 0;
    double reward = 0.0;     ///< A mean, of the change and what follows.
    double violation = 0.0;  ///< When the change is over.
    double overuse = 0.0;    ///< What of a detour's is of power, energy and heat.
    bool is_feasible() const;
  };
  struct Now final : Session {
    using Session::Session;
    std::optional<ActionId> in_force;
    ActionId settled = 0;      ///< The best in the long run ...
    bool is_feasible = false;  ///< ... and whether it keeps all budgets then, for ...
    std::optional<std::uint64_t> conditions;
    std::size_t kept = 0;             ///< ... so many periods since it was looked for.
    std::vector<ActionId> shortlist;  ///< Worth a look for a period, by chance.
    std::uint64_t draw = 0;
    Action levels, levels_then;  ///< Of the action that is looked at.
  };
  Outlook foresee(ActionId action, std::size_t periods, Now& now) const;
  Prospect look(ActionId action, std::size_t periods, Now& now) const;
  /// A short look at all that could be better than what is known. The most promising come first.
  std::vector<Prospect> screen(const std::vector<Prospect>& known, Now& now) const;
  /// Looks for what is best in the long run.
  void settle(Now& now) const;
  /// What an action for one period and what it settled on after it earn together, and by how much
  /// they break budgets.
  Prospect detour(ActionId action, std::size_t futures, Now& now) const;
  /// What to do for a period where requests come by chance.
  ActionId best_by_chance(bool is_behind, Now& now) const;
  /// What to do while requests wait, before `settled` is right again: the next ones wait for them.
  ActionId best_soon(ActionId settled, Now& now) const;
  /// Best first.
  void sort(std::vector<Prospect>& prospects, const Now& now) const;

  Options options_;
  Problem problem_;
  Clairvoyant& clairvoyant_;
  bool is_by_chance_ = false;
};

}  // namespace rein
