#include "cli/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/output.hpp"

namespace rein {

ProgressBar::ProgressBar(std::string title, std::size_t total)
    : title_(std::move(title)),
      total_(total),
      shown_(total > 0 && can_draw()),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (shown_) {
    end_drawing();
  }
}

void ProgressBar::update(std::size_t done, const std::string& note) {
  if (!shown_) {
    return;
  }
  done = std::min(done, total_);
  const auto now = std::chrono::steady_clock::now();
  if (done < total_ && now - last_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  const double left_s =
      done > 0 ? elapsed_s * static_cast<double>(total_ - done) / static_cast<double>(done) : 0.0;
  draw_line(progress_line(title_, done, total_, left_s, note, terminal_columns()));
}

std::string progress_line(const std::string& title, std::size_t done, std::size_t total,
                          double left_s, const std::string& note, std::size_t columns) {
  const std::string figures = fmt::format(
      "{:3d} % {:.0f} s left",
      static_cast<std::size_t>(100.0 * static_cast<double>(done) / static_cast<double>(total)),
      left_s);
  // What is left of the terminal beside the title, blanks, brackets and figures.
  constexpr std::size_t kWidest = 30;
  constexpr std::size_t kNarrowest = 5;
  const std::size_t taken = title.size() + figures.size() + 5;
  const std::size_t width = std::min(kWidest, columns > taken ? columns - taken : 0);
  if (width < kNarrowest) {
    return fmt::format("{} {}", title, figures);
  }
  const auto filled = static_cast<std::size_t>(
      static_cast<double>(width) * static_cast<double>(done) / static_cast<double>(total));
  return fmt::format("{} [{}{}] {}  {}", title, std::string(filled, '#'),
                     std::string(width - filled, '.'), figures, note);
}

}  // namespace rein
