#include "agent/run_summary.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rein {

namespace {

nlohmann::ordered_json ratio(double part, double whole) {
  return whole > 0.0 ? nlohmann::ordered_json(part / whole) : nullptr;
}

std::optional<std::size_t> index_of(const Environment& environment, const std::string& name) {
  const auto& signals = environment.signals();
  const auto found = std::ranges::find(signals, name, &SignalDescription::name);
  return found == signals.end() ? std::nullopt
                                : std::optional(static_cast<std::size_t>(found - signals.begin()));
}

}  // namespace

nlohmann::ordered_json Statistics::Mean::to_json() const { return ratio(sum, weight); }

void Statistics::add(const StepResult& result, std::optional<double> power_w,
                     std::optional<double> power_ours_w) {
  const StepInfo& info = result.info;
  ++periods_;
  reward_sum_ += result.reward;
  for (const auto& application : info.applications) {
    const ServiceReport& service = application.service;
    served_ += service.served;
    late_ += service.late;
    dropped_ += service.dropped;
    images_ += service.images;
    correct_ += service.correct;
    accuracy_sum_ += service.accuracy_sum;
    for (const double latency_ms : service.latencies_ms) {
      latencies_.add(latency_ms);
    }
    for (const bool miss : service.misses) {
      miss_run_ = miss ? miss_run_ + 1 : 0;
      longest_miss_run_ = std::max(longest_miss_run_, miss_run_);
    }
  }
  if (power_w) {
    power_w_.add(*power_w, info.interval_s);
    energy_j_ += *power_w * info.interval_s;
  }
  if (power_ours_w) {
    power_ours_w_.add(*power_ours_w, info.interval_s);
  }
}

double Statistics::miss_share() const {
  return requests() > 0 ? static_cast<double>(late_ + dropped_) / static_cast<double>(requests())
                        : 0.0;
}

double Statistics::accuracy_top1() const {
  return served_ > 0 ? accuracy_sum_ / static_cast<double>(served_) : 0.0;
}

nlohmann::ordered_json Statistics::to_json() const {
  nlohmann::ordered_json json;
  const auto requests_total = static_cast<double>(requests());
  const auto served = static_cast<double>(served_);
  json["periods"] = periods_;
  json["requests"] = requests();
  json["served"] = served_;
  json["late"] = late_;
  json["dropped"] = dropped_;
  json["miss_share"] = ratio(static_cast<double>(late_ + dropped_), requests_total);
  json["longest_miss_run"] = longest_miss_run_;
  json["accuracy_top1"] = ratio(accuracy_sum_, served);
  json["accuracy_measured"] = ratio(static_cast<double>(correct_), static_cast<double>(images_));
  for (const auto& [name, share] :
       {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}}) {
    json[std::string("latency_") + name + "_ms"] =
        served_ > 0 ? nlohmann::ordered_json(latencies_.quantile_ms(share)) : nullptr;
  }
  json["power_w"] = power_w_.to_json();
  json["power_ours_w"] = power_ours_w_.to_json();
  json["energy_j"] = power_w_.weight > 0.0 ? nlohmann::ordered_json(energy_j_) : nullptr;
  json["energy_per_request_mj"] =
      power_w_.weight > 0.0 ? ratio(energy_j_ * 1e3, served) : nlohmann::ordered_json(nullptr);
  json["reward"] = ratio(reward_sum_, static_cast<double>(periods_));
  return json;
}

RunSummary::RunSummary(const Environment& environment, double planned_s)
    : environment_(environment),
      half_s_(planned_s / 2.0),
      power_(index_of(environment, "power_w")),
      power_ours_(index_of(environment, "power_ours_w")),
      signals_(environment.signals().size()),
      knobs_(environment.action_space().knobs().size()) {}

void RunSummary::add(const PeriodRecord& record) {
  const StepResult& result = record.result;
  const StepInfo& info = result.info;
  const auto signal = [&](const std::optional<std::size_t>& index) {
    return index ? info.signals[*index] : std::nullopt;
  };
  const auto power_w = signal(power_);
  const auto power_ours_w = signal(power_ours_);

  whole_.add(result, power_w, power_ours_w);
  if (info.time_s >= half_s_) {
    second_half_.add(result, power_w, power_ours_w);
  }
  if (phases_.empty() || phases_.back().name != info.phase) {
    phases_.push_back({info.phase, info.time_s, info.time_s, {}});
  }
  phases_.back().end_s = info.time_s + info.interval_s;
  phases_.back().statistics.add(result, power_w, power_ours_w);

  add_budgets(info.budgets);
  add_troubles(info);
  for (const auto& application : info.applications) {
    if (const auto& latency = application.budgets.latency) {
      Misses& misses = misses_["latency." + application.name];
      const auto requests = static_cast<double>(application.service.requests());
      misses.missed += static_cast<double>(application.service.missed());
      misses.allowed += latency->miss_rate * requests;
      misses.requests += requests;
    }
  }
  ++periods_;
  skipped_ += info.skipped_periods;
  explored_ += record.exploration.explored ? 1 : 0;
  decisions_.add(to_milliseconds(record.decision));
  learnings_.add(to_milliseconds(record.learning));
}

void RunSummary::add_budgets(const std::vector<BudgetStatus>& budgets) {
  for (const auto& status : budgets) {
    Budget& budget = budgets_[status.name];
    budget.limit = status.limit;
    if (!status.value) {
      continue;
    }
    ++budget.known;
    budget.exceeded += status.exceeded ? 1 : 0;
    const double value = *status.value;
    const bool is_floor = status.name.starts_with("accuracy.");
    budget.worst = !budget.worst ? value
                   : is_floor    ? std::min(*budget.worst, value)
                                 : std::max(*budget.worst, value);
  }
}

void RunSummary::add_troubles(const StepInfo& info) {
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    signals_[i].invalid += info.signals[i] ? 0 : 1;
  }
  for (const std::size_t i : info.stale) {
    ++signals_[i].stale;
  }
  for (std::size_t i = 0; i < knobs_.size(); ++i) {
    knobs_[i].refused += info.granted[i].refused ? 1 : 0;
    knobs_[i].left_out = info.granted[i].left_out;
  }
}

nlohmann::ordered_json RunSummary::to_json() const {
  nlohmann::ordered_json json;
  json["periods"] = periods_;
  json["skipped_periods"] = skipped_;
  json["explored_periods"] = explored_;
  json["decision_us"] = {{"p50", decisions_.quantile_ms(0.5) * 1e3},
                         {"p99", decisions_.quantile_ms(0.99) * 1e3}};
  json["learning_us"] = {{"p50", learnings_.quantile_ms(0.5) * 1e3},
                         {"p99", learnings_.quantile_ms(0.99) * 1e3}};
  json["budgets"] = nlohmann::ordered_json::array();
  for (const auto& [name, budget] : budgets_) {
    nlohmann::ordered_json entry;
    entry["name"] = name;
    entry["limit"] = budget.limit;
    // For latency: late requests beyond the share that may be late; else windows over the limit.
    const auto misses = misses_.find(name);
    entry["violation_rate"] =
        misses != misses_.end()
            ? ratio(std::max(0.0, misses->second.missed - misses->second.allowed),
                    misses->second.requests)
            : ratio(static_cast<double>(budget.exceeded), static_cast<double>(budget.known));
    entry["worst"] = budget.worst ? nlohmann::ordered_json(*budget.worst) : nullptr;
    json["budgets"].push_back(std::move(entry));
  }
  json["knobs"] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < knobs_.size(); ++i) {
    json["knobs"][environment_.action_space().knobs()[i].name] = {
        {"refused_periods", knobs_[i].refused}, {"left_out", knobs_[i].left_out}};
  }
  json["signals"] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    const SignalDescription& signal = environment_.signals()[i];
    json["signals"][signal.name] = {{"unit", signal.unit},
                                    {"source", signal.source},
                                    {"estimated", signal.estimated},
                                    {"invalid_periods", signals_[i].invalid},
                                    {"stale_periods", signals_[i].stale}};
  }
  json["whole"] = whole_.to_json();
  json["second_half"] = second_half_.to_json();
  json["phases"] = nlohmann::ordered_json::array();
  for (const auto& phase : phases_) {
    json["phases"].push_back({{"name", phase.name},
                              {"start_s", phase.start_s},
                              {"end_s", phase.end_s},
                              {"statistics", phase.statistics.to_json()}});
  }
  return json;
}

}  // namespace rein
