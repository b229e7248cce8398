#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace rein {

/// A progress bar on standard error: drawn on a terminal only, at most ten times a second.
class ProgressBar {
 public:
  /// `total` steps; 0 is allowed and draws nothing.
  ProgressBar(std::string title, std::size_t total);
  ~ProgressBar();  ///< Ends the line.
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of the total; `note` is shown behind it.
  void update(std::size_t done, const std::string& note = {});

 private:
  std::string title_;
  std::size_t total_;
  bool shown_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_{};
};

/// What is drawn of it: the bar as long as `columns` leave room for, none if that is too short.
/// draw_line() cuts the rest. @pre done <= total, which is not 0.
std::string progress_line(const std::string& title, std::size_t done, std::size_t total,
                          double left_s, const std::string& note, std::size_t columns);

}  // namespace rein
