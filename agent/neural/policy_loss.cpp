#include "agent/neural/policy_loss.hpp"

#include <algorithm>
#include <cmath>

#include "agent/neural/softmax.hpp"

namespace rein {

std::vector<double> generalised_advantages(std::span<const RolloutStep> steps, double discount,
                                           double lambda) {
  std::vector<double> advantages(steps.size(), 0.0);
  double following = 0.0;
  for (std::size_t i = steps.size(); i-- > 0;) {
    const RolloutStep& step = steps[i];
    const double future = step.terminated ? 0.0 : discount * step.next_value;
    const double error = step.reward + future - step.value;
    following = error + (step.terminated || step.cut ? 0.0 : discount * lambda * following);
    advantages[i] = following;
  }
  return advantages;
}

void PolicyHead::probabilities(const float* output, const ActionBranches::Branch& branch,
                               float* chances) const {
  softmax({logits(output, branch), branch.size}, /*temperature=*/1.0F, chances);
}

namespace {

/// Chances below this count as this much where their logarithm is taken.
constexpr float kLeastChance = 1e-30F;

class FusedPolicyLoss final : public PolicyLoss {
 public:
  FusedPolicyLoss(const NetworkLayout& layout, const PolicyHead& head,
                  const PolicyLossOptions& options, std::size_t rows)
      : head_(head),
        value_weight_(static_cast<float>(options.value_weight)),
        entropy_weight_(static_cast<float>(options.entropy_weight)),
        network_(layout, rows),
        chances_(head.branches.outputs()) {}

  float differentiate(const PolicyBatch& batch, const AlignedFloats& weights,
                      AlignedFloats& gradients) override {
    std::ranges::copy(batch.observations, network_.input(0));
    network_.evaluate(weights, batch.size());
    float loss = 0.0F;
    for (std::size_t row = 0; row < batch.size(); ++row) {
      loss += differentiate_row(batch, row);
    }
    network_.differentiate(weights, batch.size(), gradients);
    return loss;
  }

 private:
  /// @return the row's part of the loss.
  float differentiate_row(const PolicyBatch& batch, std::size_t row) {
    const float* output = network_.output(row);
    float* gradient = network_.output_gradient(row);
    const float share = 1.0F / static_cast<float>(batch.size());
    const float lacking = output[0] - batch.returns[row];
    float loss = 0.5F * value_weight_ * lacking * lacking;
    gradient[0] = share * value_weight_ * lacking;
    const BranchAction* part = batch.parts.data() + row * head_.branches.count();
    for (const auto& branch : head_.branches.all()) {
      float* chances = chances_.data();
      head_.probabilities(output, branch, chances);
      float entropy = 0.0F;
      for (std::size_t i = 0; i < branch.size; ++i) {
        entropy -= chances[i] * log_of(chances[i]);
      }
      const BranchAction taken = *part++;
      const float advantage = batch.advantages[row];
      loss -= advantage * log_of(chances[taken]) + entropy_weight_ * entropy;
      float* by_logits = gradient + (head_.logits(output, branch) - output);
      for (std::size_t i = 0; i < branch.size; ++i) {
        const float chosen = i == taken ? 1.0F : 0.0F;
        by_logits[i] = share * (advantage * (chances[i] - chosen) +
                                entropy_weight_ * chances[i] * (log_of(chances[i]) + entropy));
      }
    }
    return share * loss;
  }

  static float log_of(float chance) { return std::log(std::max(chance, kLeastChance)); }

  PolicyHead head_;
  float value_weight_;
  float entropy_weight_;
  FusedNetwork network_;
  std::vector<float> chances_;
};

}  // namespace

std::unique_ptr<PolicyLoss> make_fused_policy_loss(const NetworkLayout& layout,
                                                   const PolicyHead& head,
                                                   const PolicyLossOptions& options,
                                                   std::size_t rows) {
  return std::make_unique<FusedPolicyLoss>(layout, head, options, rows);
}

}  // namespace rein
