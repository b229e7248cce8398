#include "agent/neural/replay_buffer.hpp"

#include <algorithm>
#include <utility>

namespace rein {

namespace {

float to_float(double value) { return static_cast<float>(value); }

}  // namespace

void QBatch::resize(std::size_t size, std::size_t features, std::size_t branches) {
  observations.resize(size * features);
  next_observations.resize(size * features);
  parts.resize(size * branches);
  rewards.resize(size);
  continues.resize(size);
}

ReplayBuffer::ReplayBuffer(std::size_t capacity, std::size_t features, ActionBranches branches)
    : capacity_(capacity), features_(features), branches_(std::move(branches)) {}

void ReplayBuffer::add(const std::vector<double>& observation, std::span<const BranchAction> parts,
                       float reward, const std::vector<double>& next_observation, bool terminated) {
  if (next_ == rows_.size()) {
    rows_.resize(next_ + 1, features_, branches_.count());
  }
  std::ranges::transform(observation, rows_.observations.begin() + next_ * features_, to_float);
  std::ranges::transform(next_observation, rows_.next_observations.begin() + next_ * features_,
                         to_float);
  std::ranges::copy(parts, rows_.parts.begin() + next_ * branches_.count());
  rows_.rewards[next_] = reward;
  rows_.continues[next_] = terminated ? 0.0F : 1.0F;
  next_ = next_ + 1 < capacity_ ? next_ + 1 : 0;
}

void ReplayBuffer::sample(std::size_t count, Random& random, QBatch& batch) const {
  batch.resize(count, features_, branches_.count());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = random.index(size());
    std::copy_n(rows_.observations.begin() + row * features_, features_,
                batch.observations.begin() + i * features_);
    std::copy_n(rows_.next_observations.begin() + row * features_, features_,
                batch.next_observations.begin() + i * features_);
    std::copy_n(rows_.parts.begin() + row * branches_.count(), branches_.count(),
                batch.parts.begin() + i * branches_.count());
    batch.rewards[i] = rows_.rewards[row];
    batch.continues[i] = rows_.continues[row];
  }
}

void ReplayBuffer::archive(Archive& archive) {
  std::size_t size = rows_.size();
  archive.count("size", size, capacity_);
  archive.count("next", next_, size < capacity_ ? size : capacity_ - 1);
  archive.packed<float>("observations", rows_.observations, size * features_);
  archive.packed<float>("next_observations", rows_.next_observations, size * features_);
  branches_.archive(archive, "actions", rows_.parts, size);
  archive.packed<float>("rewards", rows_.rewards, size);
  archive.packed<float>("continues", rows_.continues, size);
}

}  // namespace rein
