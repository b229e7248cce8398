#include "support/torch_losses.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace rein {

namespace {

/// A network whose weights are those of a row of floats, in the same memory.
class TorchNetwork {
 public:
  TorchNetwork(const NetworkLayout& layout, const AlignedFloats& weights, bool learns) {
    for (const auto& layer : layout.layers()) {
      layers_.push_back({view(weights, layer.weights, layer.inputs, layer),
                         view(weights, layer.biases, 1, layer), layer.rectify});
      if (learns) {
        layers_.back().weights.requires_grad_();
        layers_.back().biases.requires_grad_();
      }
    }
  }

  at::Tensor evaluate(at::Tensor rows) const {
    for (const auto& layer : layers_) {
      rows = at::matmul(rows, layer.weights) + layer.biases;
      rows = layer.rectify ? at::relu(rows) : rows;
    }
    return rows;
  }

  void copy_gradients(const NetworkLayout& layout, AlignedFloats& gradients) const {
    gradients.assign(layout.size(), 0.0F);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const auto& layer = layout.layers()[i];
      view(gradients, layer.weights, layer.inputs, layer).copy_(layers_[i].weights.grad());
      view(gradients, layer.biases, 1, layer).copy_(layers_[i].biases.grad());
    }
  }

 private:
  struct Layer {
    at::Tensor weights, biases;
    bool rectify;
  };

  static at::Tensor view(const AlignedFloats& row, std::size_t begin, std::size_t rows,
                         const NetworkLayout::Layer& layer) {
    // LibTorch has no views of constant memory; what is constant is not written.
    auto* memory = const_cast<float*>(row.data() + begin);
    return at::from_blob(
        memory, {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(layer.outputs)},
        {static_cast<std::int64_t>(layer.columns), 1});
  }

  std::vector<Layer> layers_;
};

/// [rows x columns], copied.
at::Tensor to_matrix(const std::vector<float>& numbers, std::size_t rows) {
  return at::tensor(numbers).view({static_cast<std::int64_t>(rows), -1});
}

/// [rows x 1]: the part of each action, of which the branch is the `index`th of `count`.
at::Tensor parts(const std::vector<BranchAction>& actions, std::size_t index, std::size_t count) {
  std::vector<std::int64_t> parts;
  parts.reserve(actions.size() / count);
  for (std::size_t at = index; at < actions.size(); at += count) {
    parts.push_back(actions[at]);
  }
  return at::tensor(parts).view({-1, 1});
}

/// The branch's columns, of which the first branch's begin at `offset`.
at::Tensor columns(const at::Tensor& outputs, std::size_t offset,
                   const ActionBranches::Branch& branch) {
  return outputs.narrow(1, static_cast<std::int64_t>(offset + branch.begin),
                        static_cast<std::int64_t>(branch.size));
}

class TorchQLoss final : public QLoss {
 public:
  TorchQLoss(const NetworkLayout& layout, const QHead& head, const QLossOptions& options)
      : layout_(layout), head_(head), options_(options) {}

  float differentiate(const QBatch& batch, const AlignedFloats& weights,
                      const AlignedFloats& target, AlignedFloats& gradients) override {
    const TorchNetwork online(layout_, weights, /*learns=*/true);
    const at::Tensor targets = make_targets(batch, online, target);
    const at::Tensor outputs = online.evaluate(to_matrix(batch.observations, batch.size()));
    at::Tensor values = base(outputs);
    const auto& branches = head_.branches.all();
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const at::Tensor taken = parts(batch.parts, i, branches.size());
      values = values + part_of(outputs, branches[i]).gather(1, taken);
    }
    const at::Tensor loss = at::huber_loss(values, targets, at::Reduction::Mean, options_.bend);
    loss.backward();
    online.copy_gradients(layout_, gradients);
    return loss.item<float>();
  }

 private:
  /// [rows x 1]: what is added to the branches' parts.
  at::Tensor base(const at::Tensor& outputs) const {
    const at::Tensor first = outputs.narrow(1, 0, 1);
    return head_.duelling ? first : at::zeros_like(first);
  }

  /// [rows x branch.size]: what each of the branch's actions contributes.
  at::Tensor part_of(const at::Tensor& outputs, const ActionBranches::Branch& branch) const {
    const at::Tensor advantages = columns(outputs, head_.duelling ? 1 : 0, branch);
    return head_.duelling ? advantages - advantages.mean(1, /*keepdim=*/true) : advantages;
  }

  /// [rows x 1]
  at::Tensor make_targets(const QBatch& batch, const TorchNetwork& online,
                          const AlignedFloats& target) const {
    const at::NoGradGuard no_gradients;
    const at::Tensor next = to_matrix(batch.next_observations, batch.size());
    const at::Tensor judged = TorchNetwork(layout_, target, /*learns=*/false).evaluate(next);
    const at::Tensor chosen = options_.double_q ? online.evaluate(next) : judged;
    at::Tensor values = base(judged);
    for (const auto& branch : head_.branches.all()) {
      const at::Tensor best = part_of(chosen, branch).argmax(1, /*keepdim=*/true);
      values = values + part_of(judged, branch).gather(1, best);
    }
    return to_matrix(batch.rewards, batch.size()) +
           options_.discount * to_matrix(batch.continues, batch.size()) * values;
  }

  NetworkLayout layout_;
  QHead head_;
  QLossOptions options_;
};

class TorchPolicyLoss final : public PolicyLoss {
 public:
  TorchPolicyLoss(const NetworkLayout& layout, const PolicyHead& head,
                  const PolicyLossOptions& options)
      : layout_(layout), head_(head), options_(options) {}

  float differentiate(const PolicyBatch& batch, const AlignedFloats& weights,
                      AlignedFloats& gradients) override {
    const TorchNetwork network(layout_, weights, /*learns=*/true);
    const at::Tensor outputs = network.evaluate(to_matrix(batch.observations, batch.size()));
    const at::Tensor lacking = outputs.narrow(1, 0, 1) - to_matrix(batch.returns, batch.size());
    at::Tensor rows = 0.5 * options_.value_weight * lacking.square();
    const at::Tensor advantages = to_matrix(batch.advantages, batch.size());
    const auto& branches = head_.branches.all();
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const at::Tensor logs = at::log_softmax(columns(outputs, 1, branches[i]), 1);
      const at::Tensor entropy = -(logs.exp() * logs).sum(1, /*keepdim=*/true);
      const at::Tensor taken = logs.gather(1, parts(batch.parts, i, branches.size()));
      rows = rows - advantages * taken - options_.entropy_weight * entropy;
    }
    const at::Tensor loss = rows.mean();
    loss.backward();
    network.copy_gradients(layout_, gradients);
    return loss.item<float>();
  }

 private:
  NetworkLayout layout_;
  PolicyHead head_;
  PolicyLossOptions options_;
};

}  // namespace

std::unique_ptr<QLoss> make_torch_q_loss(const NetworkLayout& layout, const QHead& head,
                                         const QLossOptions& options) {
  return std::make_unique<TorchQLoss>(layout, head, options);
}

std::unique_ptr<PolicyLoss> make_torch_policy_loss(const NetworkLayout& layout,
                                                   const PolicyHead& head,
                                                   const PolicyLossOptions& options) {
  return std::make_unique<TorchPolicyLoss>(layout, head, options);
}

}  // namespace rein
