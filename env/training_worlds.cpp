#include "env/training_worlds.hpp"

#include <memory>

#include "common/mixed_seed.hpp"

namespace rein {

namespace {

enum class Purpose : std::uint64_t { kTraining = 1, kValidation = 2 };

std::uint64_t seed_of(Purpose purpose, std::uint64_t seed, std::uint64_t index) {
  return mixed_seed(static_cast<std::uint64_t>(purpose), seed, index);
}

Episode make_episode(const SimulatedTask& task, std::uint64_t seed) {
  const auto world = std::make_shared<SimulatedWorld>(task);
  return {{world, &world->environment()}, mixed(seed), task.duration_s};
}

}  // namespace

SimulatedTask TrainingWorlds::draw(std::uint64_t index, std::uint64_t seed) const {
  Random random(seed);
  const Nominal& nominal = nominal_[index % nominal_.size()];
  SimulatedTask task = randomise(nominal.task, nominal.spread, random);
  const Budgets budgets =
      randomise_load(task, nominal.budgets, nominal.task, RandomLoadSpec{}, random);
  task.scenario = random_scenario(budgets, task, duration_s_, RandomScenarioSpec{}, random);
  task.duration_s = duration_s_;
  return task;
}

SimulatedTask TrainingWorlds::training_task(std::uint64_t index) const {
  return draw(index, seed_of(Purpose::kTraining, seed_, index));
}

SimulatedTask TrainingWorlds::validation_task(std::uint64_t index) const {
  return draw(index, seed_of(Purpose::kValidation, 0, index));
}

Episode TrainingWorlds::training(std::uint64_t index) const {
  return make_episode(training_task(index), seed_of(Purpose::kTraining, seed_, index));
}

Episode TrainingWorlds::validation(std::uint64_t index) const {
  return make_episode(validation_task(index), seed_of(Purpose::kValidation, 0, index));
}

}  // namespace rein
