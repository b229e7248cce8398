#include "env/request_server.hpp"

#include <algorithm>

namespace rein {

RequestServer::RequestServer(const RequestSpec& spec, RequestWorker& worker, Clock& clock)
    : spec_(spec), worker_(worker), clock_(clock) {
  backlog_.rate_hz = spec.rate_hz;
}

void RequestServer::reset(TimePoint start, std::uint64_t seed, std::optional<double> rate_hz) {
  random_ = Random(seed);
  backlog_.rate_hz = rate_hz.value_or(spec_.rate_hz);
  backlog_.queue.clear();
  backlog_.last_arrival.reset();
  backlog_.next_arrival = start;
  if (spec_.arrival == RequestSpec::Arrival::kPoisson) {
    backlog_.next_arrival += next_gap();
  }
  if (const auto& [recorded, file, from_s] = spec_.recording; recorded != nullptr) {
    backlog_.next_recorded = from_s ? recorded->find(*from_s) : random_.index(recorded->size());
  }
}

void RequestServer::set_level(std::size_t level) {
  worker_.set_level(level);
  level_ = level;
}

void RequestServer::serve_until(TimePoint end, ServiceReport& report) {
  report.clear();
  TimePoint now = clock_.now();
  while (now < end) {
    admit(now, report);
    drop_expired(now, report);
    if (backlog_.queue.empty()) {
      clock_.sleep_until(std::min(backlog_.next_arrival, end));
      now = clock_.now();
    } else {
      now = serve(backlog_.queue.pop(), now, report);
    }
  }
  admit(now, report);
  drop_expired(now, report);
  report.queued = backlog_.queue.size();
  if (!backlog_.queue.empty()) {
    report.waited_ms = to_milliseconds(now - backlog_.queue.front().arrival);
  }
}

void RequestServer::admit(TimePoint now, ServiceReport& report) {
  while (backlog_.next_arrival <= now) {
    ++report.arrived;
    if (backlog_.last_arrival) {
      report.gaps_ms.push_back(to_milliseconds(backlog_.next_arrival - *backlog_.last_arrival));
    }
    backlog_.last_arrival = backlog_.next_arrival;
    if (backlog_.queue.size() < spec_.queue_limit) {
      backlog_.queue.push({backlog_.next_arrival, backlog_.deadline});
    } else {
      drop(now, report);
    }
    // In a closed loop the next request comes when this one ends: serve() sets the time.
    backlog_.next_arrival = spec_.arrival == RequestSpec::Arrival::kClosedLoop
                                ? TimePoint::max()
                                : backlog_.next_arrival + next_gap();
  }
}

void RequestServer::drop(TimePoint now, ServiceReport& report) {
  ++report.dropped;
  report.misses.push_back(true);
  if (spec_.arrival == RequestSpec::Arrival::kClosedLoop) {
    backlog_.next_arrival = now;
  }
}

void RequestServer::drop_expired(TimePoint now, ServiceReport& report) {
  if (!spec_.drop_expired) {
    return;
  }
  for (std::size_t late = backlog_.queue.drop_late(now); late > 0; --late) {
    drop(now, report);
  }
}

TimePoint RequestServer::serve(const Request& request, TimePoint now, ServiceReport& report) {
  report.correct += worker_.serve(spec_.batch, request.time_left(now));
  report.images += spec_.batch;
  const TimePoint finished = clock_.now();
  const bool late = request.time_left(finished) < Duration::zero();
  ++report.served;
  report.late += late ? 1 : 0;
  report.misses.push_back(late);
  report.latencies_ms.push_back(to_milliseconds(finished - request.arrival));
  report.services_ms.push_back(to_milliseconds(finished - now));
  report.busy_ms += report.services_ms.back();
  report.accuracy_sum += worker_.levels()[level_].accuracy_top1;
  if (spec_.arrival == RequestSpec::Arrival::kClosedLoop) {
    backlog_.next_arrival = finished;
  }
  return finished;
}

Duration RequestServer::next_gap() {
  const double mean_s = 1.0 / backlog_.rate_hz;
  double gap_s = mean_s;
  if (spec_.arrival == RequestSpec::Arrival::kPoisson) {
    gap_s = random_.exponential(mean_s);
  } else if (spec_.arrival == RequestSpec::Arrival::kRecorded) {
    const RecordedArrivals& recorded = *spec_.recording.arrivals;
    gap_s *= recorded.gap(backlog_.next_recorded);
    backlog_.next_recorded = (backlog_.next_recorded + 1) % recorded.size();
  }
  return std::max(Duration(1), from_seconds(gap_s));
}

}  // namespace rein
