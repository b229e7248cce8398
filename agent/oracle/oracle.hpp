#pragma once

#include <cstddef>
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
constexpr int kOracleVersion = 1;

/// Takes the best feasible configuration in every period, since it can ask what each leads to.
///
/// An action is feasible if it keeps all budgets once the change to it is over. Of the feasible
/// ones it takes the one with the highest reward, in which the cost of the change is spread over
/// some seconds; if none is feasible, of those that break the budgets least. Of equals it stays
/// with the one in force, or else takes the one with the lowest number, the slowest.
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
    bool is_feasible() const;
  };
  struct Now final : Session {
    using Session::Session;
    std::optional<ActionId> in_force;
    Action levels;  ///< Of the action that is looked at.
  };
  Outlook foresee(ActionId action, std::size_t periods, Now& now) const;
  Prospect look(ActionId action, std::size_t periods, Now& now) const;
  /// A short look at all that could be better than what is known. The most promising come first.
  std::vector<Prospect> screen(const std::vector<Prospect>& known, Now& now) const;
  /// What to do while requests wait, before `settled` is right again: the next ones wait for them.
  ActionId best_soon(ActionId settled, Now& now) const;
  /// Best first.
  static void sort(std::vector<Prospect>& prospects, const Now& now);

  Options options_;
  Problem problem_;
  Clairvoyant& clairvoyant_;
};

}  // namespace rein
