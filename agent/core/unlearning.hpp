#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"

namespace rein {

/// An agent that does not learn: nothing but its policy.
class Unlearning final : public Learner {
 public:
  /// @param random  must outlive it; its state is part of the checkpoint.
  Unlearning(std::unique_ptr<Policy> policy, Problem problem, Random& random)
      : policy_(std::move(policy)), problem_(std::move(problem)), random_(random) {}

  const Policy& policy() const override { return *policy_; }
  const Problem& problem() const override { return problem_; }
  void archive(Archive& archive) override {
    archive_header(archive, policy_->kind(), problem_, LearnedOf::kMachine);
    archive.keep(random_);
    archive.random("random", random_);
    archive.part("policy", *policy_);
  }

 private:
  std::unique_ptr<Policy> policy_;
  Problem problem_;
  Random& random_;
};

}  // namespace rein
