#include "env/network_worker.hpp"

#include <fmt/format.h>

#include <set>
#include <span>

#include "common/error.hpp"
#include "common/random.hpp"

namespace rein {

NetworkWorker::NetworkWorker(ScalableNetwork& network, const ImageSet& images, std::size_t batch)
    : network_(network), images_(images), predictions_(batch) {
  if (images.count() < batch) {
    throw ConfigError(fmt::format("requests: expected at least {} images for a batch, found {}",
                                  batch, images.count()));
  }
  if (images.image_size() != network.image_size()) {
    throw ConfigError(fmt::format("images: expected {} pixels as the network takes, found {}",
                                  network.image_size(), images.image_size()));
  }
}

void NetworkWorker::prepare(std::uint64_t seed, const std::vector<Place>& places) {
  const std::size_t batch = predictions_.size();
  next_image_ = Random(seed).index(images_.count() - batch + 1);
  std::set<int> thread_counts;
  for (const auto& place : places) {
    thread_counts.insert(place.threads);
  }
  for (const int threads : thread_counts) {
    network_.set_threads(threads);
    for (std::size_t level = 0; level < network_.levels().size(); ++level) {
      network_.set_level(level);
      network_.infer(images_.images(0, batch), predictions_);
    }
  }
}

std::size_t NetworkWorker::serve(std::size_t images, Duration) {
  if (next_image_ + images > images_.count()) {
    next_image_ = 0;
  }
  const std::span<int> predictions = std::span(predictions_).first(images);
  network_.infer(images_.images(next_image_, images), predictions);
  std::size_t right = 0;
  for (std::size_t i = 0; i < images; ++i) {
    right += predictions[i] == images_.labels[next_image_ + i] ? 1 : 0;
  }
  next_image_ += images;
  return right;
}

}  // namespace rein
