#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/profile.hpp"
#include "agent/core/situation.hpp"
#include "common/archive.hpp"
#include "common/config_node.hpp"

namespace rein {

/// The knobs that an agent of clocks alone leaves as they are: width and place. Bandwidths are at
/// their highest.
class HeldKnobs {
 public:
  /// How width and place are found.
  struct Options {
    /// A level's label, `highest`, or `best`: that of the configuration which, by the profile,
    /// keeps the budgets best.
    std::string width = "best";
    /// A place's label, `last`, `fastest` (by the profile, at that width), or `best`.
    std::string mapping = "best";
    /// Of the time that a request has, what the best may take by the profile: the rest is for
    /// co-runners and chance. In (0, 1].
    double time_share = 0.4;
  };

  /// Reads `width`, `mapping` and `time_share`. Without a profile `best` is `highest` or `last`,
  /// and so is `fastest`. @throws ConfigError for labels that there are not.
  HeldKnobs(const ConfigNode& node, const Options& fallback, Problem problem,
            std::optional<Profile> profile);

  /// A level for each knob, with frequencies at their highest. Chosen once, for the budgets of the
  /// first call.
  const std::vector<std::size_t>& levels(const Situation& now);

  /// What was chosen, as an action; null if nothing was yet. Keeps what it reads into.
  void archive(Archive& archive, const std::string& key);

  const std::optional<Profile>& profile() const { return profile_; }

 private:
  std::size_t given_or(std::size_t knob, const std::string& wish, std::size_t otherwise) const;
  std::vector<std::size_t> choose(const Situation& now) const;

  Problem problem_;
  KnobLayout layout_;
  Options options_;
  std::optional<Profile> profile_;
  std::vector<std::size_t> levels_;  ///< Empty until they are chosen.
};

}  // namespace rein
