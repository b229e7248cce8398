#include "study/training/lesson.hpp"

#include <algorithm>

namespace rein {

namespace {

/// One environment, and what the agent sees in it.
struct Stream {
  Episode episode;
  Observation observation;
  bool is_over = false;
};

}  // namespace

std::optional<std::uint64_t> PlayLesson::teach(Agent& agent, std::uint64_t first,
                                               std::uint64_t count,
                                               const std::function<bool()>& stop,
                                               const std::function<void(double)>& progress) {
  std::vector<Stream> streams(count);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i].episode = draw_(first + i);
    streams[i].observation = streams[i].episode.environment->reset(streams[i].episode.seed);
    agent.begin_episode(i);
  }
  std::uint64_t periods = 0;
  while (std::ranges::any_of(streams, [](const Stream& stream) { return !stream.is_over; })) {
    if (stop()) {
      return std::nullopt;
    }
    double share = 0.0;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      Stream& stream = streams[i];
      if (stream.is_over) {
        continue;
      }
      agent.attend(i);
      const ActionId action =
          agent.act(View(stream.observation, stream.episode.environment->task()));
      const StepResult& result = stream.episode.environment->step(action);
      agent.observe({stream.observation, action, result.reward, result.info.reward_terms,
                     result.observation, result.terminated, result.truncated, &result.info, i});
      stream.observation = result.observation;
      stream.is_over = result.terminated || result.truncated;
      share = result.info.time_s / stream.episode.duration_s;
      ++periods;
    }
    progress(share);
  }
  agent.attend(0);
  return periods;
}

std::optional<std::uint64_t> ReplayLesson::teach(Agent& agent, std::uint64_t first,
                                                 std::uint64_t count,
                                                 const std::function<bool()>& stop,
                                                 const std::function<void(double)>& progress) {
  std::uint64_t periods = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    agent.begin_episode();
    for (const auto& each : recordings_[(first + i) % recordings_.size()]) {
      if (stop()) {
        return std::nullopt;
      }
      agent.observe({each.observation, each.action, each.reward, each.terms, each.next_observation,
                     /*terminated=*/false, /*truncated=*/false});
      ++periods;
    }
    progress(static_cast<double>(i + 1) / static_cast<double>(count));
  }
  return periods;
}

}  // namespace rein
