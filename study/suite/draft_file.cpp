#include "study/suite/draft_file.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rein::suite {

namespace {

constexpr const char* kOrigin = "a drawn world";

std::string network_yaml(const Draft& draft) {
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < draft.levels.size(); ++i) {
    const auto& level = draft.levels[i];
    levels.push_back(fmt::format("          - {{name: \"{}\", width: {}, top1: {}, mflops: {}}}\n",
                                 i, number(level.width), number(level.top1), number(level.mflops)));
  }
  return fmt::format(
      "        name: drawn\n        kind: {}\n        switch_ms: {}\n"
      "        sensitivity: {{cpu: {}, gpu: {}, memory: {}}}\n        levels:\n{}",
      draft.work_kind, number(draft.switch_ms), number(draft.cpu_sensitivity),
      number(draft.gpu_sensitivity), number(draft.memory_sensitivity), fmt::join(levels, ""));
}

std::string phase_yaml(const Draft& draft, std::size_t index, bool has_power) {
  const Draft::Phase& phase = draft.phases[index];
  std::string text =
      fmt::format("{{name: phase {}, duration_s: {:.1f}", index + 1, phase.duration_s);
  if (!phase.co_runners.empty()) {
    text += fmt::format(", co_runners: [other-{}]", fmt::join(phase.co_runners, ", other-"));
  }
  std::vector<std::string> relative;
  const auto add = [&](const char* key, double factor) {
    if (factor != 1.0) {
      relative.push_back(fmt::format("{}: {}", key, number(factor)));
    }
  };
  add("rate", draft.arrival == "closed_loop" ? 1.0 : phase.rate);
  add("deadline", phase.deadline);
  add("power", has_power ? phase.power : 1.0);
  if (!relative.empty()) {
    text += fmt::format(", relative: {{{}}}", fmt::join(relative, ", "));
  }
  if (phase.ambient_c) {
    text += fmt::format(", ambient_c: {:.1f}", *phase.ambient_c);
  }
  return text + "}";
}

std::string scenario_yaml(const Draft& draft, bool has_power) {
  std::vector<std::string> runners;
  for (std::size_t i = 0; i < draft.co_runners.size(); ++i) {
    const bool runs = std::ranges::any_of(draft.phases, [i](const Draft::Phase& phase) {
      return std::ranges::count(phase.co_runners, i) > 0;
    });
    if (runs) {
      runners.push_back(fmt::format("other-{}: {}", i, draft.co_runners[i]));
    }
  }
  std::vector<std::string> phases;
  for (std::size_t i = 0; i < draft.phases.size(); ++i) {
    phases.push_back(phase_yaml(draft, i, has_power));
  }
  std::string text = fmt::format("name: {}\n", draft.kind.name);
  if (!runners.empty()) {
    text += fmt::format("co_runners:\n  {}\n", fmt::join(runners, "\n  "));
  }
  return text + fmt::format("phases:\n  - {}\n", fmt::join(phases, "\n  - "));
}

std::string requests_yaml(const Draft& draft, const std::string& recording) {
  std::string arrival = draft.arrival;
  if (!recording.empty()) {
    arrival +=
        fmt::format(", recording: {}, recording_from_s: {}", recording, number(draft.from_s));
  }
  if (draft.arrival != "closed_loop") {
    arrival += fmt::format(", rate_hz: {}", number(1e3 / draft.gap_ms));
  }
  return fmt::format("{{arrival: {}, batch: {}, queue_limit: {}, drop_expired: {}}}", arrival,
                     draft.batch, draft.queue_limit, draft.drops_expired);
}

}  // namespace

ConfigNode run_node(const Draft& draft, const std::vector<std::string>& budgets,
                    const std::string& objective, const std::string& recording) {
  std::vector<std::string> all = {fmt::format("latency: {{deadline_ms: {}, miss_rate: {}}}",
                                              number(draft.deadline_ms), draft.miss_rate)};
  all.insert(all.end(), budgets.begin(), budgets.end());
  const bool has_power = std::ranges::any_of(
      budgets, [](const std::string& budget) { return budget.starts_with("power"); });
  ConfigNode node = ConfigNode::parse("platform: {kind: simulated}", kOrigin);
  const auto set = [&node](const char* key, const std::string& yaml) {
    node.set(key, yaml, kOrigin);
  };
  Draft plain = draft;
  if (recording.empty() && draft.arrival == "recorded") {
    plain.arrival = "periodic";
  }
  set("board", draft.board.yaml());
  set("applications",
      fmt::format("- name: app\n  network:\n      kind: simulated\n      levels:\n{}  requests: "
                  "{}\n  places: [{}]\n",
                  network_yaml(draft), requests_yaml(plain, recording),
                  fmt::join(draft.places, ", ")));
  set("budgets", fmt::format("{}", fmt::join(all, "\n")));
  set("objective", objective);
  if (!draft.prices.empty()) {
    set("prices", draft.prices);
  }
  set("controls", fmt::format("{{frequency: {}, bandwidth: false}}", draft.frequencies));
  set("agent", "{kind: model_based}");
  set("scenario", scenario_yaml(draft, has_power));
  set("period_ms", number(draft.period_ms));
  set("seed", "1");
  return node;
}

}  // namespace rein::suite
