#include "bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/error.hpp"

namespace rein {

namespace {

constexpr std::size_t kPartner = 1;

template <typename Item>
std::size_t index_of(const std::vector<Item>& items, const std::string& name, const char* what) {
  const auto found = std::ranges::find(items, name, &Item::name);
  if (found == items.end()) {
    throw Error(fmt::format("expected a {} of the board, found '{}'", what, name));
  }
  return static_cast<std::size_t>(found - items.begin());
}

Board read_board(const std::filesystem::path& file) {
  const ConfigNode node = ConfigNode::load(file);
  Board board = Board::from_yaml(node);
  if (!board.simulation) {
    node.reject("expected a board file with `simulation`, found none");
  }
  return board;
}

}  // namespace

Bench::Bench(const std::filesystem::path& file) : spec_(read_board(file)), board_(spec_) { mark(); }

void Bench::set_place(const std::string& name) {
  board_.set_place(index_of(spec_.places, name, "place"));
}

void Bench::set_mhz(const std::string& domain, double mhz) {
  const std::size_t index = index_of(spec_.domains, domain, "domain");
  const auto& opps = spec_.domains[index].opps_mhz;
  const auto opp = std::ranges::find_if(opps, [mhz](double f) { return std::abs(f - mhz) < 0.5; });
  if (opp == opps.end()) {
    throw Error(fmt::format("expected an operating point of {}, found {} MHz", domain, mhz));
  }
  board_.set_opp(index, static_cast<std::size_t>(opp - opps.begin()));
}

void Bench::set_work(const std::string& kind, double mflops, double images,
                     double gpu_sensitivity) {
  Work work{.kind = board_.find_kind(kind), .mflops = mflops, .images = images, .sensitivity = {}};
  work.sensitivity.gpu = gpu_sensitivity;
  board_.set_work(work);
}

void Bench::set_partner(const ContentionProfile& profile) {
  leave_alone();
  board_.start(kPartner, profile);
  has_partner_ = true;
}

void Bench::leave_alone() {
  if (has_partner_) {
    board_.stop(kPartner);
    has_partner_ = false;
  }
}

void Bench::serve_until(double seconds) {
  const TimePoint end = TimePoint{} + from_seconds(seconds);
  while (board_.now() < end) {
    board_.execute(1.0);
    ++requests_;
  }
}

void Bench::rest_until(double seconds) { board_.idle_until(TimePoint{} + from_seconds(seconds)); }

double Bench::hottest_c() {
  board_.update();
  return board_.hottest_c();
}

void Bench::mark() {
  board_.update();
  mark_ = board_.now();
  mark_energy_j_ = board_.energy_j();
  mark_rail_energy_j_.clear();
  for (std::size_t i = 0; i < spec_.simulation->rails.size(); ++i) {
    mark_rail_energy_j_.push_back(board_.rail_energy_j(i));
  }
  requests_ = 0;
}

double Bench::power_w() {
  board_.update();
  return (board_.energy_j() - mark_energy_j_) / to_seconds(board_.now() - mark_);
}

double Bench::rail_power_w(const std::string& rail) {
  board_.update();
  const std::size_t index = index_of(spec_.simulation->rails, rail, "rail");
  return (board_.rail_energy_j(index) - mark_rail_energy_j_[index]) /
         to_seconds(board_.now() - mark_);
}

double Bench::rate_hz() {
  return static_cast<double>(requests_) / to_seconds(board_.now() - mark_);
}

}  // namespace rein
