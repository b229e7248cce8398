#include "agent/neural/learned_weights.hpp"

#include <vector>

#include "agent/neural/fused_kernels.hpp"

namespace rein {

void archive_row(Archive& archive, const std::string& key, const NetworkLayout& layout,
                 AlignedFloats& row) {
  auto packed = archive.is_reading() ? std::vector<float>() : layout.pack(row);
  archive.packed<float>(key, packed, layout.packed_size());
  if (archive.is_reading()) {
    row = layout.unpack(packed);
  }
}

void blend_weights(const AlignedFloats& source, float rate, AlignedFloats& target) {
  if (rate == 1.0F) {  // Not target + (source - target), which is rounded.
    target = source;
  } else {
    fused::blend(source.data(), target.data(), target.size(), rate);
  }
}

void LearnedWeights::archive(Archive& archive) {
  archive_row(archive, "weights", layout, weights);
  archive_row(archive, "means", layout, adam.means);
  archive_row(archive, "squares", layout, adam.squares);
  archive.count("steps", adam.steps);
}

}  // namespace rein
