// Waiting, worked by hand: M/D/1 after Erlang (1909), and single requests one after the other.
#include "agent/model_based/queue_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace rein {
namespace {

/// All requests take their mean, but for the width of a bin.
ServiceSpread constant() {
  ServiceSpread spread;
  spread.fade(0.0);
  spread.add(1.0, 100.0);
  spread.sum_up();
  return spread;
}

QueueModel model(const Queue& queue, RequestSpec::Arrival arrival) {
  QueueModel model;
  model.follow(queue, constant(), ArrivalGaps(arrival));
  return model;
}

constexpr auto kPeriodic = RequestSpec::Arrival::kPeriodic;
constexpr auto kPoisson = RequestSpec::Arrival::kPoisson;

DOCTEST_TEST_CASE("requests that come one by one and are served in between never wait") {
  QueueModel queue = model({.deadline_ms = 20.0, .gap_ms = 15.0}, kPeriodic);
  DOCTEST_CHECK(queue.missed(std::log(12.0)) == doctest::Approx(0.0));
  DOCTEST_CHECK(queue.missed(std::log(5.0)) == 0.0);
  DOCTEST_CHECK(queue.missed(std::log(25.0)) == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("where a service takes longer than the gap all are late in the end") {
  // What is begun just before it expires ends late: 38 ms of waiting, 43, one dropped, 33, 38, ...
  QueueModel queue =
      model({.deadline_ms = 40.0, .gap_ms = 10.0, .limit = 100, .drops_expired = true}, kPeriodic);
  DOCTEST_CHECK(queue.missed(std::log(15.0)) > 0.95);
  // Short queues leave time: of three two are served, after waiting for one at most.
  QueueModel brief = model({.deadline_ms = 40.0, .gap_ms = 10.0, .limit = 1}, kPeriodic);
  DOCTEST_CHECK(brief.missed(std::log(15.0)) == doctest::Approx(1.0 / 3.0).epsilon(0.15));
  // Where none is dropped each waits longer than the one before.
  QueueModel all = model({.deadline_ms = 40.0, .gap_ms = 10.0, .limit = 1000}, kPeriodic);
  DOCTEST_CHECK(all.missed(std::log(15.0)) > 0.95);
}

DOCTEST_TEST_CASE("a queue comes of Poisson arrivals alone: M/D/1") {
  // Half of the time is busy. P(wait <= one service) = (1 - 1/2) exp(1/2) = 0.824.
  QueueModel queue = model({.deadline_ms = 20.0, .gap_ms = 20.0, .limit = 100}, kPoisson);
  DOCTEST_CHECK(queue.missed(std::log(9.95)) == doctest::Approx(1.0 - 0.824).epsilon(0.12));
  // P(wait <= two) = (1 - 1/2) (exp(1) - 1/2 exp(1/2)) = 0.947.
  QueueModel later = model({.deadline_ms = 30.0, .gap_ms = 20.0, .limit = 100}, kPoisson);
  DOCTEST_CHECK(later.missed(std::log(9.95)) == doctest::Approx(1.0 - 0.947).epsilon(0.25));
}

DOCTEST_TEST_CASE("what is missed grows with service time, and with bursts") {
  for (const bool drops : {false, true}) {
    const Queue at{.deadline_ms = 30.0, .gap_ms = 20.0, .limit = 8, .drops_expired = drops};
    QueueModel periodic = model(at, kPeriodic);
    QueueModel poisson = model(at, kPoisson);
    QueueModel bursty = model(at, RequestSpec::Arrival::kRecorded);
    double before = 0.0;
    for (double service = 2.0; service < 18.0; service += 0.5) {
      DOCTEST_CAPTURE(service);
      const double missed = poisson.missed(std::log(service));
      DOCTEST_CHECK(missed >= before - 0.01);
      before = missed;
      DOCTEST_CHECK(periodic.missed(std::log(service)) <= missed + 1e-6);
    }
    DOCTEST_CHECK(bursty.missed(std::log(5.0)) > poisson.missed(std::log(5.0)));
  }
}

DOCTEST_TEST_CASE("in a closed loop none waits, however long one takes") {
  QueueModel queue =
      model({.deadline_ms = 100.0, .gap_ms = 10.0, .is_closed_loop = true}, kPeriodic);
  DOCTEST_CHECK(queue.missed(std::log(80.0)) == doctest::Approx(0.0));
  DOCTEST_CHECK(queue.missed(std::log(120.0)) == doctest::Approx(1.0));
  DOCTEST_CHECK(queue.missed_behind(std::log(80.0), 10.0) == doctest::Approx(0.0));
  DOCTEST_CHECK(queue.missed_behind(std::log(80.0), 30.0) == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("without a deadline only those are missed that find the queue full") {
  const double none = std::numeric_limits<double>::infinity();
  QueueModel queue = model({.deadline_ms = none, .gap_ms = 10.0, .limit = 4}, kPeriodic);
  DOCTEST_CHECK(queue.missed(std::log(8.0)) == doctest::Approx(0.0));
  // Half of what comes can be served.
  DOCTEST_CHECK(queue.missed(std::log(20.0)) == doctest::Approx(0.5).epsilon(0.1));
}

DOCTEST_TEST_CASE("a model that promised no service time was no state of a queue") {
  QueueModel queue = model({.deadline_ms = 20.0, .gap_ms = 15.0}, kPoisson);
  const double infinity = std::numeric_limits<double>::infinity();
  DOCTEST_CHECK(queue.missed(infinity) == 1.0);
  DOCTEST_CHECK(queue.missed(std::nan("")) == 1.0);
  DOCTEST_CHECK(queue.missed(-infinity) == 0.0);
}

DOCTEST_TEST_CASE("those behind one that waits are missed until the wait is caught up") {
  QueueModel queue = model({.deadline_ms = 20.0, .gap_ms = 15.0, .limit = 8}, kPeriodic);
  queue.look_ahead(std::log(5.0), 3.0);
  // The one that waits ends 14 + 10 after it came; the next, 1 ms later, waits for 9.
  DOCTEST_CHECK(queue.excess(std::log(10.0), {1, 14.0}, 0.0) == doctest::Approx(1.0).epsilon(0.2));
  // Were it served in 5 it would be in time.
  DOCTEST_CHECK(queue.excess(std::log(5.0), {1, 14.0}, 0.0) == doctest::Approx(0.0));
  // Not after a delay.
  DOCTEST_CHECK(queue.excess(std::log(5.0), {1, 14.0}, 3.0) == doctest::Approx(1.0).epsilon(0.2));
  // Three of them, 14, 9.3 and 4.7 old: 24, 29.3 and 34.7 when they end.
  DOCTEST_CHECK(queue.excess(std::log(10.0), {3, 14.0}, 0.0) >= 3.0);
}

DOCTEST_TEST_CASE("the faster of two drains a full queue with fewer misses") {
  for (const bool drops : {false, true}) {
    QueueModel queue =
        model({.deadline_ms = 50.0, .gap_ms = 33.0, .limit = 4, .drops_expired = drops}, kPeriodic);
    queue.look_ahead(std::log(25.0), 3.0);
    const Waiting full{4, 120.0};
    double before = 0.0;
    for (const double service_ms : {5.0, 10.0, 20.0, 30.0}) {
      DOCTEST_CAPTURE(service_ms);
      const double excess = queue.excess(std::log(service_ms), full, 0.0);
      DOCTEST_CHECK(excess >= before - 0.05);
      before = excess;
    }
    DOCTEST_CHECK(queue.excess(std::log(30.0), full, 0.0) >
                  queue.excess(std::log(5.0), full, 0.0) + 0.5);
  }
}

DOCTEST_TEST_CASE("where nothing expires a full queue was never drained") {
  // The four that wait are late whatever is done, and so are those behind them: 41 ms are gained
  // with each that takes 448 of 489. One that takes 175 more costs four of them.
  QueueModel queue = model({.deadline_ms = 668.0, .gap_ms = 489.0, .limit = 4}, kPeriodic);
  queue.look_ahead(std::log(448.0), 1.0);
  const Waiting full{4, 2800.0};
  const double settled = queue.excess(std::log(448.0), full, 0.0);
  DOCTEST_CHECK(settled > 20.0);
  DOCTEST_CHECK(queue.excess(std::log(623.0), full, 0.0) > settled + 2.0);
}

DOCTEST_TEST_CASE("the gaps that are seen tell what kind of arrivals there are") {
  DOCTEST_CHECK(ArrivalGaps(kPeriodic).variation() == doctest::Approx(0.0));
  DOCTEST_CHECK(ArrivalGaps(kPoisson).variation() == doctest::Approx(1.0).epsilon(0.05));
  ArrivalGaps gaps(kPeriodic);
  for (int i = 0; i < 300; ++i) {  // Nine at once, and then a pause.
    gaps.add(i % 10 == 0 ? 9.1 : 0.1);
  }
  // Their mean is 1, and their square's 8.29.
  DOCTEST_CHECK(gaps.variation() > 2.0);
  DOCTEST_CHECK(gaps.variation() < 2.8);
  gaps.add(std::nan(""));
  gaps.add(-1.0);
  gaps.add(std::numeric_limits<double>::infinity());
  DOCTEST_CHECK(std::isfinite(gaps.variation()));
  std::vector<Share> points;
  gaps.points(points);
  double sum = 0.0;
  for (const Share& point : points) {
    sum += point.share;
  }
  DOCTEST_CHECK(sum == doctest::Approx(1.0));
}

}  // namespace
}  // namespace rein
