#include "cli/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace rein {

namespace {
volatile std::sig_atomic_t stop = 0;
void request_stop(int) { stop = 1; }
}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaction(signal, &action, nullptr);
  }
}

bool stop_requested() { return stop != 0; }

}  // namespace rein
