#include "study/suite/held_out.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "common/error.hpp"
#include "common/mixed_seed.hpp"
#include "study/suite/boards.hpp"
#include "study/suite/draft_file.hpp"
#include "study/suite/drawn_application.hpp"
#include "study/suite/drawn_limits.hpp"
#include "study/suite/drawn_load.hpp"
#include "study/suite/drawn_scenario.hpp"

namespace rein::suite {

namespace {

enum class Purpose : std::uint64_t { kKinds = 1, kWorld = 2 };

std::uint64_t seed_of(Purpose purpose, std::uint64_t seed, std::size_t index) {
  return mixed_seed(static_cast<std::uint64_t>(purpose), seed, index);
}

/// As many cards as kinds are dealt, then again.
const Kind& kind_of(std::uint64_t seed, std::size_t index) {
  Random random(seed_of(Purpose::kKinds, seed, index / kKinds.size()));
  std::vector<std::size_t> cards(kKinds.size());
  for (std::size_t i = 0; i < cards.size(); ++i) {
    cards[i] = i;
    std::swap(cards[i], cards[random.index(i + 1)]);
  }
  return kKinds[cards[index % cards.size()]];
}

/// Empty if it came to nothing that can be played.
std::optional<DrawnWorld> draw(std::uint64_t seed, std::size_t index, Random& random) {
  const std::array<std::string_view, 6> boards = {kJetsonNano,    kJetsonOrinNx, kJetsonXavierNx,
                                                  kOdroidXuThree, kPc,           kRaspberryPiFour};
  const std::string name = fmt::format("w{:02}", index + 1);
  const std::string_view base = one_of(boards, random);
  Draft draft{
      .random = random,
      .kind = kind_of(seed, index),
      .name = name,
      .board = DrawnBoard(base, fmt::format("drawn {} of seed {}", index + 1, seed), random)};
  draw_knobs(draft);
  draw_network(draft);
  draw_arrival(draft);
  draw_pace(draft);
  DrawnWorld world{.name = name, .kind = std::string(draft.kind.name), .run = {}, .recording = {}};
  world.recording = draw_recording(draft);
  draw_scenario(draft);
  const auto all = fit_load(draft);
  if (all.empty() ||
      std::ranges::max(all, {}, &ConfigurationFigures::hottest_c).hottest_c > kHottestBoardC) {
    return std::nullopt;
  }
  draw_limits(draft, all);
  world.run = fmt::format(
                  "# World {} of the suite held-out with the seed {}: {}. Drawn by the grammar of "
                  "docs/held-out.md.\n",
                  index + 1, seed, world.kind) +
              run_node(draft, draft.budgets, draft.objective,
                       world.recording.empty() ? "" : world.recording_file())
                  .dump();
  return world;
}

}  // namespace

DrawnWorld draw_held_out(std::uint64_t seed, std::size_t index) {
  constexpr std::size_t kMostTries = 100;
  Random random(seed_of(Purpose::kWorld, seed, index));
  for (std::size_t i = 0; i < kMostTries; ++i) {
    try {
      if (auto world = draw(seed, index, random)) {
        return *std::move(world);
      }
    } catch (const ConfigError&) {
      // Beyond what the readers take: a request of an hour, say.
    }
  }
  throw Error(fmt::format("expected a world within {} tries, found none with the seed {}",
                          kMostTries, seed));
}

std::vector<std::string> held_out_kinds() {
  std::vector<std::string> names;
  std::ranges::transform(kKinds, std::back_inserter(names),
                         [](const Kind& kind) { return std::string(kind.name); });
  return names;
}

}  // namespace rein::suite
