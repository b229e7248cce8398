#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace rein {

/// Each verb adds its subcommand to `app`; when it is chosen, it sets `action` to what is to be
/// done, which returns the exit status or throws (main() prints and maps exceptions to statuses).
using VerbAction = std::function<int()>;

void add_probe(CLI::App& app, VerbAction& action);
void add_profile(CLI::App& app, VerbAction& action);
void add_run(CLI::App& app, VerbAction& action);
void add_train(CLI::App& app, VerbAction& action);
void add_evaluate(CLI::App& app, VerbAction& action);
void add_fit_board(CLI::App& app, VerbAction& action);
void add_restore(CLI::App& app, VerbAction& action);
void add_report(CLI::App& app, VerbAction& action);
void add_network(CLI::App& app, VerbAction& action);

}  // namespace rein
