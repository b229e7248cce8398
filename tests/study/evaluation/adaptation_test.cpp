#include "study/evaluation/adaptation.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace rein {
namespace {

RewardCourse course(std::vector<double> rewards, const std::vector<std::size_t>& changes) {
  RewardCourse result;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    result.add(rewards[i], std::ranges::count(changes, i) > 0);
  }
  return result;
}

DOCTEST_TEST_CASE("an agent has adapted when five periods are as good as the oracle's") {
  // The second phase begins with period 3. Below the oracle by 0.4, 0.2, then 0.04: the mean of
  // periods 3 to 7 is 0.144 below, of 4 to 8 it is 0.072, and of 5 to 9 it is 0.04.
  const std::vector<double> good(12, 0.9);
  std::vector<double> own = good;
  own[3] -= 0.4;
  own[4] -= 0.2;
  for (std::size_t i = 5; i < own.size(); ++i) {
    own[i] -= 0.04;
  }
  const Adaptation adaptation = adapt(course(own, {3}), course(good, {3}));
  DOCTEST_REQUIRE(adaptation.periods.size() == 1);
  DOCTEST_CHECK(adaptation.periods[0] == 2.0);
  DOCTEST_CHECK(adaptation.unadapted == 0);
}

DOCTEST_TEST_CASE("who is as good as the oracle from the change on adapts in no time") {
  const RewardCourse same = course(std::vector<double>(20, -3.0), {5, 12});
  const Adaptation adaptation = adapt(same, same);
  DOCTEST_CHECK(adaptation.periods == std::vector<double>{0.0, 0.0});
  DOCTEST_CHECK(good_from_period(same, same) == 0);
}

DOCTEST_TEST_CASE("who is not as good before the next change counts the phase's length") {
  const RewardCourse oracle = course(std::vector<double>(30, 0.5), {4, 12, 15});
  std::vector<double> rewards(30, 0.5);
  // In the first phase good too late: 7 of 8 periods bad. The second has 3 periods: as a whole.
  std::fill_n(rewards.begin() + 4, 7, 0.0);
  rewards[12] = 0.4;
  std::fill(rewards.begin() + 15, rewards.end(), 0.44);
  const Adaptation adaptation = adapt(course(rewards, {4, 12, 15}), oracle);
  DOCTEST_CHECK(adaptation.periods == std::vector<double>{8.0, 0.0, 15.0});
  DOCTEST_CHECK(adaptation.unadapted == 2);
}

DOCTEST_TEST_CASE("periods that were lost by an overrun count, and changes are the oracle's") {
  const RewardCourse oracle = course(std::vector<double>(12, 1.0), {4});
  RewardCourse own;
  own.add(1.0, false, 1);
  own.add(0.0, false, 4);  // Periods 2 to 6: the change falls among them.
  for (int i = 7; i < 12; ++i) {
    own.add(1.0, i == 7);
  }
  DOCTEST_CHECK(own.thousandths.size() == 12);
  DOCTEST_CHECK(adapt(own, oracle).periods == std::vector<double>{3.0});
}

DOCTEST_TEST_CASE("an agent is good from where a hundred periods and all the rest are as good") {
  const std::size_t periods = 400;
  const RewardCourse oracle = course(std::vector<double>(periods, 0.8), {});
  std::vector<double> rewards(periods, 0.8);
  std::fill_n(rewards.begin(), 50, 0.0);
  // A hundred periods from 44 on have six that lack 0.8: 0.048. From 43 on it is 0.056.
  DOCTEST_CHECK(good_from_period(course(rewards, {}), oracle) == 44);
  // A hundred that lack 0.1 but for themselves are made up for by the rest.
  rewards[200] -= 10.0;
  DOCTEST_CHECK(good_from_period(course(rewards, {}), oracle) == 44);
  // From 44 to the end, 356 periods may lack 17.8; they lack 4.8 and 13.5.
  rewards[200] -= 3.5;
  DOCTEST_CHECK(good_from_period(course(rewards, {}), oracle) == 45);
  // 22 cannot be made up for before it is over.
  rewards[200] -= 8.5;
  DOCTEST_CHECK(good_from_period(course(rewards, {}), oracle) == 201);
  rewards[periods - 1] -= 100.0;
  DOCTEST_CHECK(good_from_period(course(rewards, {}), oracle) == periods);
}

DOCTEST_TEST_CASE("an episode that is shorter than a hundred periods is judged as a whole") {
  const RewardCourse oracle = course({1.0, 1.0, 1.0, 1.0}, {});
  DOCTEST_CHECK(good_from_period(course({0.8, 1.0, 1.0, 1.0}, {}), oracle) == 0);
  DOCTEST_CHECK(good_from_period(course({0.7, 1.0, 1.0, 1.0}, {}), oracle) == 4);
}

DOCTEST_TEST_CASE("a curve is the mean over the changes, up to the next one") {
  std::vector<double> rewards(30, 0.0);
  rewards[19] = 1.0;
  rewards[20] = 2.0;
  rewards[22] = 4.0;
  rewards[23] = 6.0;
  ChangeCurve curve;
  curve.add(course(rewards, {20, 23}));
  const auto means = curve.means();
  const auto at = [&](int periods) {
    return means[static_cast<std::size_t>(static_cast<int>(ChangeCurve::kBefore) + periods)];
  };
  DOCTEST_CHECK(*at(0) == doctest::Approx(4.0));   // Of periods 20 and 23.
  DOCTEST_CHECK(*at(-1) == doctest::Approx(2.5));  // Of 19 and 22.
  DOCTEST_CHECK(*at(-4) == doctest::Approx(0.0));  // Of 16 alone: 19 lies before a change.
  DOCTEST_CHECK(*at(3) == doctest::Approx(0.0));   // Of 26 alone.
  DOCTEST_CHECK_FALSE(at(7).has_value());
}

}  // namespace
}  // namespace rein
