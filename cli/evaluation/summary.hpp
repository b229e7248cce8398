#pragma once

#include <list>
#include <vector>

#include "cli/evaluation/episode_task.hpp"
#include "cli/evaluation/plan.hpp"
#include "cli/report/evaluation.hpp"

namespace rein {

/// What the episodes came to. @param outcomes  of make_tasks(), in its order.
report::Evaluation summarise(const EvaluationPlan& plan, const std::list<EvaluatedWorld>& worlds,
                             const std::vector<EpisodeOutcome>& outcomes);

}  // namespace rein
