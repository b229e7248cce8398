#include "env/simulated_worker.hpp"

#include <utility>

namespace rein {

namespace {
/// Sets what is drawn here apart from what others draw from the same seed.
constexpr std::uint64_t kWorkerStream = 0x51a7e12c'00000002;
}  // namespace

BoardWorker::BoardWorker(SimulatedBoard& board, const SimulatedNetwork& network, std::size_t batch)
    : board_(board), switch_s_(network.switch_ms / 1e3) {
  const std::size_t kind = board.find_kind(network.kind);
  for (const auto& level : network.levels) {
    levels_.push_back(level.network);
    works_.push_back({.kind = kind,
                      .mflops = level.mflops,
                      .images = static_cast<double>(batch),
                      .sensitivity = network.sensitivity});
  }
}

void BoardWorker::set_level(std::size_t level) {
  if (level == level_) {
    return;
  }
  board_.set_work(works_.at(level));
  switching_s_ = level_ ? switch_s_ : 0.0;
  level_ = level;
}

void BoardWorker::follow(const BoardWorker& other) {
  level_ = other.level_;
  switching_s_ = other.switching_s_;
}

void BoardWorker::forget_level() {
  level_.reset();
  switching_s_ = 0.0;
}

void BoardWorker::execute(double factor) {
  board_.execute(factor, std::exchange(switching_s_, 0.0));
}

SimulatedWorker::SimulatedWorker(SimulatedBoard& board, const SimulatedNetwork& network,
                                 std::size_t batch, const LatencyNoise& noise)
    : BoardWorker(board, network, batch), factor_(noise) {}

void SimulatedWorker::prepare(std::uint64_t seed, const std::vector<Place>&) {
  forget_level();
  random_ = Random(seed ^ kWorkerStream);
  factor_.reset(random_);
  right_ = random_.uniform();
}

std::size_t SimulatedWorker::serve(std::size_t images, Duration) {
  execute(factor_.draw(random_));
  right_ += static_cast<double>(images) * accuracy_top1();
  const auto whole = static_cast<std::size_t>(right_);
  right_ -= static_cast<double>(whole);
  return whole;
}

}  // namespace rein
