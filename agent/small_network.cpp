#include "agent/small_network.hpp"

#include <cmath>
#include <utility>

namespace rein {

SmallNetwork::SmallNetwork(std::vector<std::size_t> sizes, Random& random)
    : sizes_(std::move(sizes)) {
  for (std::size_t layer = 1; layer < sizes_.size(); ++layer) {
    const std::size_t inputs = sizes_[layer - 1];
    const double bound = std::sqrt(3.0 / static_cast<double>(inputs));
    for (std::size_t i = 0; i < sizes_[layer] * (inputs + 1); ++i) {
      const bool is_bias = i % (inputs + 1) == inputs;
      parameters_.push_back(is_bias ? 0.0 : bound * (2.0 * random.uniform() - 1.0));
    }
  }
}

std::vector<std::vector<double>> SmallNetwork::activations(const std::vector<double>& input) const {
  std::vector<std::vector<double>> layers = {input};
  layers.reserve(sizes_.size());
  const double* parameter = parameters_.data();
  for (std::size_t layer = 1; layer < sizes_.size(); ++layer) {
    std::vector<double> values(sizes_[layer]);
    for (double& value : values) {
      for (const double in : layers.back()) {
        value += *parameter++ * in;
      }
      value += *parameter++;
      value = layer + 1 < sizes_.size() ? std::tanh(value) : value;
    }
    layers.push_back(std::move(values));
  }
  return layers;
}

std::vector<double> SmallNetwork::evaluate(const std::vector<double>& input) const {
  return activations(input).back();
}

double SmallNetwork::add_gradient(const std::vector<double>& input, std::size_t output,
                                  double target, std::vector<double>& gradient) const {
  const auto layers = activations(input);
  const double error = layers.back()[output] - target;
  std::vector<double> slopes(sizes_.back(), 0.0);  // Of the loss, by what goes into each neuron.
  slopes[output] = error;
  std::size_t end = parameters_.size();
  for (std::size_t layer = sizes_.size() - 1; layer > 0; --layer) {
    const auto& inputs = layers[layer - 1];
    const std::size_t begin = end - sizes_[layer] * (inputs.size() + 1);
    std::vector<double> before(inputs.size(), 0.0);
    std::size_t at = begin;
    for (const double slope : slopes) {
      for (std::size_t i = 0; i < inputs.size(); ++i, ++at) {
        gradient[at] += slope * inputs[i];
        before[i] += slope * parameters_[at];
      }
      gradient[at++] += slope;
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      before[i] *= 1.0 - inputs[i] * inputs[i];
    }
    slopes = std::move(before);
    end = begin;
  }
  return error;
}

void SmallAdam::step(double learning_rate, const std::vector<double>& gradient,
                     std::vector<double>& parameters) {
  constexpr double kFirst = 0.9;
  constexpr double kSecond = 0.999;
  constexpr double kLeast = 1e-8;
  ++steps;
  const double count = static_cast<double>(steps);
  const double first_weight = 1.0 - std::pow(kFirst, count);
  const double second_weight = 1.0 - std::pow(kSecond, count);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    first_moment[i] += (1.0 - kFirst) * (gradient[i] - first_moment[i]);
    second_moment[i] += (1.0 - kSecond) * (gradient[i] * gradient[i] - second_moment[i]);
    parameters[i] -= learning_rate * (first_moment[i] / first_weight) /
                     (std::sqrt(second_moment[i] / second_weight) + kLeast);
  }
}

}  // namespace rein
