#include "cli/interrupt.hpp"

#include <csignal>
#include <initializer_list>

#include "cli/output.hpp"
#include "common/stop.hpp"

namespace rein {

namespace {

void on_signal(int) {
  if (request_stop()) {
    tell_from_handler("ending ...");
  }
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
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

}  // namespace rein
