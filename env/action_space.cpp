#include "env/action_space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <utility>

#include "common/error.hpp"

namespace rein {

Knob::Effect Knob::effect() const {
  switch (kind) {
    case Kind::kWidth:
      return Effect::kCostlier;
    case Kind::kFrequency:
    case Kind::kBandwidth:
      return Effect::kFaster;
    case Kind::kMapping:
      break;
  }
  return Effect::kUnordered;
}

std::size_t Knob::find(const std::string& label) const {
  char* end = nullptr;
  const double number = std::strtod(label.c_str(), &end);
  const bool is_number = !label.empty() && *end == '\0';
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].label == label ||
        (kind != Kind::kMapping && is_number && levels[i].value == number)) {
      return i;
    }
    labels.push_back(levels[i].label);
  }
  throw Error(
      fmt::format("{}: expected one of {}, found '{}'", name, fmt::join(labels, ", "), label));
}

ActionSpace::ActionSpace(std::vector<Knob> knobs) : knobs_(std::move(knobs)) {
  for (const auto& knob : knobs_) {
    if (__builtin_mul_overflow(size_, knob.levels.size(), &size_)) {
      size_ = std::numeric_limits<std::size_t>::max();
      break;
    }
  }
}

namespace {

template <typename Is>
std::optional<std::size_t> find_knob(const std::vector<Knob>& knobs, Is is) {
  const auto found = std::ranges::find_if(knobs, is);
  return found == knobs.end() ? std::nullopt
                              : std::optional(static_cast<std::size_t>(found - knobs.begin()));
}

}  // namespace

std::optional<std::size_t> ActionSpace::find(Knob::Kind kind, std::size_t application) const {
  return find_knob(knobs_, [&](const Knob& knob) {
    return knob.kind == kind && knob.is_applications() && knob.application == application;
  });
}

std::optional<std::size_t> ActionSpace::find_domain(Knob::Kind kind) const {
  return find_knob(knobs_,
                   [&](const Knob& knob) { return knob.kind == kind && !knob.is_applications(); });
}

void ActionSpace::check(const Action& levels) const {
  if (levels.size() != knobs_.size()) {
    throw std::out_of_range(
        fmt::format("expected {} levels, found {}", knobs_.size(), levels.size()));
  }
  for (std::size_t i = 0; i < knobs_.size(); ++i) {
    const std::size_t count = knobs_[i].levels.size();
    if (levels[i] >= count) {
      throw std::out_of_range(
          fmt::format("{}: expected a level below {}, found {}", knobs_[i].name, count, levels[i]));
    }
  }
}

ActionId ActionSpace::encode(const Action& levels) const {
  check(levels);
  ActionId action = 0;
  for (std::size_t i = 0; i < knobs_.size(); ++i) {
    action = action * knobs_[i].levels.size() + levels[i];
  }
  return action;
}

Action ActionSpace::decode(ActionId action) const {
  Action levels;
  decode(action, levels);
  return levels;
}

void ActionSpace::decode(ActionId action, Action& levels) const {
  if (action >= size_) {
    throw std::out_of_range(fmt::format("expected an action below {}, found {}", size_, action));
  }
  levels.resize(knobs_.size());
  for (std::size_t i = knobs_.size(); i-- > 0;) {
    levels[i] = action % knobs_[i].levels.size();
    action /= knobs_[i].levels.size();
  }
}

std::string ActionSpace::describe(const Action& action) const {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < knobs_.size(); ++i) {
    parts.push_back(knobs_[i].name + " " + knobs_[i].levels[action[i]].label);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace rein
