#pragma once

#include <cstddef>

#include "env/environment.hpp"

namespace rein {

/// The application that an agent manages which, by its paper or for now, manages one: the index
/// among a task's and a period's. Whoever leaves the others out says so by this.
constexpr std::size_t kManagedApplication = 0;

/// What became of its requests. @pre info.applications is not empty.
inline const ServiceReport& managed_service(const StepInfo& info) {
  return info.applications[kManagedApplication].service;
}

}  // namespace rein
