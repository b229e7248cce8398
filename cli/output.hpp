#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace rein {

/// All that the program prints goes through here, from any thread. Nothing of it throws:
/// destructors and handlers print, and a terminal can be gone at any time.
///
/// Standard output is for results: whatever goes wrong there is kept for finish_output(). Standard
/// error is for people: what cannot be written there is lost, and no failure.

/// First of all: a reader that goes away, and a file that is as long as it may be (`ulimit -f`),
/// are errors from now on, not signals. Programs that are executed still get the signals.
void begin_output();

/// Warnings and other messages of at least this level go to standard error: "debug", "info",
/// "warn", "error" or "off".
void begin_log(const std::string& level);

/// To standard output, as it is.
void put_text(std::string_view text);
template <typename... Args>
void put(fmt::format_string<Args...> format, Args&&... args) {
  put_text(fmt::format(format, std::forward<Args>(args)...));
}

/// "rein: LINE" on standard error: one line, whatever it holds.
void tell_line(std::string_view line);
template <typename... Args>
void tell(fmt::format_string<Args...> format, Args&&... args) {
  tell_line(fmt::format(format, std::forward<Args>(args)...));
}
/// A line that is told after everything else, by finish_output(): what went wrong as a consequence
/// comes after what ended the program.
void tell_line_at_end(std::string line);
/// As tell_line(), for a signal's handler: async-signal-safe, and never waits.
void tell_from_handler(const char* line);

/// Whether standard error is a terminal on which a line can be drawn over and over.
bool can_draw();
/// Columns of that terminal now; 80 if it does not know.
std::size_t terminal_columns();
/// Draws the line over the last one that was drawn, cut to the terminal's width. Not if that would
/// have to wait, as for a terminal that was stopped with Ctrl-S.
void draw_line(std::string_view line);
/// Leaves the drawn line as it is, and begins the next.
void end_drawing();

/// The last thing: what is left to be told, and the end of standard output. @return `status`, or
/// what it becomes if standard output could not be written: kReaderGone without a word if nobody
/// read it; kFailed with a line if it was closed or full. A terminal that is gone is no failure.
int finish_output(int status);

/// The beginning of `text` that takes at most so many columns; what would move the cursor is
/// replaced.
std::string fit_columns(std::string_view text, std::size_t columns);

}  // namespace rein
