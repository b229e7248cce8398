#pragma once

namespace rein {

/// What the oracle and best_static decide in the same world. To be raised when that changes, since
/// results of before are kept (study/evaluation/episode_cache.hpp).
inline constexpr int kOracleVersion = 1;

}  // namespace rein
