#include "cli/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <vector>

#include "cli/exit_status.hpp"
#include "common/printable.hpp"

namespace rein {

namespace {

constexpr std::string_view kOverTheLast = "\r\x1b[K";

/// Before main(), which opens something else where it is closed.
const bool kStdoutWasOpen = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
/// A terminal that has hung up does not say that it is one.
const bool kStdoutWasTerminal = isatty(STDOUT_FILENO) == 1;
const bool kStderrWasTerminal = isatty(STDERR_FILENO) == 1;

std::mutex mutex;
int stdout_error = 0;  ///< errno of the first thing that went wrong.
std::vector<std::string> left_to_tell;
/// A line without an end is on the terminal. A handler asks, too.
std::atomic<bool> drawn = false;

/// For a reader to take what it was sent before; without end if below 0.
constexpr int kForever = -1;
constexpr int kAWhileMs = 1000;

bool can_write(int descriptor, int wait_ms) {
  pollfd waiting{.fd = descriptor, .events = POLLOUT, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&waiting, 1, wait_ms);
  } while (ready < 0 && errno == EINTR);
  return ready != 0;
}

/// @return errno, 0 if all was written.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody who shares the file made it not wait by itself.
      can_write(descriptor, kForever);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// What people are told holds nothing up for long: of a terminal that was stopped with Ctrl-S, or a
/// log that nobody reads, it is lost.
void write_to_people(std::string_view text) {
  static bool is_stuck = false;
  is_stuck = !can_write(STDERR_FILENO, is_stuck ? 0 : kAWhileMs);
  if (!is_stuck) {
    write_all(STDERR_FILENO, text);
  }
}

/// In place of a line that is being drawn, if there is one.
void write_message(const std::string& line) {
  const std::lock_guard lock(mutex);
  write_to_people(fmt::format("{}{}\n", drawn.exchange(false) ? kOverTheLast : "", line));
}

bool knows_escapes() {
  const char* const terminal = std::getenv("TERM");
  return kStderrWasTerminal && (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

/// "warning: ...", in colour on a terminal.
class Log final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto name = spdlog::level::to_string_view(message.level);
    const std::string_view level(name.data(), name.size());
    const std::string_view payload(message.payload.data(), message.payload.size());
    const char* const colour = message.level >= spdlog::level::err    ? "\x1b[31m"
                               : message.level == spdlog::level::warn ? "\x1b[33m"
                                                                      : "\x1b[32m";
    write_message(is_coloured_ ? fmt::format("{}{}\x1b[0m: {}", colour, level, printable(payload))
                               : fmt::format("{}: {}", level, printable(payload)));
  }
  void flush_() override {}

  const bool is_coloured_ = knows_escapes() && std::getenv("NO_COLOR") == nullptr;
};

}  // namespace

void begin_output() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGPIPE, SIGXFSZ}) {
    sigaction(signal, &action, nullptr);
  }
}

void begin_log(const std::string& level) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("rein", std::make_shared<Log>()));
  spdlog::set_level(spdlog::level::from_str(level));
}

void put_text(std::string_view text) {
  end_drawing();
  const std::lock_guard lock(mutex);
  if (stdout_error == 0 && !text.empty()) {
    stdout_error = kStdoutWasOpen ? write_all(STDOUT_FILENO, text) : EBADF;
  }
}

void tell_line(std::string_view line) { write_message("rein: " + printable(line)); }

void tell_line_at_end(std::string line) {
  const std::lock_guard lock(mutex);
  left_to_tell.push_back(std::move(line));
}

void tell_from_handler(const char* line) {
  const int error = errno;
  if (can_write(STDERR_FILENO, 0)) {
    const auto put = [](std::string_view text) {
      return write(STDERR_FILENO, text.data(), text.size()) >= 0;
    };
    if (drawn.exchange(false)) {
      put(kOverTheLast);
    }
    put("rein: ") && put(line) && put("\n");
  }
  errno = error;
}

bool can_draw() { return knows_escapes(); }

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

void draw_line(std::string_view line) {
  const std::lock_guard lock(mutex);
  if (can_draw() && can_write(STDERR_FILENO, 0)) {
    drawn = true;
    // A line that fills the last column makes some terminals wrap.
    write_all(STDERR_FILENO,
              fmt::format("{}{}", kOverTheLast, fit_columns(line, terminal_columns() - 1)));
  }
}

void end_drawing() {
  const std::lock_guard lock(mutex);
  if (drawn.exchange(false)) {
    write_to_people("\n");
  }
}

int finish_output(int status) {
  for (const auto& line : left_to_tell) {
    tell_line(line);
  }
  left_to_tell.clear();
  {
    const std::lock_guard lock(mutex);
    // Some file systems tell only then that there was no space.
    const int last = kStdoutWasOpen && stdout_error == 0 ? dup(STDOUT_FILENO) : -1;
    if (last >= 0 && close(last) != 0 && errno != EINTR) {
      stdout_error = errno;
    }
    if (stdout_error == 0 || (stdout_error == EIO && kStdoutWasTerminal)) {
      return status;
    }
  }
  if (stdout_error == EPIPE) {
    return status == kDone ? kReaderGone : status;
  }
  tell("standard output: cannot be written: {}",
       stdout_error == EBADF ? "it is closed" : std::strerror(stdout_error));
  return status == kDone ? kFailed : status;
}

std::string fit_columns(std::string_view text, std::size_t columns) {
  std::string fitting;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, length_of_character(text));
    text.remove_prefix(character.size());
    // From U+2E80 on most are two columns wide; and one that is not does no harm.
    const bool is_wide = character.size() == 4 ||
                         (character.size() == 3 && character >= std::string_view("\xE2\xBA\x80"));
    used += is_wide ? 2 : 1;
    if (used > columns) {
      break;
    }
    fitting += is_control(character) ? "?" : character;
  }
  return fitting;
}

}  // namespace rein
