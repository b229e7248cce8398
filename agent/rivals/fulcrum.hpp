#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/config_node.hpp"

namespace rein {

/// A search like that of Fulcrum (Prashanthi, Taluri, Gupta, Ranjan Saikia, Sahoo, Joshi, Karwa,
/// Dhule & Simmhan, "Fulcrum: Optimizing Concurrent DNN Training and Inferencing on Edge
/// Accelerators", arXiv 2509.20205): few configurations are profiled, chosen one after the other by
/// the slopes along each knob that those before showed, until the best under the limits on latency
/// and power is found. What was not profiled is never taken.
///
/// Whenever something else is asked for it searches again, from all that was profiled until then.
class Fulcrum final : public Policy {
 public:
  struct Options {
    std::size_t profiled = 15;  ///< Configurations at most in one search, at least 1; theirs.
    double margin = 2.0;        ///< Of the profiled latency, for chance and co-runners; 1 to 10.
    double power_share = 0.97;  ///< Of each limit on power and energy that may be used; in (0, 1].
    static Options from_yaml(const ConfigNode& node);
  };

  Fulcrum(const Options& options, Profile profile, Problem problem);

  /// What an episode has profiled, and found.
  struct Now final : Session {
    using Session::Session;
    std::vector<ActionId> known;        ///< In the order in which they were profiled.
    std::optional<Situation> searched;  ///< What `chosen` is for.
    ActionId chosen = 0;
  };

  std::string kind() const override { return "fulcrum"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override {
    return std::make_unique<Now>(random);
  }
  Decision decide(const View& view, Session& session) const override;

  /// Searches for the best under `asked`; profiles at most Options::profiled more.
  void search(const Situation& asked, Now& now) const;

 private:
  /// Where an action is: for knobs with an order the logarithm of the level's value, each divided
  /// by the range of it; for each level but the first of one without an order, 1 if it is that.
  using Position = std::vector<double>;
  Position position(const Action& levels) const;
  /// The middle of all knobs, and then a neighbour of it along each.
  std::vector<ActionId> first_looks() const;
  struct Slopes;
  Slopes fit(const std::vector<ActionId>& known) const;
  /// What is to be expected by the slopes, from the profiled configuration that is nearest.
  ProfileEntry expect(ActionId action, const Slopes& slopes, const Now& now) const;
  ActionId best_known(const Situation& asked, const Now& now) const;

  Options options_;
  Profile profile_;
  Problem problem_;
  ProfiledUse use_;
  std::vector<Position> positions_;  ///< [actions]
};

}  // namespace rein
