#include "agent/neural/replay_buffer.hpp"

#include <doctest/doctest.h>

#include <set>

namespace rein {
namespace {

constexpr BranchAction kOne[] = {1};

DOCTEST_TEST_CASE("the newest takes the oldest's place, and only what is there is drawn") {
  ReplayBuffer replay(3, 1, ActionBranches::joint(2));
  Random random(1);
  QBatch batch;
  const auto drawn = [&] {
    replay.sample(100, random, batch);
    return std::set<float>(batch.rewards.begin(), batch.rewards.end());
  };
  replay.add({0.5}, kOne, 1.0F, {0.25}, false);
  DOCTEST_CHECK(drawn() == std::set<float>{1.0F});
  for (int i = 2; i <= 5; ++i) {
    replay.add({0.0}, kOne, static_cast<float>(i), {0.0}, false);
  }
  DOCTEST_CHECK(replay.size() == 3);
  DOCTEST_CHECK(drawn() == std::set<float>{3.0F, 4.0F, 5.0F});
}

DOCTEST_TEST_CASE("what is drawn belongs together") {
  const std::vector<Knob::Level> ten(10);
  const ActionSpace actions(
      {{"a", "1", Knob::Kind::kMapping, ten}, {"b", "1", Knob::Kind::kMapping, ten}});
  ReplayBuffer replay(10, 2, ActionBranches::per_knob(actions));
  for (int i = 0; i < 10; ++i) {
    const BranchAction parts[] = {static_cast<BranchAction>(i), static_cast<BranchAction>(9 - i)};
    replay.add({1.0 * i, 2.0 * i}, parts, 4.0F * static_cast<float>(i), {5.0 * i, 6.0 * i}, i == 7);
  }
  Random random(2);
  QBatch batch;
  replay.sample(200, random, batch);
  for (std::size_t row = 0; row < batch.size(); ++row) {
    const auto i = static_cast<float>(batch.parts[2 * row]);
    DOCTEST_REQUIRE(static_cast<float>(batch.parts[2 * row + 1]) == 9.0F - i);
    DOCTEST_REQUIRE(batch.observations[2 * row] == i);
    DOCTEST_REQUIRE(batch.observations[2 * row + 1] == 2.0F * i);
    DOCTEST_REQUIRE(batch.rewards[row] == 4.0F * i);
    DOCTEST_REQUIRE(batch.next_observations[2 * row] == 5.0F * i);
    DOCTEST_REQUIRE(batch.next_observations[2 * row + 1] == 6.0F * i);
    DOCTEST_REQUIRE(batch.continues[row] == (batch.parts[2 * row] == 7 ? 0.0F : 1.0F));
  }
}

}  // namespace
}  // namespace rein
