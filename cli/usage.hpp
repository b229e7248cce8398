#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace rein {

/// What is wrong with a command line that the parser did not take, in one line: an unknown verb or
/// option by its name, with the one that is probably meant.
/// @param words  of the command line, without the program's name.
std::string describe_misuse(const CLI::App& app, const CLI::ParseError& error,
                            const std::vector<std::string>& words);

/// For options: a whole number, as a seed of all that is random has to be.
CLI::Validator a_seed();
/// For options: a duration in seconds.
CLI::Validator above_zero();

}  // namespace rein
