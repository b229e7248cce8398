#include "agent/core/checkpoint.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/core/examples.hpp"
#include "agent/make_agent.hpp"
#include "support/player.hpp"

namespace rein {
namespace {

bool learns_rewards(const std::string& kind) {
  return kind == "q_learning" || kind == "dqn" || kind == "actor_critic" || kind == "ztt" ||
         kind == "prime_q";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string edited(const std::string& text, const std::string& pointer,
                   const nlohmann::ordered_json& value) {
  auto json = nlohmann::ordered_json::parse(text);
  json[nlohmann::ordered_json::json_pointer(pointer)] = value;
  return json.dump(1);
}

DOCTEST_TEST_CASE("every kind of agent is saved, loaded and saved again as the same bytes") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    const std::string fresh = Player(kind).saved();
    Player again(kind, 2);
    DOCTEST_CHECK(again.load(fresh) == "");
    const bool was_read_fresh = again.saved() == fresh;
    DOCTEST_CHECK(was_read_fresh);
    const std::string experienced = Player(kind).play().saved();
    DOCTEST_CHECK(again.load(experienced) == "");
    const bool was_read = again.saved() == experienced;
    DOCTEST_CHECK(was_read);
  }
}

/// Loads what was made for something else. @return the message.
std::string refused(const std::string& kind, const std::string& checkpoint,
                    const Change& change = unchanged, const std::string& options = "") {
  Player player(kind, 2, change, options);
  const std::string before = player.saved();
  std::string message = player.load(checkpoint);
  const bool is_as_it_was = player.saved() == before;
  DOCTEST_CHECK(message != "");
  DOCTEST_CHECK(is_as_it_was);
  return message;
}

void check_refused(const std::string& message, const std::string& part) {
  DOCTEST_CAPTURE(message);
  DOCTEST_CHECK(holds(message, part));
}

DOCTEST_TEST_CASE("a checkpoint for anything else is refused with what differs, by every kind") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    Player player(kind);
    const auto& features = player.world.environment().observation_spec().features();
    const std::string checkpoint = player.play().saved();
    const auto refuse = [&](const std::string& pointer, const nlohmann::ordered_json& value,
                            const std::string& part) {
      check_refused(refused(kind, edited(checkpoint, pointer, value)), part);
    };
    check_refused(refused(kind, checkpoint,
                          [](SimulatedTask& task) { task.network.levels[1].network.name = "0.9"; }),
                  "for.knobs.0: expected 'width.app: 0.5 0.9' as in this run, found 'width.app: "
                  "0.5 1.0'");
    check_refused(refused(kind, checkpoint,
                          [](SimulatedTask& task) { task.period = from_milliseconds(250); }),
                  "for.period_s: expected 0.25 as in this run, found '0.1'");
    refuse("/for/features/4", "deadline.app",
           "for.features.4: expected '" + describe(features[4]) +
               "' as in this run, found 'deadline.app'");
    refuse("/for/features/" + std::to_string(features.size()), "more",
           fmt::format("for.features: expected {} entries as in this run, found {}",
                       features.size(), features.size() + 1));
    refuse("/kind", "psychic", "kind: expected '" + kind + "' as in this run, found 'psychic'");
    refuse("/format", "rein training",
           "format: expected 'rein agent' as in this run, found 'rein training'");
    refuse("/version", 1,
           "version: expected version 2, found '1': made by an earlier version; make a new one "
           "(`rein train RUN.yaml`, docs/training.md)");
    refuse("/version", 3, "version: expected version 2, found '3'");
    refuse("/for/owner", "me", "for.owner: expected one of ");
    refuse("/more", 1, "more: expected one of ");  // After all of it was read.
  }
}

DOCTEST_TEST_CASE("a checkpoint of rewards was taken for those of another task") {
  const Change other_objective = [](SimulatedTask& task) {
    task.objective = {Objective::Kind::kMinEnergy, 200.0};
  };
  const Change other_prices = [](SimulatedTask& task) {
    task.prices[BudgetId::Kind::kPower] = 5.0;
  };
  const Change other_arrival = [](SimulatedTask& task) {
    task.requests.arrival = RequestSpec::Arrival::kPoisson;
  };
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    const std::string checkpoint = Player(kind).play().saved();
    for (const auto& change : {other_objective, other_prices, other_arrival}) {
      if (!learns_rewards(kind)) {
        // It learned the machine, or nothing.
        DOCTEST_CHECK(Player(kind, 2, change).load(checkpoint) == "");
      }
    }
    if (!learns_rewards(kind)) {
      continue;
    }
    check_refused(refused(kind, checkpoint, other_objective),
                  "for.objective: expected 'min_energy of power_w, which earns nothing at 200' as "
                  "in this run, found 'max_accuracy'");
    check_refused(refused(kind, checkpoint, other_prices),
                  "for.prices.power: expected 5 as in this run, found '4.0'");
    check_refused(refused(kind, checkpoint, other_arrival),
                  "for.arrival: expected 'poisson' as in this run, found 'periodic'");
    check_refused(refused(kind, edited(checkpoint, "/for/power_signals", {"power_ours_w"})),
                  "for.power_signals: expected power_w, which this run's budgets or objective ask "
                  "for, found power_ours_w");
    // More than is asked for does no harm.
    DOCTEST_CHECK(Player(kind).load(
                      edited(checkpoint, "/for/power_signals", {"power_ours_w", "power_w"})) == "");
  }
}

DOCTEST_TEST_CASE("a checkpoint was taken for one of other options that it depends on") {
  struct Option {
    std::string kind;
    std::string text;
    std::string message;
  };
  for (const auto& option : std::vector<Option>{
           {"q_learning", "discount: 0.5", "discount: expected 0.5 as in this run, found '0.2'"},
           {"q_learning", "double: true", "estimates: expected 2 as in this run, found '1'"},
           {"q_learning", "state: []", "bins: expected 0 entries as in this run, found"},
           {"dqn", "discount: 0.3", "discount: expected 0.3 as in this run"},
           {"dqn", "reward_floor: -1", "reward_floor: expected -1 as in this run, found '-2.0'"},
           {"dqn", "duelling: false", "head: expected '24' as in this run, found 'duelling 24'"},
           {"dqn", "head: branching", "head: expected 'duelling 2 x 2 x 2 x 3' as in this run"},
           {"actor_critic", "discount: 0.5", "discount: expected 0.5 as in this run"},
           {"actor_critic", "reward_floor: -1", "reward_floor: expected -1 as in this run"},
           {"ztt", "discount: 0.5", "discount: expected 0.5 as in this run"},
           {"ztt", "hidden: 4", "layers: expected [7, 4, 4, 3] as in this run, found [7, 16, 16"},
           {"ztt", "power_weight: 3", "power_weight: expected 3 as in this run, found '2.0'"},
           {"prime_q", "bins: 3", "bins: expected 3 as in this run, found"},
           {"prime_q", "power_weight: 0.9", "power_weight: expected 0.9 as in this run, found"}}) {
    DOCTEST_CAPTURE(option.kind);
    check_refused(
        refused(option.kind, Player(option.kind).play().saved(), unchanged, ", " + option.text),
        "for.options." + option.message);
  }
  for (const std::string kind : {"dqn", "actor_critic"}) {
    auto json = nlohmann::ordered_json::parse(Player(kind).saved());
    auto& layers = json.at("for").at("options").at("layers");
    layers[1] = 5;
    check_refused(refused(kind, json.dump()), "for.options.layers: expected [");
  }
  check_refused(refused("model_based",
                        edited(Player("model_based").saved(), "/for/options/hints", {"power_w"})),
                "for.options.hints");
}

DOCTEST_TEST_CASE("a checkpoint that is broken anywhere leaves every kind as it was") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    const auto good = nlohmann::ordered_json::parse(Player(kind).play().saved());
    Player player(kind, 2);
    player.play();
    const std::string before = player.saved();
    for (const auto& entry : good.items()) {
      const std::string& key = entry.key();
      DOCTEST_CAPTURE(key);
      auto bad = good;
      bad.erase(key);
      DOCTEST_CHECK(holds(player.load(bad.dump(1)), key + ": expected this key, found nothing"));
      bad = good;
      bad[key] = {{"other", {{"than", "expected"}}}};
      DOCTEST_CHECK(player.load(bad.dump(1)) != "");
    }
    const bool is_as_it_was = player.saved() == before;
    DOCTEST_CHECK(is_as_it_was);
  }
}

DOCTEST_TEST_CASE("a checkpoint of an agent that had not learned anything yet could not be read") {
  Player ztt("ztt");
  DOCTEST_CHECK(Player("ztt", 2).load(ztt.saved()) == "");
}

DOCTEST_TEST_CASE("a replay buffer that was full took a place beyond its end as the next one") {
  Player full("dqn", 1, unchanged, ", replay: 20");
  auto json = nlohmann::ordered_json::parse(full.play().saved());
  DOCTEST_REQUIRE(json.at("replay").at("size") == 20);
  json.at("replay").at("next") = 20;
  check_refused(refused("dqn", json.dump(), unchanged, ", replay: 20"),
                "replay.next: expected a whole number from 0 to 19, found '20'");
}

DOCTEST_TEST_CASE("a checkpoint proves itself: it decides as it did when it was saved") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    Player player(kind);
    const auto good = nlohmann::ordered_json::parse(player.play().saved());
    DOCTEST_REQUIRE(good.contains("examples") == player.agent->learns());
    if (!player.agent->learns()) {
      continue;
    }
    const auto& views = good.at("examples").at("views");
    DOCTEST_REQUIRE(views.size() == 8);
    auto bad = good;
    auto& level = bad.at("examples").at("views").at(5).at("action").at(0);
    level = level == 0 ? 1 : 0;
    check_refused(refused(kind, bad.dump(1)),
                  "examples.views.5.action: expected levels " + level.dump());
    // Under other parameters it may well decide otherwise.
    bad.at("examples").at("setting") = "other";
    DOCTEST_CHECK(Player(kind, 2).load(bad.dump(1)) == "");
  }
}

DOCTEST_TEST_CASE("weights that were changed in the file are found out by what they decide") {
  Player player("dqn");
  auto json = nlohmann::ordered_json::parse(player.play().saved());
  auto& weights = json.at("policy").at("network").at("weights");
  std::string text = weights;
  // Each of the first numbers is the one that was twelve places behind it.
  std::rotate(text.begin(), text.begin() + 64, text.end() - 64);
  weights = text;
  check_refused(refused("dqn", json.dump()), "examples.views.");
}

DOCTEST_TEST_CASE("a policy's hash tells whether it is the same, whoever made it") {
  for (const auto& kind : agent_kinds()) {
    DOCTEST_CAPTURE(kind);
    Player one(kind);
    const std::string before = hash_of(one.agent->policy());
    DOCTEST_CHECK(before.size() == 16);
    one.play();
    const std::string after = hash_of(one.agent->policy());
    DOCTEST_CHECK((after != before) == one.agent->learns());
    Player other(kind, 2);
    DOCTEST_CHECK(other.load(one.saved()) == "");
    DOCTEST_CHECK(hash_of(other.agent->policy()) == after);
    DOCTEST_CHECK((one.agent->updates() > 0) == one.agent->learns());
  }
}

}  // namespace
}  // namespace rein
