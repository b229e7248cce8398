#include "study/run/run_description.hpp"

#include <cmath>

namespace rein {

nlohmann::ordered_json describe_run(const RunConfig& config, const std::string& agent,
                                    std::uint64_t seed, const std::string& ended,
                                    const RunSummary& summary) {
  nlohmann::ordered_json json;
  json["version"] = REIN_VERSION;
  json["agent"] = agent;
  json["board"] = config.board.name;
  json["scenario"] = config.scenario.name;
  json["seed"] = seed;
  json["objective"] = config.objective.name();
  json["period_ms"] = to_milliseconds(config.period);
  // To the millisecond: sums of periods are.
  json["duration_s"] = std::round(1e3 * summary.duration_s()) / 1e3;
  json["planned_s"] = config.duration_s;
  json["ended"] = ended;
  json.update(summary.to_json());
  return json;
}

}  // namespace rein
