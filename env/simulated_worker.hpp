#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/random.hpp"
#include "env/request_worker.hpp"
#include "env/service_noise.hpp"
#include "env/simulated_network.hpp"
#include "platform/simulated/simulated_board.hpp"

namespace rein {

/// A network on a simulated board: its level, and what the board is to do for a request.
class BoardWorker : public RequestWorker {
 public:
  /// `board` must outlive the worker. @param batch  the images of a request.
  /// @throws Error if the board does not know the network's kind of work.
  BoardWorker(SimulatedBoard& board, const SimulatedNetwork& network, std::size_t batch);

  const std::vector<NetworkLevel>& levels() const override { return levels_; }
  void set_level(std::size_t level) override;
  void set_place(const Place&) override {}  // The platform tells the board.

 protected:
  /// Another worker's level, and what its next request pays for it; the board has its work already.
  void follow(const BoardWorker& other);
  void forget_level();
  /// Serves a request that takes `factor` times as long as the model says.
  void execute(double factor);
  double accuracy_top1() const { return levels_[*level_].accuracy_top1; }

 private:
  SimulatedBoard& board_;
  std::vector<NetworkLevel> levels_;
  std::vector<Work> works_;  ///< [levels]
  double switch_s_ = 0.0;
  std::optional<std::size_t> level_;
  double switching_s_ = 0.0;  ///< What the next request pays for a new level.
};

/// Serves with the noise of the board: each request takes another time.
class SimulatedWorker final : public BoardWorker {
 public:
  SimulatedWorker(SimulatedBoard& board, const SimulatedNetwork& network, std::size_t batch,
                  const LatencyNoise& noise);

  void prepare(std::uint64_t seed, const std::vector<Place>& places) override;
  std::size_t serve(std::size_t images, Duration time_left) override;

 private:
  ServiceNoise factor_;
  Random random_{0};
  double right_ = 0.0;  ///< Images classified rightly that have not been counted yet, below 1.
};

}  // namespace rein
