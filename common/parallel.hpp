#pragma once

#include <cstddef>
#include <functional>

namespace rein {

/// Does work(0), ..., work(count - 1), each once, on `jobs` threads or as many as can be had, this
/// one among them; returns when all are done. What one of them throws comes out when those that
/// have begun are done, and no other begins. @pre jobs > 0.
void run_parallel(std::size_t count, std::size_t jobs,
                  const std::function<void(std::size_t)>& work);

}  // namespace rein
