#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "agent/core/managed_application.hpp"
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
FactorModel prior_of_knobs(const ActionSpace& actions, const Quantities& quantities,
                           const std::vector<PowerSignal>& signals,
                           const std::vector<int>& hinted_cpus) {
  const auto& knobs = actions.knobs();
  const std::size_t n = actions.size();
  const auto width = actions.find(Knob::Kind::kWidth, kManagedApplication);
  const auto mapping = actions.find(Knob::Kind::kMapping, kManagedApplication);
  const std::size_t places = mapping ? knobs[*mapping].levels.size() : 1;
  std::vector<std::size_t> speeds;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    if (knobs[i].effect() == Knob::Effect::kFaster) {
      speeds.push_back(i);
    }
  }
  std::vector<std::vector<std::size_t>> levels;
  levels.reserve(n);
  for (ActionId a = 0; a < n; ++a) {
    levels.push_back(actions.decode(a));
  }
  const auto place_of = [&](ActionId a) { return mapping ? levels[a][*mapping] : 0; };
  const auto width_of = [&](ActionId a) {
    return width ? std::log(knobs[*width].levels[levels[a][*width]].value /
                            knobs[*width].levels.back().value)
                 : 0.0;
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
  model.offset.assign(quantities.size(), 0.0);
  model.own.assign(quantities.size(), 0.0);
  std::vector<Column> lasting;
  std::vector<Column> passing;
  // A block of quantities begins with the first action's.
  const auto add = [&](std::vector<Column>& columns, std::size_t first, double spread,
                       const auto& feature) {
    Column column;
    for (ActionId a = 0; a < n; ++a) {
      if (const double value = feature(a); value != 0.0) {
        column.entries.emplace_back(first + a, spread * value);
      }
    }
    columns.push_back(std::move(column));
  };
  const auto in_place = [&](std::size_t place, const auto& feature) {
    return [&, place, feature](ActionId a) { return place_of(a) == place ? feature(a) : 0.0; };
  };
  const auto one = [](ActionId) { return 1.0; };

  const std::size_t powers = quantities.powers;
  // Beside that of the whole machine our own is little else than what serving costs.
  const auto is_serving_alone = [&](std::size_t power) {
    return power > 0 && signals[power] == PowerSignal::kOurs;
  };
  for (ActionId a = 0; a < n; ++a) {
    model.offset[a] = 3.0 + width_of(a);
    for (const std::size_t knob : speeds) {
      model.offset[a] += 0.4 * slowed_by(a, knob);
    }
    model.own[a] = squared(0.03);
    for (std::size_t power = 0; power < powers; ++power) {
      model.own[quantities.serving(power, a)] = squared(0.02);
      if (is_serving_alone(power)) {
        model.offset[quantities.serving(power, a)] = 1.0;
        model.own[quantities.idle(power, a)] = squared(0.001);
        continue;
      }
      double& idle = model.offset[quantities.idle(power, a)];
      for (const std::size_t knob : speeds) {
        idle += 0.1 * drawn_by(a, knob);
      }
      idle += 0.5;
      model.offset[quantities.serving(power, a)] = 0.3;
      model.own[quantities.idle(power, a)] = squared(0.01);
    }
  }
  add(lasting, 0, 3.0, one);
  add(lasting, 0, 0.4, width_of);
  add(lasting, 0, 0.15, [&](ActionId a) { return squared(width_of(a)); });
  for (std::size_t power = 0; power < powers; ++power) {
    const std::size_t idle = quantities.idle(power, 0);
    if (is_serving_alone(power)) {
      continue;
    }
    add(lasting, idle, 0.4, one);
    for (const std::size_t knob : speeds) {
      add(lasting, idle, 0.15, [&](ActionId a) { return drawn_by(a, knob); });
    }
  }
  for (std::size_t place = 0; place < places; ++place) {
    if (places > 1) {
      add(lasting, 0, 0.8, in_place(place, one));
      add(lasting, 0, 0.3, in_place(place, width_of));
    }
    for (std::size_t power = 0; power < powers; ++power) {
      add(lasting, quantities.serving(power, 0), is_serving_alone(power) ? 2.0 : 0.3,
          in_place(place, one));
    }
    for (const std::size_t knob : speeds) {
      add(lasting, 0, 0.4, in_place(place, [&](ActionId a) { return slowed_by(a, knob); }));
      add(lasting, 0, 0.15,
          in_place(place, [&](ActionId a) { return slowed_by(a, knob) * width_of(a); }));
      for (std::size_t power = 0; power < powers; ++power) {
        add(lasting, quantities.serving(power, 0), 0.3,
            in_place(place, [&](ActionId a) { return drawn_by(a, knob); }));
      }
    }
    add(passing, 0, 0.35, in_place(place, one));
  }
  for (std::size_t power = 0; power < powers; ++power) {
    if (!is_serving_alone(power)) {
      add(passing, quantities.idle(power, 0), 0.25, one);
      // What others do costs as much as the clocks let it.
      for (const std::size_t knob : speeds) {
        add(passing, quantities.idle(power, 0), 0.3, [&](ActionId a) { return drawn_by(a, knob); });
      }
    }
  }
  for (std::size_t i = 0; i < hinted_cpus.size(); ++i) {
    // Who shares a CPU is slower there by what the others would use of it: by the logarithm of
    // 1 + demand where it is the only one.
    const double spread = 0.35;
    Column column{{{quantities.hint(i), spread}}};
    for (ActionId a = 0; mapping && a < n; ++a) {
      const auto& cpus = knobs[*mapping].levels[place_of(a)].cpus;
      if (std::ranges::count(cpus, hinted_cpus[i]) > 0) {
        const double share = 1.0 / (0.5 + 0.5 * static_cast<double>(cpus.size()));
        column.entries.emplace_back(a, 0.7 * spread * share);
      }
    }
    passing.push_back(std::move(column));
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

ResponseModel::Prior ResponseModel::Prior::of_knobs(const Problem& problem,
                                                    const PlannerOptions& options) {
  const Quantities quantities = Quantities::of(problem);
  std::vector<int> hinted_cpus;
  for (const CpuShares& shares : find_cpu_shares(problem.signals)) {
    hinted_cpus.push_back(shares.cpu);
  }
  Prior prior{prior_of_knobs(problem.actions, quantities, problem.task.power_signals, hinted_cpus),
              {},
              ServiceSpread(options),
              {},
              1.0};
  // Anything may be different, or all but what the hints say.
  const std::vector<double> none(prior.factors.passing, 0.0);
  prior.conditions = {{none, 0}, {none, quantities.hints}};
  return prior;
}

}  // namespace rein
