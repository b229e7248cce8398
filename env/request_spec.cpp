#include "env/request_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/files.hpp"

namespace rein {

void RequestSpec::read_arrival(const ConfigNode& node) {
  const std::string kind = node.at("arrival").one_of({kArrivals.begin(), kArrivals.end()});
  arrival = static_cast<Arrival>(std::ranges::find(kArrivals, kind) - kArrivals.begin());
  recording = {};
  if (arrival == Arrival::kRecorded) {
    recording.file = node.resolve(node.at("recording").text());
    if (!is_there(recording.file)) {
      node.at("recording")
          .fail(fmt::format("a file that exists (looked for {})", recording.file.string()));
    }
    recording.arrivals =
        std::make_shared<const RecordedArrivals>(RecordedArrivals::read(recording.file));
    if (node.has("recording_from_s")) {
      recording.from_s = node.at("recording_from_s").number(Range::seconds().or_zero());
    }
  }
}

RequestSpec RequestSpec::from_yaml(const ConfigNode& node) {
  RequestSpec spec;
  spec.read_arrival(node);
  if (spec.arrival != Arrival::kClosedLoop) {
    spec.rate_hz = node.at("rate_hz").number(Range::hertz());
  }
  spec.batch = static_cast<std::size_t>(
      node.integer_or("batch", static_cast<std::int64_t>(spec.batch), {.min = 1, .max = 1024}));
  spec.queue_limit = static_cast<std::size_t>(node.integer_or(
      "queue_limit", static_cast<std::int64_t>(spec.queue_limit), {.min = 1, .max = 1e6}));
  spec.drop_expired = node.boolean_or("drop_expired", spec.drop_expired);
  node.reject_unknown();
  return spec;
}

}  // namespace rein
