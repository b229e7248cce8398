#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/random.hpp"

namespace rein {

/// A fully connected network of a few neurons: tanh in the hidden layers, linear at the end. For
/// agents whose networks are too small for a library.
class SmallNetwork {
 public:
  /// @param sizes  of the layers, the input first; at least two. Weights are uniform with the
  /// variance 1 / inputs of the neuron, biases are 0.
  SmallNetwork(std::vector<std::size_t> sizes, Random& random);

  /// @pre input has the size of the first layer.  @return of the last one.
  std::vector<double> evaluate(const std::vector<double>& input) const;

  /// Adds the gradient of (outputs[output] - target)^2 / 2 by the parameters to `gradient`
  /// (Rumelhart, Hinton & Williams 1986). @return the error, outputs[output] - target.
  double add_gradient(const std::vector<double>& input, std::size_t output, double target,
                      std::vector<double>& gradient) const;

  /// Layer by layer: for each neuron the weights of its inputs, then its bias.
  const std::vector<double>& parameters() const { return parameters_; }
  std::vector<double>& parameters() { return parameters_; }

 private:
  /// Of every layer, the input included.
  std::vector<std::vector<double>> activations(const std::vector<double>& input) const;

  std::vector<std::size_t> sizes_;
  std::vector<double> parameters_;
};

/// Adam (Kingma & Ba 2015, algorithm 1) with the paper's constants.
struct SmallAdam {
  explicit SmallAdam(std::size_t parameters)
      : first_moment(parameters, 0.0), second_moment(parameters, 0.0) {}
  void step(double learning_rate, const std::vector<double>& gradient,
            std::vector<double>& parameters);

  std::vector<double> first_moment;
  std::vector<double> second_moment;
  std::uint64_t steps = 0;
};

}  // namespace rein
