#pragma once

#include <cstddef>
#include <functional>

namespace rein {

/// Does work(0), ..., work(count - 1), each once, on `jobs` threads; returns when all are done.
/// @pre jobs > 0; work throws nothing.
void run_parallel(std::size_t count, std::size_t jobs,
                  const std::function<void(std::size_t)>& work);

}  // namespace rein
