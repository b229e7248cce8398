#include "cli/interrupt.hpp"

#include <csignal>
#include <initializer_list>

#include "cli/output.hpp"

namespace rein {

namespace {

volatile std::sig_atomic_t stop = 0;

void request_stop(int) {
  if (stop == 0) {
    tell_from_handler("ending ...");
  }
  stop = 1;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    // nohup means that a hang-up is to end nothing. (Shells ignore SIGINT for what is in the
    // background, which is not meant against `kill -INT`.)
    if (signal != SIGHUP || before.sa_handler != SIG_IGN) {
      sigaction(signal, &action, nullptr);
    }
  }
}

bool stop_requested() { return stop != 0; }

}  // namespace rein
