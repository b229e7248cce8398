#include "agent/neural/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace rein {

namespace {

void append(const Observation& observation, std::vector<float>& rows) {
  std::ranges::transform(observation, std::back_inserter(rows),
                         [](double value) { return static_cast<float>(value); });
}

/// One of `steps` rows.
template <typename Number>
void append_row(const std::vector<Number>& from, std::size_t row, std::size_t steps,
                std::vector<Number>& rows) {
  const std::size_t size = from.size() / steps;
  rows.insert(rows.end(), from.begin() + row * size, from.begin() + (row + 1) * size);
}

}  // namespace

void Rollout::add(const PeriodRecord& record, double reward, const ActionBranches& branches) {
  const StepResult& result = record.result;
  append(record.observation, observations);
  append(result.observation, next_observations);
  parts.resize(parts.size() + branches.count());
  branches.split(record.action, std::span(parts).last(branches.count()));
  rewards.push_back(reward);
  terminated.push_back(result.terminated ? 1 : 0);
  cut.push_back(result.terminated || result.truncated ? 1 : 0);
}

void Rollout::add(const Rollout& other, std::size_t step) {
  const std::size_t steps = other.size();
  append_row(other.observations, step, steps, observations);
  append_row(other.next_observations, step, steps, next_observations);
  append_row(other.parts, step, steps, parts);
  append_row(other.rewards, step, steps, rewards);
  append_row(other.terminated, step, steps, terminated);
  append_row(other.cut, step, steps, cut);
}

void Rollout::cut_last() {
  if (!cut.empty()) {
    cut.back() = 1;
  }
}

void Rollout::archive(Archive& archive, std::size_t features, const ActionBranches& branches,
                      std::size_t room) {
  archive.numbers("rewards", rewards);
  const std::size_t steps = size();
  if (steps >= room) {
    archive.reject("rewards", fmt::format("expected less than {} numbers, found {}", room, steps));
  }
  archive.packed<float>("observations", observations, steps * features);
  archive.packed<float>("next_observations", next_observations, steps * features);
  branches.archive(archive, "actions", parts, steps);
  archive.counts("terminated", terminated, steps, Range::share());
  archive.counts("cut", cut, steps, Range::share());
}

}  // namespace rein
