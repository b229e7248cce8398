#include "env/request_server.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "support/fake_machine.hpp"

namespace rein {
namespace {

using std::chrono::milliseconds;

struct Server {
  explicit Server(const RequestSpec& spec) : server(spec, network, images, machine.clock) {
    server.set_level(3);
    server.set_deadline(milliseconds(12));
    server.reset(machine.clock.now(), 1);
  }
  ServiceReport serve_for(int ms) {
    return server.serve_until(machine.clock.now() + milliseconds(ms));
  }
  FakeMachine machine;
  FakeNetwork network{machine};
  ImageSet images = fake_images();
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

DOCTEST_TEST_CASE("too few images for a batch and images of another size are refused") {
  FakeMachine machine;
  FakeNetwork network(machine);
  ImageSet few = fake_images(3);
  DOCTEST_CHECK_THROWS_WITH_AS(RequestServer(periodic(1), network, few, machine.clock),
                               "requests: expected at least 4 images for a batch, found 3", Error);
  ImageSet other = fake_images();
  other.width = 3;
  DOCTEST_CHECK_THROWS_AS(RequestServer(periodic(1), network, other, machine.clock), Error);
}

DOCTEST_TEST_CASE("a quantile is the nearest rank") {
  DOCTEST_CHECK(quantile({3, 1, 2, 4}, 0.5) == 2);
  DOCTEST_CHECK(quantile({3, 1, 2, 4}, 0.51) == 3);
  DOCTEST_CHECK(quantile({3, 1, 2, 4}, 1.0) == 4);
  DOCTEST_CHECK(quantile({}, 0.5) == 0);
}

}  // namespace
}  // namespace rein
