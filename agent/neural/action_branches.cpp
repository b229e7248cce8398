#include "agent/neural/action_branches.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rein {

ActionBranches ActionBranches::per_knob(const ActionSpace& actions) {
  ActionBranches branches;
  for (const auto& knob : actions.knobs()) {
    if (knob.levels.size() > 1) {
      const std::size_t levels = knob.levels.size();
      branches.digits_.push_back(
          {.branch = branches.count(), .levels = static_cast<BranchAction>(levels)});
      branches.add(levels);
    } else {
      branches.digits_.emplace_back();
    }
  }
  if (branches.branches_.empty()) {
    branches.add(1);
  }
  return branches;
}

ActionBranches ActionBranches::joint(const ActionSpace& actions) {
  ActionBranches branches = joint(actions.size());
  auto stride = static_cast<BranchAction>(actions.size());
  for (const auto& knob : actions.knobs()) {
    const auto levels = static_cast<BranchAction>(knob.levels.size());
    stride /= levels;
    branches.digits_.push_back({.stride = stride, .levels = levels});
  }
  return branches;
}

ActionBranches ActionBranches::joint(std::size_t actions) {
  ActionBranches branches;
  branches.add(actions);
  return branches;
}

void ActionBranches::add(std::size_t size) {
  branches_.push_back({.size = size, .begin = outputs_});
  outputs_ += size;
}

void ActionBranches::split(const Action& levels, std::span<BranchAction> parts) const {
  std::ranges::fill(parts, 0);
  for (std::size_t knob = 0; knob < digits_.size(); ++knob) {
    const Digit& digit = digits_[knob];
    parts[digit.branch] += static_cast<BranchAction>(levels[knob] * digit.stride);
  }
}

Action ActionBranches::join(std::span<const BranchAction> parts) const {
  Action levels(digits_.size());
  std::ranges::transform(digits_, levels.begin(), [parts](const Digit& digit) {
    return parts[digit.branch] / digit.stride % digit.levels;
  });
  return levels;
}

std::vector<BranchAction> ActionBranches::split(const AllowedActions& allowed,
                                                const ActionSpace& actions) const {
  std::vector<BranchAction> parts(allowed.size() * count());
  Action levels;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    actions.decode(allowed[i], levels);
    split(levels, std::span(parts).subspan(i * count(), count()));
  }
  return parts;
}

void ActionBranches::archive(Archive& archive, const std::string& key,
                             std::vector<BranchAction>& parts, std::size_t rows) const {
  archive.packed<BranchAction>(key, parts, rows * count());
  for (std::size_t i = 0; archive.is_reading() && i < parts.size(); ++i) {
    if (const std::size_t size = branches_[i % count()].size; parts[i] >= size) {
      archive.reject(key, fmt::format("expected numbers below {}, found {}", size, parts[i]));
    }
  }
}

}  // namespace rein
