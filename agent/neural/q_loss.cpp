#include "agent/neural/q_loss.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rein {

BranchAction QHead::best(const float* output, const ActionBranches::Branch& branch) const {
  const float* of = advantages(output, branch);
  return static_cast<BranchAction>(std::max_element(of, of + branch.size) - of);
}

float QHead::value(const float* output, std::span<const BranchAction> parts) const {
  float value = duelling ? output[0] : 0.0F;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& branch = branches.all()[i];
    const float* of = advantages(output, branch);
    value += of[parts[i]];
    if (duelling) {
      value -= std::accumulate(of, of + branch.size, 0.0F) / static_cast<float>(branch.size);
    }
  }
  return value;
}

void QHead::choose(const float* output, std::span<BranchAction> parts) const {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i] = best(output, branches.all()[i]);
  }
}

namespace {

class FusedQLoss final : public QLoss {
 public:
  FusedQLoss(const NetworkLayout& layout, const QHead& head, const QLossOptions& options,
             std::size_t batch)
      : head_(head),
        options_(options),
        online_(layout, batch),
        target_(layout, batch),
        parts_(head.branches.count()) {}

  float differentiate(const QBatch& batch, const AlignedFloats& weights,
                      const AlignedFloats& target, AlignedFloats& gradients) override {
    evaluate_targets(batch, weights, target);
    fill(batch.observations, online_);
    online_.evaluate(weights, batch.size());
    float loss = 0.0F;
    for (std::size_t row = 0; row < batch.size(); ++row) {
      loss += differentiate_row(batch, row);
    }
    online_.differentiate(weights, batch.size(), gradients);
    return loss;
  }

 private:
  static void fill(const std::vector<float>& observations, FusedNetwork& network) {
    std::ranges::copy(observations, network.input(0));
  }

  void evaluate_targets(const QBatch& batch, const AlignedFloats& weights,
                        const AlignedFloats& target) {
    targets_.resize(batch.size());
    fill(batch.next_observations, target_);
    target_.evaluate(target, batch.size());
    if (options_.double_q) {
      fill(batch.next_observations, online_);
      online_.evaluate(weights, batch.size());
    }
    const FusedNetwork& chooser = options_.double_q ? online_ : target_;
    for (std::size_t row = 0; row < batch.size(); ++row) {
      head_.choose(chooser.output(row), parts_);
      const float next = head_.value(target_.output(row), parts_);
      targets_[row] =
          batch.rewards[row] + static_cast<float>(options_.discount) * batch.continues[row] * next;
    }
  }

  /// @return the row's part of the loss.
  float differentiate_row(const QBatch& batch, std::size_t row) {
    const float* output = online_.output(row);
    float* gradient = online_.output_gradient(row);
    const float share = 1.0F / static_cast<float>(batch.size());
    const auto parts = std::span(batch.parts).subspan(row * parts_.size(), parts_.size());
    const float error = head_.value(output, parts) - targets_[row];
    const auto bend = static_cast<float>(options_.bend);
    const float by_value = share * std::clamp(error, -bend, bend);
    if (head_.duelling) {
      gradient[0] = by_value;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& branch = head_.branches.all()[i];
      float* by_advantages = gradient + (head_.advantages(output, branch) - output);
      std::fill_n(by_advantages, branch.size,
                  head_.duelling ? -by_value / static_cast<float>(branch.size) : 0.0F);
      by_advantages[parts[i]] += by_value;
    }
    const float size = std::abs(error);
    return share * (size < bend ? 0.5F * error * error : bend * (size - 0.5F * bend));
  }

  QHead head_;
  QLossOptions options_;
  FusedNetwork online_, target_;
  std::vector<float> targets_;       ///< [batch]
  std::vector<BranchAction> parts_;  ///< [branches]
};

}  // namespace

std::unique_ptr<QLoss> make_fused_q_loss(const NetworkLayout& layout, const QHead& head,
                                         const QLossOptions& options, std::size_t batch) {
  return std::make_unique<FusedQLoss>(layout, head, options, batch);
}

}  // namespace rein
