// What a build without LibTorch has in place of slimmable_network.cpp and slimmable_trainer.cpp.
#include "common/error.hpp"
#include "models/slimmable_network.hpp"
#include "models/slimmable_trainer.hpp"

namespace rein {
namespace {

[[noreturn]] void refuse() {
  throw ConfigError("this build has no LibTorch (REIN_WITH_TORCH=OFF)");
}

}  // namespace

bool has_libtorch() { return false; }

std::unique_ptr<ScalableNetwork> load_slimmable_network(const std::filesystem::path&) { refuse(); }

std::unique_ptr<SlimmableNetwork> make_packed_network(const SlimmableCheckpoint&, WeightLayout) {
  refuse();
}

std::unique_ptr<SlimmableNetwork> make_sliced_network(const SlimmableCheckpoint&) { refuse(); }

SlimmableCheckpoint train_slimmable_network(const DataSet&, const ImageSet&, const ImageSet&,
                                            const TrainingOptions&, const TrainingReport&) {
  refuse();
}

}  // namespace rein
