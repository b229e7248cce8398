#include "agent/model_based/queue_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/index.hpp"

namespace rein {

namespace {

/// Parts of the distribution of service times.
constexpr std::size_t kServices = 10;
/// Periods for which what was solved stays, and by how much its distributions may differ.
constexpr std::size_t kKept = 20;
constexpr double kSame = 0.1;
/// Arrivals of a period that are looked at one by one.
constexpr double kMostSteps = 24.0;
// States of the grid: so many reach the deadline at least and at most.
constexpr double kFewest = 12.0;
constexpr double kMost = 28.0;
/// How far it goes beyond, in deadlines: what is behind farther is as far behind.
constexpr double kBeyond = 2.2;
/// The same at most, and in so many states, where late requests are served all the same.
constexpr double kFarthest = 6.0;
constexpr double kMostStates = 72.0;

/// Solves a x = b, overwriting both; row-major. What is singular gives what comes.
void eliminate(std::vector<double>& a, std::vector<double>& b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) {
        pivot = i;
      }
    }
    if (pivot != k) {
      std::swap_ranges(a.begin() + static_cast<std::ptrdiff_t>(k * n),
                       a.begin() + static_cast<std::ptrdiff_t>((k + 1) * n),
                       a.begin() + static_cast<std::ptrdiff_t>(pivot * n));
      std::swap(b[k], b[pivot]);
    }
    const double diagonal = a[k * n + k];
    if (std::abs(diagonal) < 1e-300) {
      continue;
    }
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i * n + k] / diagonal;
      if (factor == 0.0) {
        continue;
      }
      for (std::size_t j = k; j < n; ++j) {
        a[i * n + j] -= factor * a[k * n + j];
      }
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    double sum = b[k];
    for (std::size_t j = k + 1; j < n; ++j) {
      sum -= a[k * n + j] * b[j];
    }
    b[k] = std::abs(a[k * n + k]) < 1e-300 ? 0.0 : sum / a[k * n + k];
  }
}

bool nearly(double one, double other) {
  return std::abs(one - other) <= kSame * std::max(std::abs(one), std::abs(other));
}

/// Adds a chance where `place` is on a grid, so that the mean stays.
void put(std::span<double> grid, double place, double chance) {
  const double inside = std::clamp(place, 0.0, static_cast<double>(grid.size() - 1));
  const std::size_t below = index_at(inside, grid.size() - 1);
  const double share = inside - static_cast<double>(below);
  grid[below] += chance * (1.0 - share);
  if (share > 0.0) {
    grid[below + 1] += chance * share;
  }
}

}  // namespace

void QueueModel::follow(const Queue& queue, const ServiceSpread& spread, const ArrivalGaps& gaps) {
  const bool holds = queue == queue_ && age_ < kKept &&
                     nearly(spread.variance(), spread_.variance()) &&
                     nearly(gaps.variation(), arrivals_.variation());
  spread_ = spread;
  for_waiting_.fill(std::numeric_limits<double>::quiet_NaN());
  if (holds) {
    return;
  }
  age_ = 0;
  queue_ = queue;
  log_deadline_ = std::log(queue_.deadline_ms);
  arrivals_ = gaps;
  spread_.points(kServices, services_);
  gaps.points(gaps_);
  for (Share& each : gaps_) {
    each.value *= queue_.gap_ms;
  }
  const bool is_limited = std::isfinite(queue_.deadline_ms);
  constexpr double kDeep = 8.0;
  scale_ms_ = is_limited ? queue_.deadline_ms
                         : queue_.gap_ms * std::min(kDeep, static_cast<double>(queue_.limit) + 1.0);
  // Where nothing expires a full queue is waited for, however late it is.
  const double full_ms = (static_cast<double>(queue_.limit) + 1.0) * queue_.gap_ms;
  const double beyond_ms = scale_ms_ * (queue_.drops_expired || !is_limited
                                            ? kBeyond
                                            : std::clamp(full_ms / scale_ms_, kBeyond, kFarthest));
  grid_ms_ = std::max(std::clamp(0.5 * queue_.gap_ms, scale_ms_ / kMost, scale_ms_ / kFewest),
                      beyond_ms / kMostStates);
  states_ = index_at(std::ceil(beyond_ms / grid_ms_), 1000) + 1;
  // Below the first nothing ever waits, nearly; above the last all are late.
  first_ = std::log(std::min(scale_ms_, queue_.gap_ms)) - 1.6;
  step_ = (std::log(scale_ms_) + 0.4 - first_) / (kPoints - 1);
  points_.fill({});
  reference_.clear();
}

double QueueModel::served_late(double service_ms, double wait_ms) const {
  const double left_ms = queue_.deadline_ms - wait_ms;
  return left_ms > 0.0 ? spread_.exceedance(left_ms / service_ms) : 1.0;
}

double QueueModel::dropped(double service_ms, double wait_ms) const {
  const double waiting = wait_ms / service_ms - static_cast<double>(queue_.limit);
  const double full = std::clamp(waiting + 0.5, 0.0, 1.0);
  const double expired = queue_.drops_expired && std::isfinite(queue_.deadline_ms)
                             ? std::clamp((wait_ms - queue_.deadline_ms) / grid_ms_ + 0.5, 0.0, 1.0)
                             : 0.0;
  return std::max(full, expired);
}

void QueueModel::find_steps(double service_ms, std::vector<double>& kernel) const {
  kernel.assign(2 * states_ - 1, 0.0);
  const double middle = static_cast<double>(states_ - 1);
  for (const Share& gap : gaps_) {
    if (service_ms == 0.0) {
      put(kernel, middle - gap.value / grid_ms_, gap.share);
      continue;
    }
    for (const Share& service : services_) {
      const double step_ms = service.value * service_ms - gap.value;
      put(kernel, middle + step_ms / grid_ms_, gap.share * service.share);
    }
  }
}

void QueueModel::find_chain(double service_ms) {
  const std::size_t n = states_;
  find_steps(service_ms, kernel_);
  find_steps(0.0, idle_kernel_);
  matrix_.assign(n * n, 0.0);
  costs_.assign(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const double wait_ms = state_ms(i);
    const double drops = dropped(service_ms, wait_ms);
    costs_[i] = drops + (1.0 - drops) * served_late(service_ms, wait_ms);
    double* const row = matrix_.data() + i * n;
    // From i by a step of k - (n - 1), within 0 and n - 1.
    for (std::size_t k = 0; k < 2 * n - 1; ++k) {
      const double chance = (1.0 - drops) * kernel_[k] + drops * idle_kernel_[k];
      const std::size_t to = i + k < n - 1 ? 0 : std::min(n - 1, i + k - (n - 1));
      row[to] += chance;
    }
  }
}

const QueueModel::Solution& QueueModel::solve(std::size_t point) {
  auto& solution = points_[point].solution;
  if (solution) {
    return *solution;
  }
  const double service_ms = std::exp(log_service_at(point));
  find_chain(service_ms);
  // gain + value(i) - sum of P(i, j) value(j) = cost(i), with value(0) = 0.
  const std::size_t n = states_;
  for (std::size_t i = 0; i < n; ++i) {
    double* const row = matrix_.data() + i * n;
    for (std::size_t j = 1; j < n; ++j) {
      row[j] = (i == j ? 1.0 : 0.0) - row[j];
    }
    row[0] = 1.0;
  }
  Solution found{.values = costs_};
  eliminate(matrix_, found.values);
  found.missed = std::clamp(found.values[0], 0.0, 1.0);
  found.values[0] = 0.0;
  solution = std::move(found);
  return *solution;
}

double QueueModel::for_waiting(std::size_t point) {
  double& more = for_waiting_[point];
  if (std::isnan(more)) {
    const double alone = spread_.exceedance_at(log_deadline_ - log_service_at(point));
    more = std::max(0.0, solve(point).missed - alone);
  }
  return more;
}

double QueueModel::missed(double log_service) {
  constexpr double kForEver = 700.0;
  if (!(log_service < kForEver)) {
    return 1.0;
  }
  const double direct = spread_.exceedance_at(log_deadline_ - log_service);
  if (queue_.is_closed_loop || direct >= 1.0) {
    return direct;
  }
  const double place = (log_service - first_) / step_;
  if (!(place > 0.0)) {
    return direct;
  }
  const std::size_t point = index_at(place, kPoints - 2);
  const double share = std::min(1.0, place - static_cast<double>(point));
  return std::min(1.0,
                  direct + for_waiting(point) * (1.0 - share) + for_waiting(point + 1) * share);
}

double QueueModel::missed_behind(double log_service, double wait_ms) {
  if (queue_.is_closed_loop) {
    const double service_ms = std::exp(log_service);
    return std::max(0.0, served_late(service_ms, wait_ms) - served_late(service_ms, 0.0));
  }
  const double place = std::clamp((log_service - first_) / step_, 0.0, kPoints - 1.0);
  const std::size_t point = index_at(place, kPoints - 2);
  const double share = place - static_cast<double>(point);
  return value_at(solve(point).values, wait_ms) * (1.0 - share) +
         value_at(solve(point + 1).values, wait_ms) * share;
}

void QueueModel::look_ahead(double log_service, double arrivals) {
  const double place = std::clamp((log_service - first_) / step_, 0.0, kPoints - 1.0);
  const std::size_t point = index_at(place + 0.5, kPoints - 1);
  if (!reference_.empty() && reference_log_ == log_service_at(point) &&
      period_arrivals_ == arrivals) {
    return;
  }
  const Solution& solution = solve(point);
  reference_ = solution.values;
  reference_missed_ = solution.missed;
  reference_log_ = log_service_at(point);
  period_arrivals_ = arrivals;
  for (Point& each : points_) {
    each.ahead.clear();
  }
}

std::span<const double> QueueModel::ahead(std::size_t point) {
  auto& values = points_[point].ahead;
  if (!values.empty()) {
    return values;
  }
  find_chain(std::exp(log_service_at(point)));
  values = reference_;
  std::vector<double> next(states_);
  for (double left = std::min(period_arrivals_, kMostSteps); left > 0.0; left -= 1.0) {
    const double weight = std::min(left, 1.0);
    for (std::size_t i = 0; i < states_; ++i) {
      double sum = costs_[i] - reference_missed_;
      for (std::size_t j = 0; j < states_; ++j) {
        sum += matrix_[i * states_ + j] * values[j];
      }
      next[i] = weight * sum + (1.0 - weight) * values[i];
    }
    std::swap(values, next);
  }
  return values;
}

double QueueModel::value_at(std::span<const double> values, double wait_ms) const {
  const double place = wait_ms / grid_ms_;
  const std::size_t state = index_at(place, states_ - 2);
  // What is farther behind than the grid goes is more of the same.
  const double share = std::max(0.0, place - static_cast<double>(state));
  return values[state] + share * (values[state + 1] - values[state]);
}

double QueueModel::excess_at(std::size_t point, const Waiting& waiting, double delay_ms) {
  const double service_ms = std::exp(log_service_at(point));
  const auto count = static_cast<double>(waiting.requests);
  double missed = 0.0;
  double work_ms = delay_ms;
  for (std::size_t i = 0; i < waiting.requests; ++i) {
    // They came one after the other, as far as is known.
    const double wait_ms = waiting.oldest_ms * (1.0 - static_cast<double>(i) / count) + work_ms;
    if (queue_.drops_expired && wait_ms >= queue_.deadline_ms) {
      missed += 1.0;
    } else {
      missed += served_late(service_ms, wait_ms);
      work_ms += service_ms;
    }
  }
  const double since_ms = waiting.requests > 0 ? waiting.oldest_ms / count : 0.5 * queue_.gap_ms;
  const double until_ms = std::max(0.0, queue_.gap_ms - since_ms);
  return missed + value_at(ahead(point), std::max(0.0, work_ms - until_ms));
}

double QueueModel::excess(double log_service, const Waiting& waiting, double delay_ms) {
  const double place = std::clamp((log_service - first_) / step_, 0.0, kPoints - 1.0);
  const std::size_t point = index_at(place, kPoints - 2);
  const double share = place - static_cast<double>(point);
  return excess_at(point, waiting, delay_ms) * (1.0 - share) +
         excess_at(point + 1, waiting, delay_ms) * share;
}

}  // namespace rein
