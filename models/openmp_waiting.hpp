#pragma once

namespace rein {

/// Makes the threads of LibTorch spin for some microseconds only, and then sleep, while they wait
/// for one another: restarts this program once with GOMP_SPINCOUNT set, unless the environment sets
/// that or OMP_WAIT_POLICY. Call it first in main(), with main's `argv`; does nothing in a build
/// without LibTorch.
///
/// libgomp reads the variable when it is loaded, before main(), and has no call for it. By default
/// it spins for about a millisecond, and when others keep the CPUs busy, which is the normal case
/// here, that is a time slice spent waiting for a thread that is not running. docs/network.md has
/// the measurements.
void limit_spinning(char** argv);

}  // namespace rein
