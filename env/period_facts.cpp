#include "env/period_facts.hpp"

#include "common/statistics.hpp"

namespace rein {

void ApplicationFacts::count(const ServiceReport& service, double top1_in_force) {
  served = static_cast<double>(service.served);
  missed = static_cast<double>(service.missed());
  requests = static_cast<double>(service.requests());
  if (service.served > 0) {
    accuracy_top1 = service.accuracy_sum / served;
    latency_mean_ms = mean(service.latencies_ms);
  } else {
    accuracy_top1 = top1_in_force;
    latency_mean_ms.reset();
  }
}

}  // namespace rein
