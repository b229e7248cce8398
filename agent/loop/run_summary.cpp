#include "agent/loop/run_summary.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace rein {

namespace {

std::optional<double> ratio(double part, double whole) {
  return whole > 0.0 ? std::optional(part / whole) : std::nullopt;
}

nlohmann::ordered_json json_of(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nullptr;
}

}  // namespace

std::optional<double> Statistics::Mean::value() const { return ratio(sum, weight); }

void Statistics::MissRuns::add(bool miss) {
  last = miss ? last + 1 : 0;
  first += miss && first == outcomes ? 1 : 0;
  ++outcomes;
  longest = std::max(longest, last);
}

void Statistics::MissRuns::add(const MissRuns& next) {
  longest = std::max({longest, next.longest, last + next.first});
  if (first == outcomes) {
    first += next.first;
  }
  last = next.first == next.outcomes ? last + next.last : next.last;
  outcomes += next.outcomes;
}

void Statistics::pause() {
  for (auto& runs : miss_runs_) {
    runs.last = 0;
  }
}

std::uint64_t Statistics::longest_miss_run() const {
  std::uint64_t longest = 0;
  for (const auto& runs : miss_runs_) {
    longest = std::max(longest, runs.longest);
  }
  return longest;
}

void Statistics::add(const StepResult& result, std::optional<double> power_w,
                     std::optional<double> power_ours_w) {
  const StepInfo& info = result.info;
  ++periods_;
  reward_sum_ += result.reward;
  objective_sum_ += info.reward_terms.empty() ? 0.0 : info.reward_terms.front().value;
  miss_runs_.resize(std::max(miss_runs_.size(), info.applications.size()));
  for (std::size_t i = 0; i < info.applications.size(); ++i) {
    const ServiceReport& service = info.applications[i].service;
    served_ += service.served;
    late_ += service.late;
    dropped_ += service.dropped;
    images_ += service.images;
    correct_ += service.correct;
    accuracy_sum_ += service.accuracy_sum;
    for (const double latency_ms : service.latencies_ms) {
      latencies_.add(latency_ms);
      latency_sum_ms_ += latency_ms;
    }
    MissRuns& runs = miss_runs_[i];
    for (const bool miss : service.misses) {
      runs.add(miss);
    }
  }
  if (power_w) {
    power_w_.add(*power_w, info.interval_s);
  }
  if (power_ours_w) {
    power_ours_w_.add(*power_ours_w, info.interval_s);
  }
}

void Statistics::add(const Statistics& next) {
  miss_runs_.resize(std::max(miss_runs_.size(), next.miss_runs_.size()));
  for (std::size_t i = 0; i < next.miss_runs_.size(); ++i) {
    miss_runs_[i].add(next.miss_runs_[i]);
  }
  periods_ += next.periods_;
  served_ += next.served_;
  late_ += next.late_;
  dropped_ += next.dropped_;
  images_ += next.images_;
  correct_ += next.correct_;
  accuracy_sum_ += next.accuracy_sum_;
  latency_sum_ms_ += next.latency_sum_ms_;
  reward_sum_ += next.reward_sum_;
  objective_sum_ += next.objective_sum_;
  power_w_.add(next.power_w_);
  power_ours_w_.add(next.power_ours_w_);
  latencies_.add(next.latencies_);
}

double Statistics::miss_share() const {
  return requests() > 0 ? static_cast<double>(late_ + dropped_) / static_cast<double>(requests())
                        : 0.0;
}

double Statistics::accuracy_top1() const {
  return served_ > 0 ? accuracy_sum_ / static_cast<double>(served_) : 0.0;
}

std::optional<double> Statistics::objective(const Objective& objective) const {
  const auto served = static_cast<double>(served_);
  switch (objective.kind) {
    case Objective::Kind::kMaxAccuracy:
      return ratio(accuracy_sum_, served);
    case Objective::Kind::kMinEnergy:
      return energy_per_request_mj(objective.signal);
    case Objective::Kind::kMinPower:
      return power_of(objective.signal).value();
    case Objective::Kind::kMinLatency:
      break;
  }
  return ratio(latency_sum_ms_, served);
}

std::optional<double> Statistics::latency_quantile_ms(double share) const {
  return served_ > 0 ? std::optional(latencies_.quantile_ms(share)) : std::nullopt;
}

std::optional<double> Statistics::energy_j() const {
  return power_w_.weight > 0.0 ? std::optional(power_w_.sum) : std::nullopt;
}

std::optional<double> Statistics::energy_per_request_mj(PowerSignal signal) const {
  const Mean& power = power_of(signal);
  return power.weight > 0.0 ? ratio(power.sum * 1e3, static_cast<double>(served_)) : std::nullopt;
}

double Statistics::reward() const {
  return ratio(reward_sum_, static_cast<double>(periods_)).value_or(0.0);
}

nlohmann::ordered_json Statistics::to_json() const {
  nlohmann::ordered_json json;
  const auto periods = static_cast<double>(periods_);
  const auto served = static_cast<double>(served_);
  json["periods"] = periods_;
  json["requests"] = requests();
  json["served"] = served_;
  json["late"] = late_;
  json["dropped"] = dropped_;
  json["miss_share"] =
      json_of(ratio(static_cast<double>(late_ + dropped_), static_cast<double>(requests())));
  json["longest_miss_run"] = longest_miss_run();
  json["accuracy_top1"] = json_of(ratio(accuracy_sum_, served));
  json["accuracy_measured"] =
      json_of(ratio(static_cast<double>(correct_), static_cast<double>(images_)));
  json["latency_mean_ms"] = json_of(ratio(latency_sum_ms_, served));
  for (const auto& [name, share] :
       {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}}) {
    json[std::string("latency_") + name + "_ms"] = json_of(latency_quantile_ms(share));
  }
  json["power_w"] = json_of(power_w());
  json["power_ours_w"] = json_of(power_ours_w_.value());
  json["energy_j"] = json_of(energy_j());
  json["energy_per_request_mj"] = json_of(energy_per_request_mj(PowerSignal::kMachine));
  json["objective"] = json_of(ratio(objective_sum_, periods));
  json["reward"] = json_of(ratio(reward_sum_, periods));
  return json;
}

void HalfTally::add(const StepResult& result, std::optional<double> power_w,
                    std::optional<double> power_ours_w) {
  const StepInfo& info = result.info;
  if (parts_.empty() || parts_.back().periods == periods_a_part_) {
    if (parts_.size() == kMostParts) {
      for (std::size_t i = 0; i < kMostParts / 2; ++i) {
        Part joined = std::move(parts_[2 * i]);
        joined.statistics.add(parts_[2 * i + 1].statistics);
        joined.periods += parts_[2 * i + 1].periods;
        joined.end_s = parts_[2 * i + 1].end_s;
        parts_[i] = std::move(joined);
      }
      parts_.resize(kMostParts / 2);
      periods_a_part_ *= 2;
    }
    parts_.push_back(
        {.start_s = info.time_s, .end_s = info.time_s, .periods = 0, .statistics = {}});
  }
  Part& part = parts_.back();
  part.statistics.add(result, power_w, power_ours_w);
  part.end_s = info.time_s + info.interval_s;
  ++part.periods;
}

Statistics HalfTally::second_half() const {
  Statistics statistics;
  const double half_s = parts_.empty() ? 0.0 : (parts_.front().start_s + parts_.back().end_s) / 2.0;
  for (const auto& part : parts_) {
    // The part in the middle belongs where most of it is.
    if (part.end_s - half_s > half_s - part.start_s) {
      statistics.add(part.statistics);
    }
  }
  return statistics;
}

void PhaseTally::add(const StepResult& result, std::optional<double> power_w,
                     std::optional<double> power_ours_w) {
  const StepInfo& info = result.info;
  if (entries_.empty() || entries_[now_].name != info.phase) {
    enter(info.phase, info.time_s);
  }
  Entry& entry = entries_[now_];
  entry.end_s = info.time_s + info.interval_s;
  entry.seconds += info.interval_s;
  entry.statistics.add(result, power_w, power_ours_w);
}

void PhaseTally::enter(const std::string& phase, double time_s) {
  if (!is_by_name_ && entries_.size() == kMostStretches) {
    sum_up_by_name();
  }
  const auto same = is_by_name_ ? std::ranges::find(entries_, phase, &Entry::name) : entries_.end();
  now_ = static_cast<std::size_t>(same - entries_.begin());
  if (same == entries_.end()) {
    entries_.push_back({.name = phase, .start_s = time_s, .end_s = time_s, .statistics = {}});
  } else {
    ++same->stretches;
    same->statistics.pause();
  }
}

void PhaseTally::sum_up_by_name() {
  is_by_name_ = true;
  std::vector<Entry> sums;
  for (auto& entry : entries_) {
    const auto same = std::ranges::find(sums, entry.name, &Entry::name);
    if (same == sums.end()) {
      sums.push_back(std::move(entry));
      continue;
    }
    same->stretches += entry.stretches;
    same->end_s = entry.end_s;
    same->seconds += entry.seconds;
    same->statistics.pause();
    same->statistics.add(entry.statistics);
  }
  entries_ = std::move(sums);
}

RunSummary::RunSummary(const Environment& environment, double planned_s, Ends ends)
    : environment_(environment),
      half_s_(planned_s / 2.0),
      power_(environment.signals()),
      signals_(environment.signals().size()),
      knobs_(environment.action_space().knobs().size()) {
  if (ends == Ends::kAnyTime) {
    halves_.emplace();
  }
}

Statistics RunSummary::second_half() const {
  return is_complete_ || !halves_ ? second_half_ : halves_->second_half();
}

void RunSummary::add(const PeriodRecord& record) {
  const StepResult& result = record.result;
  const StepInfo& info = result.info;
  const auto power_w = power_.value(info, PowerSignal::kMachine);
  const auto power_ours_w = power_.value(info, PowerSignal::kOurs);

  whole_.add(result, power_w, power_ours_w);
  if (info.time_s >= half_s_) {
    second_half_.add(result, power_w, power_ours_w);
  }
  if (halves_) {
    halves_->add(result, power_w, power_ours_w);
  }
  end_s_ = info.time_s + info.interval_s;
  is_complete_ = result.terminated || result.truncated;
  phases_.add(result, power_w, power_ours_w);

  budgets_.add(info);
  add_troubles(info);
  ++periods_;
  skipped_ += info.skipped_periods;
  explored_ += record.decision.explored ? 1 : 0;
  ++shielded_.at(static_cast<std::size_t>(record.overruled));
  decisions_.add(to_milliseconds(record.deciding));
  learnings_.add(to_milliseconds(record.learning));
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
  json["shield"] = {{"interventions", periods_ - shielded_.front()},
                    {"by_reason", nlohmann::ordered_json::object()}};
  for (std::size_t i = 1; i < shielded_.size(); ++i) {
    json["shield"]["by_reason"][to_string(static_cast<Overruled>(i))] = shielded_[i];
  }
  json["decision_us"] = {{"p50", decisions_.quantile_ms(0.5) * 1e3},
                         {"p99", decisions_.quantile_ms(0.99) * 1e3}};
  json["learning_us"] = {{"p50", learnings_.quantile_ms(0.5) * 1e3},
                         {"p99", learnings_.quantile_ms(0.99) * 1e3}};
  json["budgets"] = nlohmann::ordered_json::array();
  for (const auto& [name, budget] : budgets_.entries()) {
    json["budgets"].push_back({{"name", name},
                               {"limit", budget.limit},
                               {"violation_rate", json_of(budget.violation_rate)},
                               {"worst", json_of(budget.worst)}});
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
  json["second_half"] = second_half().to_json();
  json["phases"] = nlohmann::ordered_json::array();
  for (const auto& phase : phases_.entries()) {
    json["phases"].push_back({{"name", phase.name},
                              {"stretches", phase.stretches},
                              {"start_s", phase.start_s},
                              {"end_s", phase.end_s},
                              {"seconds", phase.seconds},
                              {"statistics", phase.statistics.to_json()}});
  }
  return json;
}

}  // namespace rein
