#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "agent/model_based/others_demand.hpp"
#include "agent/model_based/response_model.hpp"

namespace rein {

namespace {

double squared(double x) { return x * x; }

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
    model.own[a] = squared(0.03);
    model.own[n + a] = squared(0.01);
    model.own[2 * n + a] = squared(0.02);
  }
  add(lasting, 0, 3.0, one);
  add(lasting, 0, 0.4, width_of);
  add(lasting, 0, 0.15, [&](ActionId a) { return squared(width_of(a)); });
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

}  // namespace

ResponseModel::Prior ResponseModel::Prior::of_knobs(const Problem& problem) {
  const std::size_t num_hints = find_cpu_shares(problem.signals).size();
  Prior prior{prior_of_knobs(problem.actions, num_hints), std::nullopt, {}, {}, 1.0};
  // Anything may be different, or all but what the hints say.
  const std::vector<double> none(prior.factors.passing, 0.0);
  prior.conditions = {{none, 0}, {none, num_hints}};
  return prior;
}

}  // namespace rein
