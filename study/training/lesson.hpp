#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "agent/core/learner.hpp"
#include "common/random.hpp"
#include "env/environment.hpp"
#include "env/episode.hpp"

namespace rein {

/// The episode of that number: always the same one.
using DrawEpisode = std::function<Episode(std::uint64_t index)>;

/// How an agent is taught: what Trainer repeats, whatever it is.
class Lesson {
 public:
  virtual ~Lesson() = default;

  /// How many episodes make a round.
  virtual std::uint64_t episodes_at_once() const = 0;

  /// Teaches the episodes `first` to `first + count - 1`, a round or the rest of one. What it does
  /// depends on the agent and these numbers alone. Returns the transitions; nothing if `stop` said
  /// so in the middle: then the agent is that of no round, and of no use.
  /// @param progress  is told now and then what share of the round is done.
  virtual std::optional<std::uint64_t> teach(Learner& agent, std::uint64_t first,
                                             std::uint64_t count, const std::function<bool()>& stop,
                                             const std::function<void(double)>& progress) = 0;
};

/// Lets the agent play in several environments at once, period by period in turn.
class PlayLesson final : public Lesson {
 public:
  /// @param environments  at once; at least 1.
  /// @param random  what the agent draws from; must outlive the lesson.
  PlayLesson(DrawEpisode draw, std::size_t environments, Random& random)
      : draw_(std::move(draw)), environments_(environments), random_(random) {}

  std::uint64_t episodes_at_once() const override { return environments_; }
  std::optional<std::uint64_t> teach(Learner& agent, std::uint64_t first, std::uint64_t count,
                                     const std::function<bool()>& stop,
                                     const std::function<void(double)>& progress) override;

 private:
  DrawEpisode draw_;
  std::size_t environments_;
  Random& random_;
};

/// Shows the agent what others did: each of its episodes is one recording, from its beginning, and
/// after the last comes the first again.
class ReplayLesson final : public Lesson {
 public:
  /// @pre at least one recording; none is empty.
  /// @param random  what the agent draws from; must outlive the lesson.
  ReplayLesson(std::vector<std::vector<PeriodRecord>> recordings, Random& random)
      : recordings_(std::move(recordings)), random_(random) {}

  std::uint64_t episodes_at_once() const override { return recordings_.size(); }
  std::optional<std::uint64_t> teach(Learner& agent, std::uint64_t first, std::uint64_t count,
                                     const std::function<bool()>& stop,
                                     const std::function<void(double)>& progress) override;

 private:
  std::vector<std::vector<PeriodRecord>> recordings_;
  Random& random_;
};

}  // namespace rein
