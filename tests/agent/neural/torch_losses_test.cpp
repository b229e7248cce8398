// The fused networks and losses against LibTorch's.
#include "support/torch_losses.hpp"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace rein {
namespace {

double largest_difference(const AlignedFloats& one, const AlignedFloats& other) {
  DOCTEST_REQUIRE(one.size() == other.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(one[i]) - other[i]));
  }
  return largest;
}

const ActionSpace kActions({{"a", "1", Knob::Kind::kMapping, {{"0"}, {"1"}, {"2"}}},
                            {"b", "1", Knob::Kind::kMapping, {{"0"}}},
                            {"c", "1", Knob::Kind::kMapping, {{"0"}, {"1"}, {"2"}, {"3"}}}});
constexpr std::size_t kFeatures = 16;
constexpr std::size_t kBatch = 32;

std::vector<float> draw(std::size_t count, Random& random) {
  std::vector<float> numbers(count);
  for (float& number : numbers) {
    number = static_cast<float>(random.bell());
  }
  return numbers;
}

std::vector<BranchAction> draw_parts(const ActionBranches& branches, Random& random) {
  std::vector<BranchAction> parts;
  for (std::size_t row = 0; row < kBatch; ++row) {
    for (const auto& branch : branches.all()) {
      parts.push_back(static_cast<BranchAction>(random.index(branch.size)));
    }
  }
  return parts;
}

QBatch draw_q_batch(const ActionBranches& branches, Random& random) {
  QBatch batch{.observations = draw(kBatch * kFeatures, random),
               .next_observations = draw(kBatch * kFeatures, random),
               .parts = draw_parts(branches, random),
               .rewards = draw(kBatch, random),
               .continues = std::vector<float>(kBatch, 1.0F)};
  batch.continues[3] = 0.0F;
  return batch;
}

DOCTEST_TEST_CASE("the network 16-64-64-12 puts out what LibTorch's does") {
  Random random(1);
  const NetworkLayout layout({16, 64, 64, 12});
  const AlignedFloats weights = layout.draw(random);
  FusedNetwork network(layout, 1);
  for (int round = 0; round < 100; ++round) {
    const auto input = draw(16, random);
    std::ranges::copy(input, network.input(0));
    network.evaluate(weights, 1);
    at::Tensor row = at::tensor(input).view({1, -1});
    std::size_t at = 0;
    const auto packed = layout.pack(weights);
    const auto take = [&](std::int64_t rows, std::int64_t columns) {
      const auto count = static_cast<std::size_t>(rows * columns);
      const std::vector<float> part(packed.begin() + at, packed.begin() + at + count);
      at += count;
      return at::tensor(part).view({rows, columns});
    };
    for (const auto& layer : layout.layers()) {
      const auto inputs = static_cast<std::int64_t>(layer.inputs);
      const auto outputs = static_cast<std::int64_t>(layer.outputs);
      row = at::matmul(row, take(inputs, outputs));
      row = row + take(1, outputs);
      row = layer.rectify ? at::relu(row) : row;
    }
    for (std::int64_t i = 0; i < 12; ++i) {
      DOCTEST_REQUIRE(std::abs(network.output(0)[i] - row[0][i].item<float>()) < 1e-5);
    }
  }
}

DOCTEST_TEST_CASE("the Q-networks' gradients are autograd's, for every kind of head and target") {
  for (const bool joint : {false, true}) {
    for (const bool duelling : {false, true}) {
      for (const bool double_q : {false, true}) {
        DOCTEST_CAPTURE(joint);
        DOCTEST_CAPTURE(duelling);
        DOCTEST_CAPTURE(double_q);
        Random random(5);
        const QHead head{
            joint ? ActionBranches::joint(kActions.size()) : ActionBranches::per_knob(kActions),
            duelling};
        const NetworkLayout layout({kFeatures, 64, 64, head.outputs()});
        const QLossOptions options{
            .discount = 0.9, .double_q = double_q, .bend = duelling ? 1.0 : 0.3};
        const auto fused = make_fused_q_loss(layout, head, options, kBatch);
        const auto torch = make_torch_q_loss(layout, head, options);
        AlignedFloats weights = layout.draw(random);
        AlignedFloats target = layout.draw(random);
        for (AlignedFloats* of : {&weights, &target}) {  // So that values differ enough to bend.
          for (std::size_t i = layout.layers()[2].weights; i < layout.layers()[2].biases; ++i) {
            (*of)[i] *= 20.0F;
          }
        }
        const QBatch batch = draw_q_batch(head.branches, random);
        AlignedFloats ours;
        AlignedFloats theirs;
        const float loss = fused->differentiate(batch, weights, target, ours);
        DOCTEST_CHECK(loss ==
                      doctest::Approx(torch->differentiate(batch, weights, target, theirs)));
        DOCTEST_CHECK(largest_difference(theirs, AlignedFloats(theirs.size(), 0.0F)) > 0.01);
        DOCTEST_CHECK(largest_difference(ours, theirs) < 1e-4);
      }
    }
  }
}

DOCTEST_TEST_CASE("the policy's gradients are autograd's") {
  Random random(6);
  const PolicyHead head{ActionBranches::per_knob(kActions)};
  const NetworkLayout layout({kFeatures, 64, 64, head.outputs()});
  const PolicyLossOptions options{.value_weight = 0.5, .entropy_weight = 0.1};
  AlignedFloats weights = layout.draw(random);
  for (std::size_t i = layout.layers()[2].weights; i < layout.layers()[2].biases; ++i) {
    weights[i] *= 20.0F;
  }
  const PolicyBatch batch{.observations = draw(kBatch * kFeatures, random),
                          .parts = draw_parts(head.branches, random),
                          .advantages = draw(kBatch, random),
                          .returns = draw(kBatch, random)};
  AlignedFloats ours;
  AlignedFloats theirs;
  const float loss =
      make_fused_policy_loss(layout, head, options, kBatch)->differentiate(batch, weights, ours);
  DOCTEST_CHECK(loss == doctest::Approx(make_torch_policy_loss(layout, head, options)
                                            ->differentiate(batch, weights, theirs)));
  DOCTEST_CHECK(largest_difference(theirs, AlignedFloats(theirs.size(), 0.0F)) > 0.01);
  DOCTEST_CHECK(largest_difference(ours, theirs) < 1e-4);
}

DOCTEST_TEST_CASE("both trainers learn the same, within rounding") {
  Random random(9);
  const QHead head{ActionBranches::per_knob(kActions), /*duelling=*/true};
  const NetworkLayout layout({kFeatures, 64, 64, head.outputs()});
  const auto fused = make_fused_q_loss(layout, head, {}, kBatch);
  const auto torch = make_torch_q_loss(layout, head, {});
  AlignedFloats ours = layout.draw(random);
  AlignedFloats theirs = ours;
  const AlignedFloats target = ours;
  Adam our_adam(layout.size());
  Adam their_adam(layout.size());
  AlignedFloats gradients;
  for (int i = 0; i < 50; ++i) {
    const QBatch batch = draw_q_batch(head.branches, random);
    fused->differentiate(batch, ours, target, gradients);
    our_adam.step(gradients, 1e-3F, ours);
    torch->differentiate(batch, theirs, target, gradients);
    their_adam.step(gradients, 1e-3F, theirs);
  }
  DOCTEST_CHECK(largest_difference(ours, theirs) < 1e-3);
}

}  // namespace
}  // namespace rein
