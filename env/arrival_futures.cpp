#include "env/arrival_futures.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "common/random.hpp"

namespace rein {

namespace {

/// Sets what is drawn here apart from what others draw.
constexpr std::uint64_t kStream = 0xf02eca57'00000003;
/// Gaps by which a pace is told.
constexpr std::size_t kRemembered = 8;
/// Places in the recording to each side of the present pace, as a share of all; and how few are too
/// few.
constexpr std::size_t kNear = 20;
constexpr std::size_t kTooFew = 8;
constexpr double kSameGap = 1e-9;

}  // namespace

ArrivalFutures::ArrivalFutures(const RequestSpec& spec)
    : is_poisson_(spec.arrival == RequestSpec::Arrival::kPoisson) {
  if (spec.arrival != RequestSpec::Arrival::kRecorded) {
    return;
  }
  recorded_ = spec.recording.arrivals;
  const std::size_t size = recorded_->size();
  pace_.assign(size, 0.0);
  for (std::size_t gap = 0; gap < size; ++gap) {
    for (std::size_t before = 1; before <= kRemembered; ++before) {
      pace_[gap] += recorded_->gap((gap + size * kRemembered - before) % size);
    }
  }
  by_pace_.resize(size);
  std::iota(by_pace_.begin(), by_pace_.end(), 0);
  std::ranges::stable_sort(by_pace_, {}, [&](std::size_t gap) { return pace_[gap]; });
}

void ArrivalFutures::find_places(TimePoint now, const Backlog& backlog) {
  const std::size_t size = recorded_->size();
  const std::size_t present = (backlog.next_recorded + size - 1) % size;
  const double left = to_seconds(backlog.next_arrival - now) * backlog.rate_hz;
  elapsed_ = std::max(0.0, recorded_->gap(present) - left);
  places_.clear();
  const auto fits = [&](std::size_t gap) { return recorded_->gap(gap) >= elapsed_; };
  // All of the same pace, and as many of nearly that as make them enough.
  const auto pace_of = [&](std::size_t gap) { return pace_[gap]; };
  const double pace = pace_[present];
  const auto same = std::ranges::lower_bound(by_pace_, pace * (1.0 - kSameGap), {}, pace_of);
  const auto beyond = std::ranges::upper_bound(by_pace_, pace * (1.0 + kSameGap), {}, pace_of);
  const auto middle = same + (beyond - same) / 2;
  const auto reach = static_cast<std::ptrdiff_t>(size / kNear + 1);
  const auto begin = std::min(same, middle - std::min(reach, middle - by_pace_.begin()));
  const auto end = std::max(beyond, middle + std::min(reach, by_pace_.end() - middle));
  std::copy_if(begin, end, std::back_inserter(places_), fits);
  if (places_.size() < kTooFew) {
    places_.clear();
    std::ranges::copy_if(by_pace_, std::back_inserter(places_), fits);
  }
  if (places_.empty()) {  // It has never been as quiet: a pause as any ends at any time.
    elapsed_ = 0.0;
    places_ = by_pace_;
  }
}

void ArrivalFutures::begin(std::uint64_t future, TimePoint now, RequestServer& server) {
  if (!is_by_chance()) {
    return;
  }
  Random random((future * 2 + 1) * kStream);
  const Backlog& backlog = server.backlog();
  if (is_poisson_) {
    const Duration gap = from_seconds(random.exponential(1.0 / backlog.rate_hz));
    server.set_next_arrival(now + std::max(Duration(1), gap));
  } else {
    if (found_at_ != now) {
      found_at_ = now;
      find_places(now, backlog);
    }
    const std::size_t gap = places_[random.index(places_.size())];
    const double left = (recorded_->gap(gap) - elapsed_) / backlog.rate_hz;
    server.set_next_arrival(now + std::max(Duration(1), from_seconds(left)),
                            (gap + 1) % recorded_->size());
  }
  server.set_random(random);
}

}  // namespace rein
