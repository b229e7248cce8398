#include "agent/loop/trace_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>

#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "common/statistics.hpp"

namespace rein {

namespace {

/// One row, with the name of each cell.
class Row {
 public:
  void text(std::string name, const std::string& value) { add(std::move(name), csv_cell(value)); }
  void count(std::string name, std::uint64_t value) { add(std::move(name), fmt::to_string(value)); }
  void number(std::string name, std::optional<double> value) {
    add(std::move(name), value ? fmt::format("{:.9g}", *value) : "");
  }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<std::string>& cells() const { return cells_; }

 private:
  void add(std::string name, std::string cell) {
    names_.push_back(std::move(name));
    cells_.push_back(std::move(cell));
  }
  std::vector<std::string> names_;
  std::vector<std::string> cells_;
};

void add_application(Row& row, const ApplicationInfo& application, const ApplicationTask& task) {
  const std::string end = "." + application.name;
  const ServiceReport& service = application.service;
  const auto& latency = task.latency;
  row.number("deadline_ms" + end, latency ? std::optional(latency->deadline_ms) : std::nullopt);
  row.number("miss_rate_limit" + end, latency ? std::optional(latency->miss_rate) : std::nullopt);
  row.count("arrived" + end, service.arrived);
  row.count("served" + end, service.served);
  row.count("late" + end, service.late);
  row.count("dropped" + end, service.dropped);
  row.count("queue" + end, service.queued);
  const auto if_served = [&](double value) {
    return service.served > 0 ? std::optional(value) : std::nullopt;
  };
  row.number("latency_mean_ms" + end, if_served(mean(service.latencies_ms)));
  for (const auto& [name, share] :
       {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}}) {
    row.number(fmt::format("latency_{}_ms{}", name, end),
               if_served(quantile(service.latencies_ms, share)));
  }
  const auto served = static_cast<double>(service.served);
  row.number("accuracy_top1" + end, if_served(service.accuracy_sum / served));
  row.number("accuracy_measured" + end,
             if_served(static_cast<double>(service.correct) / static_cast<double>(service.images)));
}

/// What the machine made of the action. The width is ours alone, and never refused.
void add_granted(Row& row, const std::vector<Knob>& knobs, const std::vector<KnobGrant>& granted) {
  std::vector<std::string> refused;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    if (knobs[i].kind == Knob::Kind::kWidth) {
      continue;
    }
    if (knobs[i].effect() == Knob::Effect::kUnordered) {
      row.text("granted." + knobs[i].name, granted[i].label);
    } else {
      row.number("granted." + knobs[i].name, granted[i].value);
    }
    if (granted[i].refused) {
      refused.push_back(knobs[i].name);
    }
  }
  row.text("refused", fmt::format("{}", fmt::join(refused, ";")));
}

void add_budgets(Row& row, const std::vector<BudgetStatus>& budgets) {
  for (const auto& rule : budget_rules()) {
    if (rule.limit_column != nullptr) {
      const auto found = std::ranges::find(budgets, rule.name(), &BudgetStatus::name);
      row.number(rule.limit_column,
                 found != budgets.end() ? std::optional(found->limit) : std::nullopt);
    }
  }
}

/// All that there can be, empty where there is none; then those that nobody said there would be.
void add_reward_terms(Row& row, const std::vector<std::string>& possible,
                      const std::vector<RewardTerm>& terms) {
  for (const auto& name : possible) {
    const auto found = std::ranges::find(terms, name, &RewardTerm::name);
    row.number("reward_" + name, found != terms.end() ? std::optional(found->value) : std::nullopt);
  }
  for (const auto& term : terms) {
    if (std::ranges::find(possible, term.name) == possible.end()) {
      row.number("reward_" + term.name, term.value);
    }
  }
}

}  // namespace

void TraceWriter::write(const PeriodRecord& record) {
  const StepInfo& info = record.result.info;
  Row row;
  row.count("period", record.index);
  row.number("time_s", info.time_s);
  row.number("interval_s", info.interval_s);
  row.text("phase", info.phase);
  row.text("co_runners", fmt::format("{}", fmt::join(info.co_runners, ";")));
  const auto& knobs = environment_.action_space().knobs();
  const Action& levels = record.action;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const auto& level = knobs[i].levels[levels[i]];
    if (knobs[i].effect() == Knob::Effect::kUnordered) {
      row.text(knobs[i].name, level.label);
    } else {
      row.number(knobs[i].name, level.value);
    }
  }
  add_granted(row, knobs, info.granted);
  for (std::size_t i = 0; i < info.applications.size(); ++i) {
    add_application(row, info.applications[i], info.task.applications[i]);
  }
  add_budgets(row, info.budgets);
  const auto& signals = environment_.signals();
  for (std::size_t i = 0; i < signals.size(); ++i) {
    row.number(signals[i].name, info.signals[i]);
  }
  std::vector<std::string> stale;
  for (const std::size_t i : info.stale) {
    stale.push_back(signals[i].name);
  }
  row.text("stale", fmt::format("{}", fmt::join(stale, ";")));
  row.number("reward", record.result.reward);
  add_reward_terms(row, reward_terms_, info.reward_terms);
  row.number("exploration", record.decision.exploration);
  row.count("explored", record.decision.explored ? 1 : 0);
  row.text("shield", to_string(record.overruled));
  row.number("decision_us", to_seconds(record.deciding) * 1e6);
  row.number("learning_us", to_seconds(record.learning) * 1e6);
  row.count("skipped_periods", info.skipped_periods);
  const auto& features = environment_.observation_spec().features();
  for (std::size_t i = 0; i < features.size(); ++i) {
    row.number("observed." + features[i].name, record.observation[i]);
  }

  errno = 0;
  if (names_.empty()) {
    names_ = row.names();
    out_ << csv_line(names_);
  }
  // Cells go by name: an environment may have terms in one row that it has not in the first.
  std::vector<std::string> cells(names_.size());
  for (std::size_t i = 0; i < row.names().size(); ++i) {
    const bool is_in_place = i < names_.size() && names_[i] == row.names()[i];
    const auto found = is_in_place ? names_.begin() + static_cast<std::ptrdiff_t>(i)
                                   : std::ranges::find(names_, row.names()[i]);
    if (found != names_.end()) {
      cells[static_cast<std::size_t>(found - names_.begin())] = row.cells()[i];
    }
  }
  out_ << fmt::format("{}\n", fmt::join(cells, ",")) << std::flush;
  if (!out_) {
    throw Error(fmt::format("trace.csv: a row cannot be written: {}",
                            errno == 0 ? "its file has failed before" : std::strerror(errno)));
  }
}

}  // namespace rein
