#include "agent/neural/replay_buffer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/core/packed_numbers.hpp"
#include "agent/neural/learned_weights.hpp"

namespace rein {

namespace {

float to_float(double value) { return static_cast<float>(value); }

}  // namespace

void QBatch::resize(std::size_t size, std::size_t features) {
  observations.resize(size * features);
  next_observations.resize(size * features);
  actions.resize(size);
  rewards.resize(size);
  continues.resize(size);
}

ReplayBuffer::ReplayBuffer(std::size_t capacity, std::size_t features)
    : capacity_(capacity), features_(features) {}

void ReplayBuffer::add(const std::vector<double>& observation, ActionId action, float reward,
                       const std::vector<double>& next_observation, bool terminated) {
  if (next_ == rows_.size()) {
    rows_.resize(next_ + 1, features_);
  }
  std::ranges::transform(observation, rows_.observations.begin() + next_ * features_, to_float);
  std::ranges::transform(next_observation, rows_.next_observations.begin() + next_ * features_,
                         to_float);
  rows_.actions[next_] = action;
  rows_.rewards[next_] = reward;
  rows_.continues[next_] = terminated ? 0.0F : 1.0F;
  next_ = next_ + 1 < capacity_ ? next_ + 1 : 0;
}

void ReplayBuffer::sample(std::size_t count, Random& random, QBatch& batch) const {
  batch.resize(count, features_);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = random.index(size());
    std::copy_n(rows_.observations.begin() + row * features_, features_,
                batch.observations.begin() + i * features_);
    std::copy_n(rows_.next_observations.begin() + row * features_, features_,
                batch.next_observations.begin() + i * features_);
    batch.actions[i] = rows_.actions[row];
    batch.rewards[i] = rows_.rewards[row];
    batch.continues[i] = rows_.continues[row];
  }
}

nlohmann::ordered_json ReplayBuffer::save() const {
  return {{"size", rows_.size()},
          {"next", next_},
          {"observations", numbers_to_base64<float>(rows_.observations)},
          {"next_observations", numbers_to_base64<float>(rows_.next_observations)},
          {"actions", write_actions(rows_.actions)},
          {"rewards", numbers_to_base64<float>(rows_.rewards)},
          {"continues", numbers_to_base64<float>(rows_.continues)}};
}

ReplayBuffer ReplayBuffer::load(const ConfigNode& node, std::size_t capacity, std::size_t features,
                                std::size_t actions) {
  const auto size = static_cast<std::size_t>(
      node.at("size").integer({.min = 0, .max = static_cast<double>(capacity)}));
  ReplayBuffer loaded(capacity, features);
  loaded.next_ = static_cast<std::size_t>(
      node.at("next").integer({.min = 0, .max = static_cast<double>(size)}));
  loaded.rows_ = {
      .observations = read_numbers<float>(node.at("observations"), size * features),
      .next_observations = read_numbers<float>(node.at("next_observations"), size * features),
      .actions = read_actions(node.at("actions"), size, actions),
      .rewards = read_numbers<float>(node.at("rewards"), size),
      .continues = read_numbers<float>(node.at("continues"), size)};
  node.reject_unknown();
  return loaded;
}

}  // namespace rein
