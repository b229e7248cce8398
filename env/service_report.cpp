#include "env/service_report.hpp"

namespace rein {

void ServiceReport::clear() {
  arrived = served = late = dropped = queued = images = correct = 0;
  latencies_ms.clear();
  told = {};
  services_ms.clear();
  gaps_ms.clear();
  misses.clear();
  accuracy_sum = 0.0;
  busy_ms = waited_ms = 0.0;
}

}  // namespace rein
