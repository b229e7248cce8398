#include "models/network_accuracy.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace rein {

double measure_top1(Engine& network, const ImageSet& images, std::size_t count) {
  assert(images.image_size() == network.image_size());
  assert(count > 0 && count <= images.count());
  constexpr std::size_t kBatch = 100;
  std::vector<int> predictions;
  std::size_t right = 0;
  for (std::size_t first = 0; first < count; first += kBatch) {
    predictions.resize(std::min(kBatch, count - first));
    network.infer(images.images(first, predictions.size()), predictions);
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      right += predictions[i] == images.labels[first + i] ? 1 : 0;
    }
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

}  // namespace rein
