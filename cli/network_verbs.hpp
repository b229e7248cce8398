#pragma once

#include <CLI/CLI.hpp>

#include "cli/verbs.hpp"

namespace rein {

// The verbs below `rein network`, as in cli/verbs.hpp.
void add_network_train(CLI::App& network, VerbAction& action);
void add_network_calibrate(CLI::App& network, VerbAction& action);
void add_network_evaluate(CLI::App& network, VerbAction& action);
void add_network_benchmark(CLI::App& network, VerbAction& action);

}  // namespace rein
