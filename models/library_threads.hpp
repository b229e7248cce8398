#pragma once

namespace rein {

/// Keeps the threads of LibTorch's libraries from what does harm here: in a program that calls
/// this, first of all in main(), the variables are set that they read when they are loaded, and
/// have no calls for. For that the program restarts itself once, before any library has begun;
/// without LibTorch it does not. What the environment sets stays, and programs that this one starts
/// see nothing of it.
///
/// GOMP_SPINCOUNT: libgomp's threads spin for some microseconds only, and then sleep, while they
/// wait for one another. By default it is about a millisecond, and when others keep the CPUs busy,
/// which is the normal case here, that is a time slice spent waiting for a thread that is not
/// running. docs/network.md has the measurements.
///
/// OPENBLAS_NUM_THREADS: no threads but ours, whose places are chosen. Those that OpenBLAS makes
/// when it is loaded wait without end for memory that `ulimit -v` refuses, and fork() and exit()
/// for them; where `ulimit -u` refuses one, it ends the program by a signal.
void limit_library_threads();

}  // namespace rein
