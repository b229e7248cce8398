#include "study/training/lesson.hpp"

#include <algorithm>
#include <memory>

namespace rein {

namespace {

/// One environment, and the agent's session in it.
struct Stream {
  Episode episode;
  std::unique_ptr<Session> session;
  PeriodRecord now, last;
  bool is_over = false;
};

/// Lives one period of the stream's.
void play_period(Learner& agent, Stream& stream) {
  Environment& environment = *stream.episode.environment;
  PeriodRecord& now = stream.now;
  const PeriodRecord* const last = now.index == 0 ? nullptr : &stream.last;
  now.updates = agent.updates();
  now.decision =
      agent.policy().decide(View(now.observation, environment.task(), last), *stream.session);
  now.action = now.decision.action;
  now.result = environment.step(now.action);
  agent.learn(now, *stream.session);
  stream.is_over = now.result.terminated || now.result.truncated;
  std::swap(stream.now, stream.last);
  stream.now.index = stream.last.index + 1;
  stream.now.observation = stream.last.result.observation;
}

}  // namespace

std::optional<std::uint64_t> PlayLesson::teach(Learner& agent, std::uint64_t first,
                                               std::uint64_t count,
                                               const std::function<bool()>& stop,
                                               const std::function<void(double)>& progress) {
  std::vector<Stream> streams(count);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Stream& stream = streams[i];
    stream.episode = draw_(first + i);
    stream.now.observation = stream.episode.environment->reset(stream.episode.seed);
    stream.session = agent.policy().begin_episode(random_);
  }
  std::uint64_t periods = 0;
  while (std::ranges::any_of(streams, [](const Stream& stream) { return !stream.is_over; })) {
    if (stop()) {
      return std::nullopt;
    }
    double share = 0.0;
    for (Stream& stream : streams) {
      if (stream.is_over) {
        continue;
      }
      play_period(agent, stream);
      share = stream.last.result.info.time_s / stream.episode.duration_s;
      ++periods;
    }
    progress(share);
  }
  for (Stream& stream : streams) {
    agent.end_episode(*stream.session);
  }
  return periods;
}

std::optional<std::uint64_t> ReplayLesson::teach(Learner& agent, std::uint64_t first,
                                                 std::uint64_t count,
                                                 const std::function<bool()>& stop,
                                                 const std::function<void(double)>& progress) {
  std::uint64_t periods = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto session = agent.policy().begin_episode(random_);
    for (const auto& each : recordings_[(first + i) % recordings_.size()]) {
      if (stop()) {
        return std::nullopt;
      }
      agent.learn(each, *session);
      ++periods;
    }
    agent.end_episode(*session);
    progress(static_cast<double>(i + 1) / static_cast<double>(count));
  }
  return periods;
}

}  // namespace rein
