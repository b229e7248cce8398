#pragma once

#include "env/request_worker.hpp"
#include "models/image_set.hpp"

namespace rein {

/// Classifies the images of a set, over and over, with a real network.
class NetworkWorker final : public RequestWorker {
 public:
  /// Both must outlive the worker. @param batch  the images of a request, at most.
  /// @throws Error if the set has fewer images than a batch, or of another size than the network
  ///         takes.
  NetworkWorker(Engine& engine, const ImageSet& images, std::size_t batch);

  const std::vector<NetworkLevel>& levels() const override { return engine_.levels(); }
  std::string description() const override { return engine_.description(); }
  std::optional<std::string> obstacle(const std::string& device) const override {
    return engine_.obstacle(device);
  }
  void set_level(std::size_t level) override { engine_.set_level(level); }
  void set_place(const Place& place) override;
  /// Prepares every level for every place, and serves one request there: the first is slow (kernels
  /// are compiled, threads made), which is nobody's decision to be blamed for.
  void prepare(std::uint64_t seed, const std::vector<Place>& places) override;
  std::size_t serve(std::size_t images, Duration time_left) override;

 private:
  Engine& engine_;
  const ImageSet& images_;
  std::size_t next_image_ = 0;
  std::vector<int> predictions_;  ///< [batch]
};

}  // namespace rein
