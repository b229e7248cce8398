#include "env/network_worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include "common/error.hpp"
#include "common/random.hpp"

namespace rein {
namespace {

ComputePlace compute_place(const Place& place) {
  return {.device = place.device, .threads = place.threads};
}

}  // namespace

NetworkWorker::NetworkWorker(Engine& engine, const ImageSet& images, std::size_t batch)
    : engine_(engine), images_(images), predictions_(batch) {
  if (images.count() < batch) {
    throw ConfigError(fmt::format("requests: expected at least {} images for a batch, found {}",
                                  batch, images.count()));
  }
  if (images.image_size() != engine.image_size()) {
    throw ConfigError(fmt::format("images: expected {} pixels as the network takes, found {}",
                                  engine.image_size(), images.image_size()));
  }
}

void NetworkWorker::prepare(std::uint64_t seed, const std::vector<Place>& places) {
  const std::size_t batch = predictions_.size();
  next_image_ = Random(seed).index(images_.count() - batch + 1);
  std::set<ComputePlace> differing;
  std::ranges::transform(places, std::inserter(differing, differing.end()), compute_place);
  for (const auto& place : differing) {
    engine_.prepare(place, batch);
    // The widest touches all memory that the others use.
    engine_.set_level(engine_.levels().size() - 1);
    engine_.infer(images_.images(0, batch), predictions_);
  }
}

void NetworkWorker::set_place(const Place& place) { engine_.set_place(compute_place(place)); }

std::size_t NetworkWorker::serve(std::size_t images, Duration) {
  if (next_image_ + images > images_.count()) {
    next_image_ = 0;
  }
  const std::span<int> predictions = std::span(predictions_).first(images);
  engine_.infer(images_.images(next_image_, images), predictions);
  std::size_t right = 0;
  for (std::size_t i = 0; i < images; ++i) {
    right += predictions[i] == images_.labels[next_image_ + i] ? 1 : 0;
  }
  next_image_ += images;
  return right;
}

}  // namespace rein
