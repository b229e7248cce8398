#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "models/scalable_network.hpp"
#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// Images in one request, unless the user says otherwise: some milliseconds at full width on one
/// core of a small server.
inline constexpr std::size_t kDefaultRequestImages = 24;

/// Whether this build has LibTorch. Without it, everything below and the training throw
/// ConfigError.
bool has_libtorch();

/// Reads a checkpoint and makes a packed network of it. @throws ConfigError as read_checkpoint().
std::unique_ptr<ScalableNetwork> load_slimmable_network(const std::filesystem::path& checkpoint);

/// A slimmable network that runs on LibTorch.
class SlimmableNetwork : public ScalableNetwork {
 public:
  /// Of the last infer(): [batch x classes]. Valid until the next one.
  virtual std::span<const float> logits() const = 0;
};

enum class WeightLayout {
  kOneDnn,  ///< The layout that oneDNN chose for this CPU; kPlain where LibTorch has no oneDNN.
  kPlain,   ///< Contiguous rows, for any build of LibTorch.
};

/// For serving: at construction each level's weights are sliced, the batch norms folded into them,
/// and the result packed; after that a level is an index. Costs memory for all widths (about 1.9
/// times the full network's) and a run of each level as a warm-up.
std::unique_ptr<SlimmableNetwork> make_packed_network(const SlimmableCheckpoint& checkpoint,
                                                      WeightLayout layout = WeightLayout::kOneDnn);

/// The plain way, which slices the weights in each infer(): the reference of the tests, and the
/// rival in `rein network benchmark`.
std::unique_ptr<SlimmableNetwork> make_sliced_network(const SlimmableCheckpoint& checkpoint);

}  // namespace rein
