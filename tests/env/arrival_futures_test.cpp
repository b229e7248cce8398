#include "env/arrival_futures.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "env/network_worker.hpp"
#include "support/fake_machine.hpp"

namespace rein {
namespace {

using std::chrono::milliseconds;

/// At a mean rate of 10 a second.
struct Futures {
  explicit Futures(RequestSpec of_requests)
      : spec(std::move(of_requests)),
        worker(network, images, spec.batch),
        server(spec, worker, machine.clock),
        futures(spec) {
    server.reset(machine.clock.now(), 1, 10.0);
  }
  explicit Futures(RequestSpec::Arrival arrival) : Futures(RequestSpec{.arrival = arrival}) {}
  explicit Futures(const std::vector<double>& times_s)
      : Futures(RequestSpec{
            .arrival = RequestSpec::Arrival::kRecorded,
            .recording = {.arrivals = std::make_shared<RecordedArrivals>(times_s), .file = {}}}) {}
  /// When the next request comes in a future, in ms from now.
  double next_ms(std::uint64_t future) {
    const Backlog before = server.backlog();
    futures.begin(future, machine.clock.now(), server);
    const double ms = to_milliseconds(server.backlog().next_arrival - machine.clock.now());
    server.set_backlog(before);
    return ms;
  }
  RequestSpec spec;
  FakeMachine machine;
  FakeNetwork network{machine};
  ImageSet images = fake_images();
  NetworkWorker worker;
  RequestServer server;
  ArrivalFutures futures;
};

DOCTEST_TEST_CASE("futures of Poisson arrivals knew when the next request would come") {
  Futures poisson(RequestSpec::Arrival::kPoisson);
  DOCTEST_CHECK(poisson.futures.is_by_chance());
  constexpr int kDraws = 4000;
  double sum_ms = 0.0;
  int later = 0;
  const TimePoint now = poisson.machine.clock.now();
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    poisson.server.set_next_arrival(now + milliseconds(5));
    const double ms = poisson.next_ms(i);
    poisson.server.set_next_arrival(now + milliseconds(900));
    DOCTEST_REQUIRE(poisson.next_ms(i) == ms);
    sum_ms += ms;
    later += ms > 100.0 ? 1 : 0;
  }
  // A mean of 100 ms, of which exp(-1) are longer.
  DOCTEST_CHECK(sum_ms / kDraws == doctest::Approx(100.0).epsilon(0.05));
  DOCTEST_CHECK(static_cast<double>(later) / kDraws == doctest::Approx(0.368).epsilon(0.05));
}

DOCTEST_TEST_CASE("of a recording of equal gaps what is left of the present one is known") {
  std::vector<double> times_s;
  for (int i = 0; i < 50; ++i) {
    times_s.push_back(0.5 * i);
  }
  Futures recorded(times_s);
  // Gaps of 100 ms at this rate, of which 60 have passed.
  recorded.server.set_next_arrival(recorded.machine.clock.now() + milliseconds(40), 7);
  for (std::uint64_t i = 0; i < 20; ++i) {
    DOCTEST_CHECK(recorded.next_ms(i) == doctest::Approx(40.0).epsilon(1e-6));
  }
}

DOCTEST_TEST_CASE(
    "in a recorded burst what comes is a burst's, and in a pause what is left of one") {
  // A hundred times twenty gaps of 0.5 s and twenty of 1.5 s: 50 and 150 ms at this rate.
  std::vector<double> times_s = {0.0};
  for (int i = 0; i < 4000; ++i) {
    times_s.push_back(times_s.back() + (i / 20 % 2 == 0 ? 0.5 : 1.5));
  }
  Futures recorded(times_s);
  // Of 13 gaps before which there were eight of a burst one is the first that is long, and the
  // other way round.
  const auto share = [&](std::size_t next, double left_ms, double looked_for_ms) {
    recorded.machine.clock.sleep_until(recorded.machine.clock.now() + milliseconds(1));
    recorded.server.set_next_arrival(recorded.machine.clock.now() + from_milliseconds(left_ms),
                                     next);
    int found = 0;
    constexpr int kDraws = 2000;
    for (std::uint64_t i = 0; i < kDraws; ++i) {
      found += std::abs(recorded.next_ms(i) - looked_for_ms) < 1e-3 ? 1 : 0;
    }
    return static_cast<double>(found) / kDraws;
  };
  using doctest::Approx;
  // The tenth gap of a burst has just begun; 20 ms of it have passed.
  DOCTEST_CHECK(share(11, 50.0, 50.0) == Approx(12.0 / 13.0).epsilon(0.03));
  DOCTEST_CHECK(share(11, 50.0, 150.0) == Approx(1.0 / 13.0).epsilon(0.2));
  DOCTEST_CHECK(share(11, 30.0, 30.0) == Approx(12.0 / 13.0).epsilon(0.03));
  // Of the tenth of the quiet part 20 ms, and 110: no gap of a burst is as long.
  DOCTEST_CHECK(share(31, 130.0, 130.0) == Approx(12.0 / 13.0).epsilon(0.03));
  DOCTEST_CHECK(share(31, 130.0, 30.0) == Approx(1.0 / 13.0).epsilon(0.2));
  DOCTEST_CHECK(share(31, 40.0, 40.0) == 1.0);
}

DOCTEST_TEST_CASE("a quiet that was never recorded ends at any time, and some day") {
  Futures recorded(std::vector<double>{0.0, 1.0, 2.0, 4.0, 5.0});
  // The longest gap is of 160 ms; this one is told of as longer by an arrival that lies in the
  // past.
  recorded.server.set_next_arrival(recorded.machine.clock.now() - milliseconds(500), 3);
  for (std::uint64_t i = 0; i < 20; ++i) {
    const double ms = recorded.next_ms(i);
    DOCTEST_CHECK(ms > 0.0);
    DOCTEST_CHECK(ms < 161.0);
  }
}

DOCTEST_TEST_CASE("what is not left to chance is as it was") {
  for (const auto arrival : {RequestSpec::Arrival::kPeriodic, RequestSpec::Arrival::kClosedLoop}) {
    Futures futures(arrival);
    DOCTEST_CHECK_FALSE(futures.futures.is_by_chance());
    futures.server.set_next_arrival(futures.machine.clock.now() + milliseconds(17));
    DOCTEST_CHECK(futures.next_ms(3) == doctest::Approx(17.0));
  }
}

}  // namespace
}  // namespace rein
