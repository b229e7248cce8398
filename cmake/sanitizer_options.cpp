// What AddressSanitizer is told in each program that it watches.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): its names.

extern "C" const char* __asan_default_options();

/// Its leak checker falls over the thread-local memory of libraries that were loaded with dlopen()
/// and have threads of their own (libgomp), unless it leaves that alone.
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
