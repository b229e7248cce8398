#pragma once

#include <doctest/doctest.h>

namespace rein::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif
#else
constexpr bool kIsSanitized = false;
#endif

/// For tests that leave a process next to nothing: sanitizers take more, and need pipes to look at
/// memory.
inline bool is_skipped_when_sanitized() {
  if (kIsSanitized) {
    DOCTEST_MESSAGE("SKIPPED: sanitizers take more");
  }
  return kIsSanitized;
}

}  // namespace rein::test
