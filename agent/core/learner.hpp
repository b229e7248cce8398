#pragma once

#include <cstdint>
#include <filesystem>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "common/archive.hpp"

namespace rein {

/// An agent: a policy, with what makes it better and keeps it. Used from one thread.
class Learner {
 public:
  virtual ~Learner() = default;

  /// As it is now. The same object for as long as the learner lives.
  virtual const Policy& policy() const = 0;
  /// What it is for.
  virtual const Problem& problem() const = 0;

  /// Learns from a period of its own or of somebody else's; what does not learn ignores it.
  /// @param session  of the stream that it is from, in which decide() was called if it is its own.
  virtual void learn(const PeriodRecord& /*record*/, Session& /*session*/) {}

  /// The session's episode is over, or given up: takes over what only the session knows.
  virtual void end_episode(Session& /*session*/) {}

  /// How often learning has changed the policy since it was made or loaded.
  virtual std::uint64_t updates() const { return 0; }

  /// Whether it decides better after it has learned: whether practice is worth anything to it.
  virtual bool learns() const { return false; }

  /// Whether it can learn from what others did when nothing is known of it but what was seen, done
  /// and earned (StepInfo is empty but for the terms of the reward): from a recorded trace.
  virtual bool learns_from_others() const { return false; }

  /// What a checkpoint holds, after archive_header(): all that is needed to go on as if never
  /// stopped, but for the episodes under way. What is read must be kept first (Archive::keep), so
  /// that a learner which cannot read it is as it was.
  virtual void archive(Archive& archive) = 0;

  /// Writes a checkpoint (JSON), and what the policy decides on some views, if it learns: when it
  /// is read back it has to decide the same. @throws Error naming the file.
  void save(const std::filesystem::path& file) const;
  /// Episodes under way are given up: their sessions may not be used again.
  /// @throws ConfigError if the file is not a checkpoint of this kind for this problem; the learner
  ///         is then as it was.
  void load(const std::filesystem::path& file);

 private:
  void archive_examples(Archive& archive) const;
};

}  // namespace rein
