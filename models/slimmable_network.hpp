#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/back_end.hpp"
#include "models/engine.hpp"
#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// How a checkpoint is to be run.
struct EngineOptions {
  std::string back_end;  ///< On the CPU, as for load_back_end().
  /// On which it is to be able to run beside the CPU: "gpu".
  std::vector<std::string> devices = {};
  /// Those to choose levels of; all that the machine has instructions for, if empty.
  std::vector<Precision> precisions;
};

/// The modules that run networks on CPUs, the one for this kind of processor first.
const std::vector<std::string>& back_end_names();

/// @param name  one of back_end_names(), the first if empty; or "gpu".
/// @throws ConfigError as load_engine_module(), or if there is no GPU.
const BackEnd& load_back_end(const std::string& name);

/// What runs the copy of a network on another device than the CPU.
struct DeviceBackEnd {
  std::string device;
  const BackEnd* back_end = nullptr;
  std::string obstacle = "";  ///< Why there is none.
};
/// Loads a library, if it is there.
DeviceBackEnd find_device_back_end(const std::string& device);

/// A width and a precision of a checkpoint.
struct LevelChoice {
  std::size_t width = 0;  ///< Number.
  Precision precision = Precision::kF32;
  NetworkLevel level;
  double work = 0.0;  ///< Of an image: multiply-adds, times the cost of the precision.
};

/// Of those that the machine has instructions for the ones that are asked for; all if none is.
/// @throws ConfigError if it has none for one of them.
std::vector<BackEnd::Speed> choose_speeds(const BackEnd& back_end,
                                          const std::vector<Precision>& precisions);

/// Every width in every one of these precisions that the checkpoint has an accuracy for, ascending
/// in cost.
std::vector<LevelChoice> all_levels(const SlimmableCheckpoint& checkpoint,
                                    const std::vector<BackEnd::Speed>& speeds);

/// Of those, the ones that are worth having, ascending in cost: none costs as much as another or
/// more and is no more accurate. Accuracies within a standard error, of 10,000 test images, count
/// as the same.
///
/// @param speeds  of the precisions to choose from; the costs are multiply-adds times their cost,
/// so
///                that the same machine has the same levels each time. Where all that are left have
///                one precision they are named by their widths alone, so that other machines' fit.
std::vector<LevelChoice> choose_levels(const SlimmableCheckpoint& checkpoint,
                                       const std::vector<BackEnd::Speed>& speeds);

/// A slimmable network as it serves.
class SlimmableNetwork : public Engine {
 public:
  /// Of the last infer(): [batch x classes]. Valid until the next one.
  virtual std::span<const float> logits() const = 0;
};

/// @throws ConfigError if the machine lacks the instructions for a precision that is asked for, or
/// the checkpoint has no accuracy for any.
std::unique_ptr<SlimmableNetwork> make_slimmable_network(const SlimmableCheckpoint& checkpoint,
                                                         const EngineOptions& options = {});

/// The same for given levels of one back end. Every device has a copy of the weights, the CPU too;
/// on another device all levels are computed in f32.
std::unique_ptr<SlimmableNetwork> make_slimmable_network(
    const SlimmableCheckpoint& checkpoint, const BackEnd& back_end,
    const std::vector<LevelChoice>& levels, const std::vector<DeviceBackEnd>& devices = {});

/// Reads a checkpoint and makes a network of it. @throws ConfigError also as read_checkpoint().
std::unique_ptr<Engine> load_slimmable_network(const std::filesystem::path& checkpoint,
                                               const EngineOptions& options);

}  // namespace rein
