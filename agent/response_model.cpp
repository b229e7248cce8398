#include "agent/response_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "agent/checkpoint.hpp"

namespace rein {

namespace {

/// Chances, a period: that conditions change to something new, or to something known ...
constexpr double kChange = 0.1;
constexpr double kReturn = 0.05;
/// ... and that a mean is off by chance, out of proportion to its usual spread.
constexpr double kOutlierChance = 0.01;
constexpr double kOutlierSpread = 0.4;
/// ... and that an action takes another time than the factors say, by a deviation of its own.
constexpr double kMistakenChance = 2e-4;
constexpr double kMistakenSpread = 0.3;
/// How much an outlier after an outlier is less likely: tails come in clusters, but not for long.
constexpr double kAnother = 0.4;

/// Standard deviations: of a period's mean service time beside that of single requests; of power,
/// as a share of it; of a hint.
constexpr double kServiceSpread = 0.008;
constexpr double kPowerSpread = 0.02;
constexpr double kHintSpread = 0.06;
/// Power that noise is in proportion to at least, in units of the model's.
constexpr double kLeastPower = 0.2;
/// In the period in which an action takes hold clocks rise, and sensors lag.
constexpr double kNewServiceSpread = 0.10;
constexpr double kNewPowerSpread = 0.15;

/// Variance that a lasting factor gains in a period.
constexpr double kDrift = 2e-5;
constexpr std::size_t kMostKnown = 12;
/// Conditions that held for fewer periods were perhaps none.
constexpr std::size_t kWorthKnowing = 6;
/// Conditions that change in more than this share of the periods are no conditions, but bursts that
/// nobody can follow: all of them together are one ...
constexpr double kRestless = 0.3;
constexpr double kCalm = 0.1;
constexpr double kRestlessRate = 0.1;
/// ... in which everything is so much less sure.
constexpr double kRestlessServiceSpread = 0.3;
constexpr double kRestlessPowerSpread = 0.1;
constexpr double kRestlessHintSpread = 0.4;
/// A change is looked for if what was measured is less likely than usual by this, as a logarithm.
constexpr double kSurprise = 4.0;
/// For so many periods a knob's ceiling is believed in after it was seen.
constexpr std::size_t kCeiling = 20;
/// What the ratio's histogram keeps of itself when conditions change.
constexpr double kRatioKept = 0.7;

double square(double x) { return x * x; }

/// A column of prior_of_knobs() in the making.
struct Column {
  std::vector<std::pair<std::size_t, double>> entries;  ///< Quantities and what they have of it.
};

/// What ResponseModel::Prior::of_knobs() believes of them.
FactorModel prior_of_knobs(const ActionSpace& actions, std::size_t hints) {
  const auto& knobs = actions.knobs();
  const std::size_t n = actions.size();
  const auto mapping = std::ranges::find(knobs, Knob::Effect::kUnordered, &Knob::effect);
  const std::size_t places = mapping == knobs.end() ? 1 : mapping->levels.size();
  std::vector<std::size_t> speeds;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    if (knobs[i].effect == Knob::Effect::kFaster) {
      speeds.push_back(i);
    }
  }
  std::vector<std::vector<std::size_t>> levels;
  levels.reserve(n);
  for (ActionId a = 0; a < n; ++a) {
    levels.push_back(actions.decode(a));
  }
  const auto place_of = [&](ActionId a) {
    return mapping == knobs.end() ? 0
                                  : levels[a][static_cast<std::size_t>(mapping - knobs.begin())];
  };
  const auto width_of = [&](ActionId a) {
    return std::log(knobs[0].levels[levels[a][0]].value / knobs[0].levels.back().value);
  };
  // How far below the highest level, as a logarithm; how much of the highest's power, about.
  const auto slowed_by = [&](ActionId a, std::size_t knob) {
    return std::log(knobs[knob].levels.back().value / knobs[knob].levels[levels[a][knob]].value);
  };
  const auto drawn_by = [&](ActionId a, std::size_t knob) {
    return std::pow(knobs[knob].levels[levels[a][knob]].value / knobs[knob].levels.back().value,
                    2.5);
  };

  FactorModel model;
  model.offset.assign(3 * n + hints, 0.0);
  model.own.assign(3 * n + hints, 0.0);
  std::vector<Column> lasting;
  std::vector<Column> passing;
  const auto add = [&](std::vector<Column>& columns, std::size_t block, double spread,
                       const auto& feature) {
    Column column;
    for (ActionId a = 0; a < n; ++a) {
      if (const double value = feature(a); value != 0.0) {
        column.entries.emplace_back(block * n + a, spread * value);
      }
    }
    columns.push_back(std::move(column));
  };
  const auto in_place = [&](std::size_t place, const auto& feature) {
    return [&, place, feature](ActionId a) { return place_of(a) == place ? feature(a) : 0.0; };
  };
  const auto one = [](ActionId) { return 1.0; };

  for (ActionId a = 0; a < n; ++a) {
    model.offset[a] = 3.0 + width_of(a);
    for (const std::size_t knob : speeds) {
      model.offset[a] += 0.4 * slowed_by(a, knob);
      model.offset[n + a] += 0.1 * drawn_by(a, knob);
    }
    model.offset[n + a] += 0.5;
    model.offset[2 * n + a] = 0.3;
    model.own[a] = square(0.03);
    model.own[n + a] = square(0.01);
    model.own[2 * n + a] = square(0.02);
  }
  add(lasting, 0, 3.0, one);
  add(lasting, 0, 0.4, width_of);
  add(lasting, 0, 0.15, [&](ActionId a) { return square(width_of(a)); });
  add(lasting, 1, 0.4, one);
  for (const std::size_t knob : speeds) {
    add(lasting, 1, 0.15, [&](ActionId a) { return drawn_by(a, knob); });
  }
  for (std::size_t place = 0; place < places; ++place) {
    if (places > 1) {
      add(lasting, 0, 0.8, in_place(place, one));
      add(lasting, 0, 0.3, in_place(place, width_of));
    }
    add(lasting, 2, 0.3, in_place(place, one));
    for (const std::size_t knob : speeds) {
      add(lasting, 0, 0.4, in_place(place, [&](ActionId a) { return slowed_by(a, knob); }));
      add(lasting, 0, 0.15,
          in_place(place, [&](ActionId a) { return slowed_by(a, knob) * width_of(a); }));
      add(lasting, 2, 0.3, in_place(place, [&](ActionId a) { return drawn_by(a, knob); }));
    }
    add(passing, 0, 0.35, in_place(place, one));
  }
  add(passing, 1, 0.25, one);
  for (std::size_t i = 0; i < hints; ++i) {
    passing.push_back({{{3 * n + i, 0.35}}});
    model.offset[3 * n + i] = 0.1;
  }

  model.lasting = lasting.size();
  model.passing = passing.size();
  model.basis.assign(model.quantities() * model.factors(), 0.0);
  std::size_t factor = 0;
  for (const auto* columns : {&lasting, &passing}) {
    for (const auto& column : *columns) {
      for (const auto& [quantity, value] : column.entries) {
        model.basis[quantity * model.factors() + factor] = value;
      }
      ++factor;
    }
  }
  return model;
}

ResponseModel::Prior rounded(ResponseModel::Prior prior) {
  prior.factors.round_to_singles();
  return prior;
}

constexpr Range kCount{.min = 0.0, .max = 1e15};

std::size_t read_count(const ConfigNode& node, const std::string& key) {
  return static_cast<std::size_t>(node.at(key).integer(kCount));
}

}  // namespace

double Forecast::service_ms() const { return std::exp(log_service.mean); }

std::vector<std::size_t> ResponseModel::hints(const std::vector<SignalDescription>& signals) {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (signals[i].name.starts_with("cpu_others_share")) {
      result.push_back(i);
    }
  }
  return result;
}

ResponseModel::Prior ResponseModel::Prior::of_knobs(const Problem& problem) {
  const std::size_t num_hints = hints(problem.signals).size();
  Prior prior{prior_of_knobs(problem.actions, num_hints), std::nullopt, {}, {}, 1.0};
  // Anything may be different, or all but what the hints say.
  const std::vector<double> none(prior.factors.passing, 0.0);
  prior.conditions = {{none, 0}, {none, num_hints}};
  return prior;
}

ResponseModel::ResponseModel(const Problem& problem, Prior prior)
    : space_(problem.actions),
      size_(problem.actions.size()),
      signals_(problem.signals),
      hints_(hints(problem.signals)),
      prior_(rounded(std::move(prior))),
      belief_(prior_.factors),
      ratio_(prior_.ratio),
      ceilings_(problem.actions.knobs().size()) {
  const auto power =
      std::ranges::find(signals_, problem.task.power_signal, &SignalDescription::name);
  if (power != signals_.end()) {
    power_ = static_cast<std::size_t>(power - signals_.begin());
  }
}

void ResponseModel::begin_episode() {
  belief_.forget_passing();
  recalled_.reset();
  last_.reset();
  stayed_ = outliers_ = 0;
  has_changed_ = has_ceiling_ = is_restless_ = false;
  restless_ = 0.0;
  ceilings_.assign(ceilings_.size(), {});
}

double ResponseModel::expected_power(const Evidence& evidence) const {
  return std::max(kLeastPower, belief_.estimate(evidence.parts).mean);
}

ResponseModel::Measured ResponseModel::measure(const StepInfo& info) {
  // What was measured before the period says nothing of its action.
  const auto fresh = [&](std::size_t signal) {
    return std::ranges::count(info.stale, signal) == 0 ? info.signals[signal] : std::nullopt;
  };
  levels_.clear();
  for (const auto& grant : info.granted) {
    levels_.push_back(grant.level);
  }
  Measured measured;
  measured.action = space_.encode(levels_);
  measured.is_new = last_ != measured.action;
  last_ = measured.action;
  const ServiceReport& service = info.applications.front().service;
  // The first request after a change pays for it.
  const std::size_t skipped = measured.is_new && service.served > 1 ? 1 : 0;
  double sum_ms = 0.0;
  for (std::size_t i = skipped; i < service.served; ++i) {
    sum_ms += service.services_ms[i];
  }
  const auto count = static_cast<double>(service.served - std::min(skipped, service.served));
  if (count > 0.0 && sum_ms > 0.0) {
    const bool is_spoilt = measured.is_new && skipped == 0;
    measured.service = Evidence{
        {{measured.action, 1.0}},
        std::log(sum_ms / count),
        ratio_.variance() / count + square(is_spoilt ? kNewServiceSpread : kServiceSpread)};
  }
  if (const auto read_w = power_ ? fresh(*power_) : std::nullopt) {
    const double power_w = *read_w;
    if (!prior_.power_scale_w && power_w > 0.0) {
      prior_.power_scale_w = power_w;
    }
    const double busy = std::min(1.0, service.busy_ms * 1e-3 / std::max(info.interval_s, 1e-6));
    const double value = power_w / prior_.power_scale_w.value_or(1.0);
    Evidence evidence{
        {{size_ + measured.action, 1.0}, {2 * size_ + measured.action, busy}}, value, 0.0};
    evidence.noise =
        square(expected_power(evidence) * (measured.is_new ? kNewPowerSpread : kPowerSpread));
    measured.others.push_back(std::move(evidence));
  }
  for (std::size_t i = 0; i < hints_.size(); ++i) {
    if (const auto hint = fresh(hints_[i])) {
      measured.others.push_back({{{3 * size_ + i, 1.0}}, *hint, square(kHintSpread)});
    }
  }
  return measured;
}

double ResponseModel::likelihood(Belief& belief, const Measured& measured, double* usual) const {
  double sum = 0.0;
  const auto add = [&](const Evidence& evidence) {
    const Estimate expected = belief.estimate(evidence.parts);
    const double variance = expected.variance + evidence.noise;
    if (usual != nullptr) {
      *usual -= 0.5 * (1.0 + std::log(2.0 * std::numbers::pi * variance));
    }
    sum += belief.update(evidence);
  };
  std::ranges::for_each(measured.others, add);
  if (measured.service) {
    add(*measured.service);
  }
  return sum;
}

Belief ResponseModel::under(const Condition& condition) const {
  Belief::Passing passing = belief_.passing();
  const std::size_t n = passing.mean.size();
  for (std::size_t i = 0; i < n - condition.kept; ++i) {
    passing.mean[i] = condition.mean[i];
    for (std::size_t j = 0; j < n; ++j) {
      passing.covariance[i * n + j] = passing.covariance[j * n + i] = 0.0;
    }
    passing.covariance[i * n + i] = prior_.condition_variance;
  }
  Belief belief = belief_;
  belief.recall(passing);
  return belief;
}

ResponseModel::Explanation ResponseModel::explain(const Measured& measured) const {
  using enum Explanation::What;
  Explanation best{belief_, kSame, recalled_};
  double usual = 0.0;
  double most = likelihood(best.belief, measured, &usual) + std::log(1.0 - kChange - kReturn);
  if (most >= usual - kSurprise) {
    return best;
  }
  const auto consider = [&](Explanation other, double chance, const Measured& of) {
    const double sum = likelihood(other.belief, of) + std::log(chance);
    if (sum > most) {
      most = sum;
      best = std::move(other);
    }
  };
  if (measured.service) {
    Measured doubted = measured;
    doubted.service->noise += square(kOutlierSpread);
    consider({belief_, kOutlier, recalled_},
             kOutlierChance * std::pow(kAnother, static_cast<double>(outliers_)), doubted);
    Belief mistaken = belief_;
    mistaken.doubt(measured.action, square(kMistakenSpread));
    consider({std::move(mistaken), kMistaken, recalled_}, kMistakenChance, measured);
  }
  for (const auto& condition : prior_.conditions) {
    consider({under(condition), kChanged, std::nullopt},
             kChange / static_cast<double>(prior_.conditions.size()), measured);
  }
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (recalled_ != i) {
      Belief then = belief_;
      then.recall(known_[i]);
      consider({std::move(then), kChanged, i}, kReturn / static_cast<double>(known_.size()),
               measured);
    }
  }
  return best;
}

void ResponseModel::recognise(const Measured& measured) {
  belief_.drift(kDrift);
  ++stayed_;
  has_changed_ = false;
  Explanation explanation = explain(measured);
  const bool changes = explanation.what == Explanation::What::kChanged;
  restless_ += kRestlessRate * ((changes ? 1.0 : 0.0) - restless_);
  is_restless_ = restless_ > (is_restless_ ? kCalm : kRestless);
  if (is_restless_) {
    take_loosely(measured);
    return;
  }
  outliers_ = explanation.what == Explanation::What::kOutlier ? outliers_ + 1 : 0;
  if (changes) {
    remember();
    recalled_ = explanation.recalled;
    if (known_.size() > kMostKnown && recalled_ != 0) {
      known_.erase(known_.begin());
      recalled_ = recalled_ ? std::optional(*recalled_ - 1) : std::nullopt;
    }
    stayed_ = 0;
    has_changed_ = true;
    ++changes_;
    ratio_.fade(kRatioKept);
    ratio_.sum_up();
  }
  belief_ = std::move(explanation.belief);
}

void ResponseModel::take_loosely(Measured measured) {
  if (measured.service) {
    measured.service->noise += square(kRestlessServiceSpread);
  }
  for (auto& evidence : measured.others) {
    const bool is_power = evidence.parts.size() > 1;
    evidence.noise +=
        square(is_power ? kRestlessPowerSpread * expected_power(evidence) : kRestlessHintSpread);
  }
  likelihood(belief_, measured);
}

void ResponseModel::note_ceilings(const StepInfo& info, ActionId asked) {
  space_.decode(asked, asked_);
  has_ceiling_ = false;
  for (std::size_t i = 0; i < ceilings_.size(); ++i) {
    Ceiling& ceiling = ceilings_[i];
    const KnobGrant& grant = info.granted[i];
    if (grant.level < asked_[i] && !grant.refused) {
      ceiling = {grant.level, kCeiling};
    } else if (asked_[i] > ceiling.level) {
      ceiling.periods = 0;  // More was granted than was thought possible.
    } else {
      ceiling.periods -= ceiling.periods > 0 ? 1 : 0;
    }
    has_ceiling_ |= ceiling.periods > 0;
  }
}

ActionId ResponseModel::granted(ActionId action) const {
  if (!has_ceiling_) {
    return action;
  }
  std::vector<std::size_t> levels = space_.decode(action);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (ceilings_[i].periods > 0) {
      levels[i] = std::min(levels[i], ceilings_[i].level);
    }
  }
  return space_.encode(levels);
}

void ResponseModel::remember() {
  if (recalled_) {
    known_[*recalled_] = belief_.passing();
  } else if (stayed_ >= kWorthKnowing) {
    known_.push_back(belief_.passing());
  }
}

void ResponseModel::learn_ratio(const StepInfo& info, const Measured& measured) {
  if (has_changed_) {
    doubtful_.clear();  // They were slow because something had changed already.
    return;
  }
  if (measured.is_new) {
    return;
  }
  for (const double ratio : doubtful_) {
    ratio_.add(ratio);
  }
  doubtful_.clear();
  const double mean_ms = std::exp(belief_.estimate(measured.action).mean);
  for (const double service_ms : info.applications.front().service.services_ms) {
    const double ratio = std::max(1e-3, service_ms / mean_ms);
    if (outliers_ > 0 && !is_restless_) {
      doubtful_.push_back(ratio);
    } else {
      ratio_.add(ratio);
    }
  }
  ratio_.sum_up();
}

void ResponseModel::observe(const StepInfo& info, ActionId action) {
  if (info.granted.size() != space_.knobs().size() || info.applications.empty()) {
    return;
  }
  note_ceilings(info, action);
  const Measured measured = measure(info);
  recognise(measured);
  learn_ratio(info, measured);
}

void ResponseModel::forecast(const Situation& situation, std::vector<Forecast>& forecasts) const {
  // Gauss-Hermite quadrature with three points, over what is not known of the mean.
  constexpr double kFar = 1.7320508;
  constexpr double kMiddle = 2.0 / 3.0;
  const double gap_ms = 1e3 / situation.rate_hz;
  const double deadline_ms = situation.deadline_ms.value_or(1e9);
  const auto late = ratio_.lateness(deadline_ms, gap_ms);
  forecasts.resize(size_);
  for (ActionId a = 0; a < size_; ++a) {
    Forecast& forecast = forecasts[a];
    if (const ActionId then = granted(a); then != a) {
      forecast = forecasts[then];  // Its levels are lower, and so is its number.
      continue;
    }
    forecast.log_service = belief_.estimate(a);
    const double mean = forecast.log_service.mean;
    const double spread = std::sqrt(std::max(0.0, forecast.log_service.variance));
    forecast.miss =
        kMiddle * late(mean) +
        0.5 * (1.0 - kMiddle) * (late(mean - kFar * spread) + late(mean + kFar * spread));
    forecast.hoped_miss = late(mean - spread);
    const double busy = std::min(1.0, std::exp(mean) / gap_ms);
    const Estimate power = belief_.estimate(
        std::array{Evidence::Part{size_ + a, 1.0}, Evidence::Part{2 * size_ + a, busy}});
    const double scale_w = prior_.power_scale_w.value_or(1.0);
    forecast.power_w = {power.mean * scale_w, power.variance * square(scale_w)};
  }
}

nlohmann::ordered_json ResponseModel::to_json() const {
  nlohmann::ordered_json json;
  json["factors"] = prior_.factors.to_json();
  json["power_scale_w"] =
      prior_.power_scale_w ? nlohmann::ordered_json(*prior_.power_scale_w) : nullptr;
  json["conditions"] = nlohmann::ordered_json::array();
  for (const auto& condition : prior_.conditions) {
    json["conditions"].push_back({{"mean", condition.mean}, {"kept", condition.kept}});
  }
  json["condition_variance"] = prior_.condition_variance;
  json["belief"] = belief_.to_json();
  json["ratio"] = ratio_.to_json();
  json["doubtful"] = doubtful_;
  json["known"] = nlohmann::ordered_json::array();
  for (const auto& known : known_) {
    json["known"].push_back({{"mean", known.mean}, {"covariance", known.covariance}});
  }
  json["recalled"] = recalled_ ? nlohmann::ordered_json(*recalled_) : nullptr;
  json["last"] = last_ ? nlohmann::ordered_json(*last_) : nullptr;
  json["ceilings"] = nlohmann::ordered_json::array();
  for (const auto& ceiling : ceilings_) {
    json["ceilings"].push_back({{"level", ceiling.level}, {"periods", ceiling.periods}});
  }
  json["restless"] = restless_;
  json["is_restless"] = is_restless_;
  json["stayed"] = stayed_;
  json["outliers"] = outliers_;
  json["has_changed"] = has_changed_;
  json["changes"] = changes_;
  return json;
}

std::unique_ptr<ResponseModel> ResponseModel::from_json(const ConfigNode& node,
                                                        const Problem& problem) {
  const std::size_t quantities = 3 * problem.actions.size() + hints(problem.signals).size();
  Prior prior;
  prior.factors = FactorModel::from_json(node.at("factors"), quantities);
  if (!node.at("power_scale_w").is_null()) {
    prior.power_scale_w = node.at("power_scale_w").number(Range::positive());
  }
  const std::size_t passing = prior.factors.passing;
  const auto read = [](const ConfigNode& of, const std::string& key, std::size_t count) {
    auto numbers = of.at(key).numbers();
    if (numbers.size() != count) {
      of.at(key).reject(fmt::format("expected {} numbers, found {}", count, numbers.size()));
    }
    return numbers;
  };
  for (const auto& each : node.at("conditions").items()) {
    prior.conditions.push_back({read(each, "mean", passing), load_index(each.at("kept"), passing)});
    each.reject_unknown();
  }
  prior.condition_variance = node.at("condition_variance").number(Range::positive());
  prior.ratio.load(node.at("ratio"));

  auto model = std::make_unique<ResponseModel>(problem, std::move(prior));
  model->belief_.load(node.at("belief"));
  model->doubtful_ = node.at("doubtful").numbers();
  for (const auto& each : node.at("known").items()) {
    model->known_.push_back(
        {read(each, "mean", passing), read(each, "covariance", passing * passing)});
    each.reject_unknown();
  }
  if (!node.at("recalled").is_null()) {
    if (model->known_.empty()) {
      node.at("recalled").reject("expected null, as no conditions are known");
    }
    model->recalled_ = load_index(node.at("recalled"), model->known_.size() - 1);
  }
  if (!node.at("last").is_null()) {
    model->last_ = load_index(node.at("last"), model->size_ - 1);
  }
  const auto ceilings = node.at("ceilings").items();
  if (ceilings.size() != model->ceilings_.size()) {
    node.at("ceilings")
        .reject(fmt::format("expected {} entries, one for each knob, found {}",
                            model->ceilings_.size(), ceilings.size()));
  }
  for (std::size_t i = 0; i < ceilings.size(); ++i) {
    const std::size_t last = problem.actions.knobs()[i].levels.size() - 1;
    model->ceilings_[i] = {load_index(ceilings[i].at("level"), last),
                           read_count(ceilings[i], "periods")};
    ceilings[i].reject_unknown();
    model->has_ceiling_ |= model->ceilings_[i].periods > 0;
  }
  model->restless_ = node.at("restless").number(Range::share());
  model->is_restless_ = node.at("is_restless").boolean();
  model->stayed_ = read_count(node, "stayed");
  model->outliers_ = read_count(node, "outliers");
  model->has_changed_ = node.at("has_changed").boolean();
  model->changes_ = read_count(node, "changes");
  node.reject_unknown();
  return model;
}

}  // namespace rein
