#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/response_model.hpp"
#include "agent/situation.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// Model-based reinforcement learning (Dyna: Sutton 1990; Sutton & Barto 2018, chapter 8).
class Dyna final : public Agent {
 public:
  struct Options {
    double latency_price = 30.0;
    double power_price = 10.0;
    double power_margin = 0.006;
    double miss_margin = 0.5;  ///< Of the share that may miss.
    double stay = 0.003;
    double optimism = 1.0;
    double worth_trying = 0.01;
    double patience = 40;  ///< Periods.

    std::string prior;
    static Options from_yaml(const ConfigNode& node);
  };

  Dyna(const Options& options, Problem problem, Random& random);

  std::string kind() const override { return "dyna"; }
  bool learns() const override { return true; }
  void begin_episode(std::size_t stream) override;
  ExplorationStatus exploration() const override { return exploration_; }
  ActionId act(const Observation& observation) override;
  void observe(const Transition& transition) override;
  void save(const std::filesystem::path& file) const override;
  void load(const std::filesystem::path& file) override;

 private:
  double worth(ActionId action, const Forecast& forecast, const Situation& now,
               double optimism) const;

  Options options_;
  Problem problem_;
  Random& random_;
  SituationReader reader_;
  ResponseModel model_;
  std::vector<Forecast> forecasts_;
  std::optional<ActionId> in_force_;
  double expected_power_w_ = 0.0;
  double power_limit_w_ = 0.0;
  double margin_ = 0.5;
  double power_margin_ = 0.006;
  ExplorationStatus exploration_;
  double lowest_top1_ = 0.0;
  double highest_top1_ = 1.0;
};

}  // namespace rein
