#include "agent/q_loss.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

BranchAction QHead::best(const float* output, const ActionBranches::Branch& branch) const {
  const float* of = advantages(output, branch);
  return static_cast<BranchAction>(std::max_element(of, of + branch.size) - of);
}

float QHead::base(const float* output, const ActionBranches::Branch& branch) const {
  if (!duelling) {
    return 0.0F;
  }
  const float* of = advantages(output, branch);
  float sum = 0.0F;
  for (std::size_t i = 0; i < branch.size; ++i) {
    sum += of[i];
  }
  return output[0] - sum / static_cast<float>(branch.size);
}

namespace {

class FusedQLoss final : public QLoss {
 public:
  FusedQLoss(const NetworkLayout& layout, const QHead& head, const QLossOptions& options,
             std::size_t batch)
      : head_(head), options_(options), online_(layout, batch), target_(layout, batch) {}

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
      const float* values = target_.output(row);
      float sum = 0.0F;
      for (const auto& branch : head_.branches.all()) {
        const BranchAction best = head_.best(chooser.output(row), branch);
        sum += head_.base(values, branch) + head_.advantages(values, branch)[best];
      }
      targets_[row] = batch.rewards[row] + static_cast<float>(options_.discount) *
                                               batch.continues[row] * sum /
                                               static_cast<float>(head_.branches.count());
    }
  }

  /// @return the row's part of the loss.
  float differentiate_row(const QBatch& batch, std::size_t row) {
    const float* output = online_.output(row);
    float* gradient = online_.output_gradient(row);
    const float share = 1.0F / static_cast<float>(batch.size() * head_.branches.count());
    float loss = 0.0F;
    float by_value = 0.0F;
    for (const auto& branch : head_.branches.all()) {
      const BranchAction taken = head_.branches.part(batch.actions[row], branch);
      const float error =
          head_.base(output, branch) + head_.advantages(output, branch)[taken] - targets_[row];
      const float size = std::abs(error);
      loss += share * (size < 1.0F ? 0.5F * error * error : size - 0.5F);
      const float by_taken = share * std::clamp(error, -1.0F, 1.0F);
      by_value += by_taken;
      float* by_advantages = gradient + (head_.advantages(output, branch) - output);
      std::fill_n(by_advantages, branch.size,
                  head_.duelling ? -by_taken / static_cast<float>(branch.size) : 0.0F);
      by_advantages[taken] += by_taken;
    }
    if (head_.duelling) {
      gradient[0] = by_value;
    }
    return loss;
  }

  QHead head_;
  QLossOptions options_;
  FusedNetwork online_, target_;
  std::vector<float> targets_;  ///< [batch]
};

}  // namespace

std::unique_ptr<QLoss> make_fused_q_loss(const NetworkLayout& layout, const QHead& head,
                                         const QLossOptions& options, std::size_t batch) {
  return std::make_unique<FusedQLoss>(layout, head, options, batch);
}

}  // namespace rein
