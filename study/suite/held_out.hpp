#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rein::suite {

/// A world of the suite `held-out`, as files that `rein run` and `rein evaluate` read.
struct DrawnWorld {
  std::string name;       ///< "w07": of the run file.
  std::string kind;       ///< One of kKinds, and the name of the scenario.
  std::string run;        ///< The run file, complete but for the recording.
  std::string recording;  ///< What has to lie beside it as recording_file(); empty if nothing.

  std::string recording_file() const { return name + ".csv"; }
};

/// Draws a world by the grammar (grammar.hpp, docs/held-out.md). The same seed and index: the same
/// bytes. Of each eleven in a row from 0, 11, ... on, each is of another kind.
/// @param index  from 0.
DrawnWorld draw_held_out(std::uint64_t seed, std::size_t index);

/// The kinds, in the order of the grammar.
std::vector<std::string> held_out_kinds();

}  // namespace rein::suite
