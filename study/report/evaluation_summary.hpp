#pragma once

#include <list>
#include <vector>

#include "study/evaluation/episode_task.hpp"
#include "study/evaluation/evaluation_plan.hpp"
#include "study/report/evaluation_results.hpp"

namespace rein {

/// What the episodes came to. @param outcomes  of make_tasks(), in its order.
report::Evaluation summarise(const EvaluationPlan& plan, const std::list<EvaluatedWorld>& worlds,
                             const std::vector<EpisodeOutcome>& outcomes);

}  // namespace rein
