// For programs: docs/boards.md has the keys.
#include <nlohmann/json.hpp>
#include <utility>

#include "platform/probe/probe.hpp"

namespace rein {

namespace {

using nlohmann::json;

template <typename Number>
json or_null(const std::optional<Number>& number) {
  return number ? json(*number) : json();
}

json as_json(const DomainSpec& domain, const ProbedClock& clock) {
  return {{"name", domain.name},
          {"kind", kind_of(domain.interface)},
          {"path", clock.path},
          {"cpus", domain.cpus},
          {"opps_mhz", clock.opps_mhz},
          {"listed_mhz", clock.listed_mhz},
          {"opps_v", domain.opps_v},
          {"control", domain.control},
          {"takes_any", clock.takes_any},
          {"now_mhz", or_null(clock.now_mhz)},
          {"limit_mhz", or_null(clock.limit_mhz)},
          {"held", clock.is_held()},
          {"governor", clock.governor},
          {"driver", clock.driver}};
}

json as_json(const Place& place) {
  return {{"name", place.name},
          {"device", place.device},
          {"cpus", place.cpus},
          {"threads", place.threads},
          {"offline", place.offline}};
}

json as_json(const TripPoint& trip) {
  return {{"zone", trip.zone},
          {"kind", trip.kind},
          {"temperature_c", trip.temperature_c},
          {"hysteresis_c", trip.hysteresis_c}};
}

json as_json(const ProbedPmu& pmu) {
  return {{"name", pmu.name}, {"cpus", pmu.cpus}, {"events", pmu.events}};
}

json as_json(const ProbedControl& control) {
  return {{"name", control.name}, {"mechanism", control.mechanism}, {"path", control.path}};
}

json as_json(const LeftAlone& each) { return {{"device", each.device}, {"what", each.what}}; }

json as_json(const Missing& missing) {
  return {{"path", missing.path}, {"reason", missing.reason}, {"remedy", missing.remedy}};
}

json as_json(const Signal& signal, const Reading& reading) {
  return {{"name", signal.name},
          {"unit", signal.unit},
          {"source", signal.source},
          {"estimated", signal.estimated},
          {"is_heat", signal.is_heat},
          {"value", reading.valid ? json(reading.value) : json()},
          {"age_s", to_seconds(reading.age)},
          {"stale", reading.stale}};
}

template <typename Item>
json to_array(const std::vector<Item>& items) {
  json array = json::array();
  for (const auto& item : items) {
    array.push_back(as_json(item));
  }
  return array;
}

template <typename First, typename Second>
json to_array(const std::vector<First>& first, const std::vector<Second>& second) {
  json array = json::array();
  for (std::size_t i = 0; i < first.size(); ++i) {
    array.push_back(as_json(first[i], second[i]));
  }
  return array;
}

}  // namespace

std::string to_json(const ProbeReport& report) {
  const json document{{"name", report.board.name},
                      {"kernel", report.kernel},
                      {"cpus", report.board.cpus},
                      {"domains", to_array(report.board.domains, report.clocks)},
                      {"places", to_array(report.board.places)},
                      {"total_power", report.board.total_power},
                      {"trips", to_array(report.board.trips)},
                      {"throttling_now", report.throttling_now()},
                      {"controls", to_array(report.controls)},
                      {"signals", to_array(report.signals, report.readings)},
                      {"perf_event_paranoid", or_null(report.perf_event_paranoid)},
                      {"pmus", to_array(report.pmus)},
                      {"left_alone", to_array(report.left_alone)},
                      {"troubles", report.troubles},
                      {"missing", to_array(report.missing)}};
  // Names come from firmware, which need not know UTF-8.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace rein
