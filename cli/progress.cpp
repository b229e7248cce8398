#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace rein {

ProgressBar::ProgressBar(std::string title, std::size_t total)
    : title_(std::move(title)),
      total_(total),
      shown_(total > 0 && isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (shown_) {
    fmt::print(stderr, "\n");
  }
}

void ProgressBar::update(std::size_t done, const std::string& note) {
  if (!shown_) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (done < total_ && now - last_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_ = now;
  constexpr std::size_t kWidth = 30;
  const std::size_t filled = kWidth * done / total_;
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  const double left_s =
      done > 0 ? elapsed_s * static_cast<double>(total_ - done) / static_cast<double>(done) : 0.0;
  fmt::print(stderr, "\r{} [{}{}] {:3d} % {:.0f} s left  {}\x1b[K", title_,
             std::string(filled, '#'), std::string(kWidth - filled, '.'), 100 * done / total_,
             left_s, note);
  std::fflush(stderr);
}

}  // namespace rein
