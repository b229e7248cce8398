#pragma once

#include <memory>

#include "agent/core/agent.hpp"

namespace rein {

inline std::unique_ptr<Agent> agent_of(std::unique_ptr<Learner> learner) {
  return std::unique_ptr<Agent>(dynamic_cast<Agent*>(learner.release()));
}

}  // namespace rein
