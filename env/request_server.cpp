#include "env/request_server.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"

namespace rein {

RequestSpec RequestSpec::from_yaml(const ConfigNode& node) {
  RequestSpec spec;
  const std::vector<std::string> arrivals = {"periodic", "poisson", "closed_loop"};
  const std::string arrival = node.at("arrival").one_of(arrivals);
  spec.arrival = static_cast<Arrival>(std::ranges::find(arrivals, arrival) - arrivals.begin());
  if (spec.arrival != Arrival::kClosedLoop) {
    spec.rate_hz = node.at("rate_hz").number({.min = 0.0, .max = 1e5, .min_excluded = true});
  }
  spec.batch = static_cast<std::size_t>(
      node.integer_or("batch", static_cast<std::int64_t>(spec.batch), {.min = 1, .max = 1024}));
  spec.queue_limit = static_cast<std::size_t>(node.integer_or(
      "queue_limit", static_cast<std::int64_t>(spec.queue_limit), {.min = 1, .max = 1e6}));
  spec.drop_expired = node.boolean_or("drop_expired", spec.drop_expired);
  node.reject_unknown();
  return spec;
}

RequestServer::RequestServer(const RequestSpec& spec, ScalableNetwork& network,
                             const ImageSet& images, Clock& clock)
    : spec_(spec), network_(network), images_(images), clock_(clock), predictions_(spec.batch) {
  if (images.count() < spec.batch) {
    throw Error(fmt::format("requests: expected at least {} images for a batch, found {}",
                            spec.batch, images.count()));
  }
  if (images.image_size() != network.image_size()) {
    throw Error(fmt::format("images: expected {} pixels as the network takes, found {}",
                            network.image_size(), images.image_size()));
  }
}

void RequestServer::reset(TimePoint start, std::uint64_t seed) {
  random_ = Random(seed);
  queue_.clear();
  next_image_ = random_.index(images_.count() - spec_.batch + 1);
  next_arrival_ = start;
  if (spec_.arrival == RequestSpec::Arrival::kPoisson) {
    next_arrival_ += next_gap();
  }
}

void RequestServer::set_level(std::size_t level) {
  network_.set_level(level);
  level_ = level;
}

void RequestServer::rehearse() { network_.infer(images_.images(0, spec_.batch), predictions_); }

ServiceReport RequestServer::serve_until(TimePoint end) {
  ServiceReport report;
  for (TimePoint now = clock_.now(); now < end; now = clock_.now()) {
    admit(now, report);
    drop_expired(now, report);
    if (queue_.empty()) {
      clock_.sleep_until(std::min(next_arrival_, end));
      continue;
    }
    const Request request = queue_.front();
    queue_.pop_front();
    serve(request, report);
  }
  const TimePoint now = clock_.now();
  admit(now, report);
  drop_expired(now, report);
  report.queued = queue_.size();
  return report;
}

void RequestServer::admit(TimePoint now, ServiceReport& report) {
  while (next_arrival_ <= now) {
    ++report.arrived;
    if (queue_.size() < spec_.queue_limit) {
      queue_.push_back({next_arrival_, deadline_});
    } else {
      drop(report);
    }
    // In a closed loop the next request comes when this one ends: serve() sets the time.
    next_arrival_ = spec_.arrival == RequestSpec::Arrival::kClosedLoop ? TimePoint::max()
                                                                       : next_arrival_ + next_gap();
  }
}

void RequestServer::drop(ServiceReport& report) {
  ++report.dropped;
  report.misses.push_back(true);
  if (spec_.arrival == RequestSpec::Arrival::kClosedLoop) {
    next_arrival_ = clock_.now();
  }
}

void RequestServer::drop_expired(TimePoint now, ServiceReport& report) {
  if (!spec_.drop_expired) {
    return;
  }
  const auto dropped = std::erase_if(
      queue_, [now](const Request& request) { return now - request.arrival > request.deadline; });
  for (std::size_t i = 0; i < dropped; ++i) {
    drop(report);
  }
}

void RequestServer::serve(const Request& request, ServiceReport& report) {
  if (next_image_ + spec_.batch > images_.count()) {
    next_image_ = 0;
  }
  network_.infer(images_.images(next_image_, spec_.batch), predictions_);
  const TimePoint finished = clock_.now();
  for (std::size_t i = 0; i < spec_.batch; ++i) {
    report.correct += predictions_[i] == images_.labels[next_image_ + i] ? 1 : 0;
  }
  next_image_ += spec_.batch;
  report.images += spec_.batch;

  const Duration latency = finished - request.arrival;
  const bool late = latency > request.deadline;
  ++report.served;
  report.late += late ? 1 : 0;
  report.misses.push_back(late);
  report.latencies_ms.push_back(to_milliseconds(latency));
  report.accuracy_sum += network_.levels()[level_].accuracy_top1;
  if (spec_.arrival == RequestSpec::Arrival::kClosedLoop) {
    next_arrival_ = finished;
  }
}

Duration RequestServer::next_gap() {
  const double mean_s = 1.0 / spec_.rate_hz;
  const double gap_s =
      spec_.arrival == RequestSpec::Arrival::kPoisson ? random_.exponential(mean_s) : mean_s;
  return std::max(Duration(1), from_seconds(gap_s));
}

}  // namespace rein
