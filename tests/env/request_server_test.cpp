#include "env/request_server.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "env/network_worker.hpp"
#include "support/fake_machine.hpp"
#include "support/temporary_folder.hpp"

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

RequestSpec recorded(const std::vector<double>& times_s, std::optional<double> from_s = {}) {
  RequestSpec spec = periodic(10.0);
  spec.arrival = RequestSpec::Arrival::kRecorded;
  spec.recording = {.arrivals = std::make_shared<const RecordedArrivals>(times_s),
                    .file = "made-up.csv",
                    .from_s = from_s};
  return spec;
}

DOCTEST_TEST_CASE("recorded requests come at the run's mean rate, in their order, over and over") {
  // Gaps of 1, 3 and 2 s: a mean of 2, so 50, 150 and 100 ms at 10 a second, and 100 to the first.
  RequestSpec spec = recorded({5.0, 6.0, 9.0, 11.0}, 0.0);
  spec.batch = 1;
  Server server(spec);
  server.server.set_level(0);  // 2 ms.
  const auto close = [](const std::vector<double>& found, const std::vector<double>& expected) {
    DOCTEST_REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      DOCTEST_CHECK(std::abs(found[i] - expected[i]) <= 3.0);
    }
  };
  std::vector<double> times;
  const TimePoint start = server.machine.clock.now();
  while (times.size() < 6) {
    for (std::size_t n = server.serve_for(1).arrived; n > 0; --n) {
      times.push_back(to_milliseconds(server.machine.clock.now() - start));
    }
  }
  close(times, {1, 51, 201, 301, 401, 451});
}

DOCTEST_TEST_CASE("a recording begins where it is told to, or where the seed draws") {
  const std::vector<double> times_s = {0.0, 1.0, 4.0, 6.0};
  const auto first_of = [&](std::optional<double> from_s, std::uint64_t seed) {
    Server server(recorded(times_s, from_s));
    server.server.reset(server.machine.clock.now(), seed);
    return server.server.backlog().next_recorded;
  };
  DOCTEST_CHECK(first_of(0.0, 1) == 0);
  DOCTEST_CHECK(first_of(0.5, 1) == 1);
  DOCTEST_CHECK(first_of(4.0, 1) == 2);
  DOCTEST_CHECK(first_of(99.0, 1) == 0);
  std::set<std::size_t> drawn;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    DOCTEST_CHECK(first_of({}, seed) == first_of({}, seed));
    drawn.insert(first_of({}, seed));
  }
  DOCTEST_CHECK(drawn == std::set<std::size_t>{0, 1, 2, 3});
}

DOCTEST_TEST_CASE("many requests at one time are one burst, and its server ends") {
  std::vector<double> times_s(1000, 0.0);
  times_s.push_back(1000.0);
  RequestSpec spec = recorded(times_s, 0.0);
  Server server(spec);
  const ServiceReport report = server.serve_for(40);
  DOCTEST_CHECK(report.arrived == 1000);
  DOCTEST_CHECK(report.dropped + report.served + report.queued == 1000);
}

DOCTEST_TEST_CASE("a recording that is none is refused with its line") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "arrivals.csv";
  const auto message = [&](const std::string& text) {
    write_file(file, text);
    try {
      RecordedArrivals::read(file);
    } catch (const ConfigError& error) {
      return std::string(error.what()).erase(0, file.string().size());
    }
    return std::string();
  };
  DOCTEST_CHECK(message("arrival_s,x\n1,a\n2,b\n").empty());
  DOCTEST_CHECK(message("time\n1\n2\n") == ":1: expected the column arrival_s, found none");
  DOCTEST_CHECK(message("arrival_s\n1\nsoon\n") ==
                ":3: arrival_s: expected a time in seconds, found 'soon'");
  DOCTEST_CHECK(message("arrival_s\n1\nnan\n") ==
                ":3: arrival_s: expected a time in seconds, found 'nan'");
  DOCTEST_CHECK(message("arrival_s\n1\n0.5\n") ==
                ":3: arrival_s: expected a time not before 1, that of the arrival before, found "
                "'0.5'");
  DOCTEST_CHECK(message("arrival_s\n1\n") ==
                ": expected at least two arrivals at different times, found 1");
  DOCTEST_CHECK(message("arrival_s\n1\n1\n") ==
                ": expected at least two arrivals at different times, found 2 at the same");
  DOCTEST_CHECK(message("arrival_s\n-1e308\n1e308\n").find("a time that is a number") !=
                std::string::npos);
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
