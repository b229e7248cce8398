#include "env/request_server.hpp"

#include <doctest/doctest.h>

#include "env/network_worker.hpp"
#include "support/fake_machine.hpp"

namespace rein {
namespace {

using std::chrono::milliseconds;

struct Server {
  explicit Server(const RequestSpec& spec)
      : worker(network, images, spec.batch), server(spec, worker, machine.clock) {
    server.set_level(3);
    server.set_deadline(milliseconds(12));
    server.reset(machine.clock.now(), 1);
  }
  ServiceReport serve_for(int ms) {
    ServiceReport report;
    server.serve_until(machine.clock.now() + milliseconds(ms), report);
    return report;
  }
  FakeMachine machine;
  FakeNetwork network{machine};
  ImageSet images = fake_images();
  NetworkWorker worker;
  RequestServer server;
};

RequestSpec periodic(double rate_hz) {
  return {.arrival = RequestSpec::Arrival::kPeriodic,
          .rate_hz = rate_hz,
          .batch = 4,
          .queue_limit = 3,
          .drop_expired = false};
}

DOCTEST_TEST_CASE("requests that come slower than they are served all have the service time") {
  Server server(periodic(50));  // one each 20 ms, 8 ms of work
  const ServiceReport report = server.serve_for(100);
  DOCTEST_CHECK(report.arrived == 6);  // at 0, 20, ..., 100
  DOCTEST_CHECK(report.served == 5);
  DOCTEST_CHECK(report.queued == 1);
  DOCTEST_CHECK(report.waited_ms == 0.0);  // It came this moment.
  DOCTEST_CHECK(report.late == 0);
  for (const double latency_ms : report.latencies_ms) {
    DOCTEST_CHECK(latency_ms == doctest::Approx(8.0));
  }
  DOCTEST_CHECK(report.accuracy_sum == doctest::Approx(5 * 0.94));
  DOCTEST_CHECK(report.images == 20);
  DOCTEST_CHECK(report.correct == 15);  // every fourth image is mislabelled
}

DOCTEST_TEST_CASE("a queue makes requests wait, then late, then dropped") {
  Server server(periodic(250));  // one each 4 ms, 8 ms of work
  const ServiceReport report = server.serve_for(40);
  DOCTEST_CHECK(report.served == 5);
  DOCTEST_CHECK(report.latencies_ms[0] == doctest::Approx(8.0));
  DOCTEST_CHECK(report.latencies_ms[1] == doctest::Approx(12.0));  // arrived at 4, ended at 16
  DOCTEST_CHECK(report.latencies_ms[2] == doctest::Approx(16.0));
  DOCTEST_CHECK(report.late == 3);
  DOCTEST_CHECK(report.queued == 3);
  DOCTEST_CHECK(report.waited_ms == doctest::Approx(20.0));  // that of 20 ms, at 40
  DOCTEST_CHECK(report.arrived == report.served + report.queued + report.dropped);
  DOCTEST_CHECK(report.misses.size() == report.requests());
}

DOCTEST_TEST_CASE("an expired request is dropped unserved where the spec says so") {
  RequestSpec spec = periodic(250);
  spec.drop_expired = true;
  Server server(spec);
  server.server.set_deadline(milliseconds(6));
  const ServiceReport report = server.serve_for(40);
  // Each that is served takes 8 ms, more than the deadline: all are late, and those that arrived
  // just after a start have expired when it ends.
  DOCTEST_CHECK(report.late == report.served);
  DOCTEST_CHECK(report.dropped > 0);
  DOCTEST_CHECK(report.missed() == report.requests());
}

DOCTEST_TEST_CASE("what a long request kept waiting is counted in its own period") {
  RequestSpec spec = periodic(40);
  spec.drop_expired = true;
  Server server(spec);
  server.machine.place = 2;
  server.machine.contended = {true, false};  // 60 ms a request
  const ServiceReport first = server.serve_for(100);
  // The first is served until 60, when that of 25 has expired and that of 50 has not; it is served
  // until 120, when those of 75 and 100 have expired.
  DOCTEST_CHECK(first.served == 2);
  DOCTEST_CHECK(first.dropped == 3);
  DOCTEST_CHECK(first.queued == 0);
}

DOCTEST_TEST_CASE("a request keeps the deadline that it arrived with") {
  Server server(periodic(50));
  server.serve_for(15);
  server.server.set_deadline(milliseconds(5));
  const ServiceReport report = server.serve_for(20);
  DOCTEST_CHECK(report.served == 1);
  DOCTEST_CHECK(report.late == 1);
}

DOCTEST_TEST_CASE("in a closed loop the next request comes when the last one ends") {
  RequestSpec spec = periodic(1);
  spec.arrival = RequestSpec::Arrival::kClosedLoop;
  Server server(spec);
  const ServiceReport report = server.serve_for(80);
  DOCTEST_CHECK(report.served == 10);
  DOCTEST_CHECK(report.late == 0);
  DOCTEST_CHECK(report.dropped == 0);
}

DOCTEST_TEST_CASE("Poisson arrivals have the rate that was asked for, from the seed alone") {
  RequestSpec spec = periodic(40);
  spec.arrival = RequestSpec::Arrival::kPoisson;
  Server one(spec);
  Server other(spec);
  const auto report = one.serve_for(100'000);
  DOCTEST_CHECK(static_cast<double>(report.arrived) == doctest::Approx(4000).epsilon(0.05));
  DOCTEST_CHECK(other.serve_for(100'000).latencies_ms == report.latencies_ms);
}

DOCTEST_TEST_CASE("a server that is given another's backlog goes on as the other would") {
  Server one(periodic(250));
  one.serve_for(21);
  Server other(periodic(10));
  other.machine.clock.advance(one.machine.clock.now() - other.machine.clock.now());
  other.server.set_backlog(one.server.backlog());
  const ServiceReport expected = one.serve_for(40);
  const ServiceReport report = other.serve_for(40);
  DOCTEST_CHECK(report.latencies_ms == expected.latencies_ms);
  DOCTEST_CHECK(report.dropped == expected.dropped);
  DOCTEST_CHECK(report.queued == 3);
}

DOCTEST_TEST_CASE("a report that is filled again is as if it were new") {
  Server server(periodic(250));
  ServiceReport report;
  server.server.serve_until(server.machine.clock.now() + milliseconds(40), report);
  server.server.set_rate(1.0);
  server.serve_for(200);
  server.server.serve_until(server.machine.clock.now() + milliseconds(10), report);
  DOCTEST_CHECK(report.requests() == 0);
  DOCTEST_CHECK(report.misses.empty());
  DOCTEST_CHECK(report.latencies_ms.empty());
  DOCTEST_CHECK(report.images == 0);
  DOCTEST_CHECK(report.accuracy_sum == 0.0);
}

DOCTEST_TEST_CASE("a queue gives back what it was given, in order, however long it is used") {
  RequestQueue queue;
  std::int64_t pushed = 0;
  std::int64_t popped = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < round % 7; ++i) {
      queue.push({TimePoint(milliseconds(pushed++)), milliseconds(5)});
    }
    while (queue.size() > static_cast<std::size_t>(round % 3)) {
      DOCTEST_REQUIRE(queue.pop().arrival == TimePoint(milliseconds(popped++)));
    }
    DOCTEST_REQUIRE(queue.size() == static_cast<std::size_t>(pushed - popped));
  }
  queue.clear();
  queue.push({TimePoint(milliseconds(0)), milliseconds(5)});
  queue.push({TimePoint(milliseconds(1)), milliseconds(2)});
  queue.push({TimePoint(milliseconds(2)), Duration::max()});
  DOCTEST_CHECK(queue.drop_late(TimePoint(milliseconds(4))) == 1);
  DOCTEST_CHECK(queue.drop_late(TimePoint(milliseconds(5))) == 0);
  DOCTEST_CHECK(queue.pop().arrival == TimePoint(milliseconds(0)));
  DOCTEST_CHECK(queue.pop().arrival == TimePoint(milliseconds(2)));
  DOCTEST_CHECK(queue.empty());
}

}  // namespace
}  // namespace rein
