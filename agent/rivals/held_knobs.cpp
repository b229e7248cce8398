#include "agent/rivals/held_knobs.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "agent/rivals/profile_source.hpp"
#include "common/error.hpp"

namespace rein {

namespace {

/// What is kept free for noise when a configuration is judged beforehand.
constexpr double kPowerShare = 0.97;

std::string read_label(const ConfigNode& node, const std::string& key, const std::string& fallback,
                       const std::vector<std::string>& words, const ActionSpace& actions,
                       std::optional<std::size_t> knob) {
  if (!node.has(key)) {
    return fallback;
  }
  const ConfigNode child = node.at(key);
  std::string text = child.text();
  if (std::ranges::count(words, text) > 0) {
    return text;
  }
  if (!knob) {
    child.reject("there is no such knob in this run");
  }
  try {
    return actions.knobs()[*knob].levels[actions.knobs()[*knob].find(text)].label;
  } catch (const Error& error) {
    child.reject(error.what());
  }
}

bool keeps(const ProfileEntry& entry, const Situation& now, const ProfiledUse& use,
           double time_share) {
  return entry.service_ms && *entry.service_ms <= time_share * now.time_for_request_ms() &&
         use.share(entry, now) <= kPowerShare && entry.top1 >= now.min_top1.value_or(0.0);
}

}  // namespace

HeldKnobs::HeldKnobs(const ConfigNode& node, const Options& fallback, Problem problem,
                     std::optional<Profile> profile)
    : problem_(std::move(problem)), layout_(problem_.actions), profile_(std::move(profile)) {
  options_.width = read_label(node, "width", fallback.width, {"highest", "best"}, problem_.actions,
                              layout_.width);
  options_.mapping = read_label(node, "mapping", fallback.mapping, {"last", "fastest", "best"},
                                problem_.actions, layout_.mapping);
  options_.time_share = node.number_or("time_share", fallback.time_share,
                                       {.min = 0.0, .max = 1.0, .min_excluded = true});
}

const std::vector<std::size_t>& HeldKnobs::levels(const Situation& now) {
  if (levels_.empty()) {
    levels_ = choose(now);
  }
  return levels_;
}

void HeldKnobs::archive(Archive& archive, const std::string& key) {
  const ActionSpace& actions = problem_.actions;
  archive.keep(levels_);
  auto chosen = levels_.empty() ? std::nullopt : std::optional(actions.encode(levels_));
  archive.index(key, chosen, actions.size());
  if (archive.is_reading()) {
    levels_ = chosen ? actions.decode(*chosen) : std::vector<std::size_t>();
  }
}

std::size_t HeldKnobs::given_or(std::size_t knob, const std::string& wish,
                                std::size_t otherwise) const {
  const auto& levels = problem_.actions.knobs()[knob].levels;
  const auto found = std::ranges::find(levels, wish, &Knob::Level::label);
  return found == levels.end() ? otherwise : static_cast<std::size_t>(found - levels.begin());
}

std::vector<std::size_t> HeldKnobs::choose(const Situation& now) const {
  std::vector<std::size_t> levels = problem_.actions.decode(problem_.actions.size() - 1);
  const std::vector<std::size_t> top = levels;
  if (layout_.width) {
    levels[*layout_.width] = given_or(*layout_.width, options_.width, top[*layout_.width]);
  }
  if (layout_.mapping) {
    levels[*layout_.mapping] = given_or(*layout_.mapping, options_.mapping, top[*layout_.mapping]);
  }
  if (!profile_) {
    return levels;
  }
  const auto is_frequency = [&](std::size_t knob) {
    return std::ranges::count(layout_.frequencies, knob) > 0;
  };
  // Takes the levels of the first `knobs` from the entry that ranks best, of those that differ from
  // `levels` in these and, if so wanted, in frequencies.
  const auto take_best = [&](std::vector<std::size_t> knobs, bool any_frequency, auto rank) {
    const ProfileEntry* best = nullptr;
    for (const auto& entry : profile_->entries) {
      const auto other = problem_.actions.decode(entry.action);
      bool is_candidate = entry.service_ms.has_value();
      for (std::size_t i = 0; i < other.size(); ++i) {
        const bool is_free = std::ranges::count(knobs, i) > 0 || (any_frequency && is_frequency(i));
        is_candidate = is_candidate && (is_free || other[i] == levels[i]);
      }
      if (is_candidate && (best == nullptr || rank(entry) < rank(*best))) {
        best = &entry;
      }
    }
    for (const std::size_t knob : knobs) {
      levels[knob] = best ? problem_.actions.decode(best->action)[knob] : levels[knob];
    }
  };
  if (layout_.mapping && options_.mapping == "fastest") {
    take_best({*layout_.mapping}, /*any_frequency=*/false,
              [](const ProfileEntry& entry) { return *entry.service_ms; });
  }
  std::vector<std::size_t> knobs;
  if (layout_.width && options_.width == "best") {
    knobs.push_back(*layout_.width);
  }
  if (layout_.mapping && options_.mapping == "best") {
    knobs.push_back(*layout_.mapping);
  }
  if (!knobs.empty()) {
    const ProfiledUse use(problem_.task);
    take_best(knobs, /*any_frequency=*/true, [&](const ProfileEntry& entry) {
      const bool kept = keeps(entry, now, use, options_.time_share);
      return std::tuple(!kept, kept ? use.cost(entry, now) : *entry.service_ms,
                        entry.power_w.value_or(0.0));
    });
  }
  return levels;
}

}  // namespace rein
