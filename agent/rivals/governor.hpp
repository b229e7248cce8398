#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/situation.hpp"
#include "agent/rivals/held_knobs.hpp"
#include "common/config_node.hpp"

namespace rein {

/// The governors of Linux (Documentation/admin-guide/pm/cpufreq.rst): they set each domain's clock
/// by its load alone, and know of no request. Width and place stay as they are.
///
/// A domain's load is that of its busiest CPU, ours and others' together; of a domain that is not
/// of CPUs, `gpu_load_share`; where neither is measured, the share of the period in which requests
/// were served. Linux looks every few milliseconds, this once a period.
class Governor final : public Agent {
 public:
  enum class Rule { kPerformance, kPowersave, kOndemand, kSchedutil };
  struct Options {
    Rule rule = Rule::kSchedutil;
    double up_threshold = 0.8;  ///< Of ondemand: the load above which the clock is set highest.
    static Options from_yaml(const ConfigNode& node);
  };

  Governor(Options options, HeldKnobs held, Problem problem);

  std::string kind() const override { return "governor"; }
  void begin_episode(std::size_t stream = 0) override;
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  void archive(Archive& archive) override;

  /// The level that a domain of these frequencies gets at this load. @param level  the present one.
  static std::size_t next_level(const Options& options, const std::vector<Knob::Level>& levels,
                                std::size_t level, double load);

 private:
  /// In [0, 1], in a period that had a report.
  double load_of(const Knob& domain, const StepInfo& info) const;

  Options options_;
  HeldKnobs held_;
  Problem problem_;
  KnobLayout layout_;
  std::vector<std::size_t> levels_;  ///< [frequencies]: what comes next.
};

}  // namespace rein
