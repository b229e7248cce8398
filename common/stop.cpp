#include "common/stop.hpp"

#include <csignal>

namespace rein {

namespace {

volatile std::sig_atomic_t stop = 0;

}  // namespace

bool request_stop() {
  const bool is_news = stop == 0;
  stop = 1;
  return is_news;
}

bool stop_requested() { return stop != 0; }

}  // namespace rein
