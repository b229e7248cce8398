#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "platform/co_runners/co_runner.hpp"
#include "platform/simulated/simulated_board.hpp"

namespace rein {

/// Another program on a simulated board.
class SimulatedCoRunner final : public CoRunner {
 public:
  /// `board` must outlive this. @param id  no other co-runner of the board has it.
  SimulatedCoRunner(SimulatedBoard& board, std::size_t id, ContentionProfile profile)
      : board_(board), id_(id), profile_(std::move(profile)) {}

  void start() override {
    if (!std::exchange(is_running_, true)) {
      board_.start(id_, profile_);
    }
  }
  void stop() override {
    if (std::exchange(is_running_, false)) {
      board_.stop(id_);
    }
  }
  bool running() override { return is_running_; }
  std::string trouble() override { return {}; }

 private:
  SimulatedBoard& board_;
  std::size_t id_;
  ContentionProfile profile_;
  bool is_running_ = false;
};

}  // namespace rein
