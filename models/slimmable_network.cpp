#include "models/slimmable_network.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include "common/error.hpp"
#include "models/module.hpp"

namespace rein {
namespace {

/// A network on another device than the CPU, as long as that lasts.
class DeviceCopy {
 public:
  DeviceCopy(const DeviceBackEnd& on, std::vector<BackEnd::Level> levels)
      : device_(on.device), obstacle_(on.obstacle) {
    if (on.back_end != nullptr) {
      name_ = on.back_end->name();
      attempt([&] { runner_ = on.back_end->make_runner(std::move(levels)); });
    }
  }

  const std::string& device() const { return device_; }
  const std::string& obstacle() const { return obstacle_; }  ///< Empty: none.
  std::string description() const {
    return obstacle_.empty() ? fmt::format("; {}, f32", name_) : "";
  }

  void set_threads(int threads) {
    attempt([&] { runner_->set_threads(threads); });
  }
  void prepare(std::size_t level, std::size_t batch) {
    attempt([&] { runner_->prepare(level, batch); });
  }
  /// @return whether it has answered.
  bool run(std::size_t level, std::span<const std::uint8_t> images, std::span<float> logits) {
    return attempt([&] { runner_->run(level, images, logits); });
  }

 private:
  /// What has failed once is not tried again, but kept: a device that is lost gives nothing back.
  template <typename Act>
  bool attempt(const Act& act) {
    if (!obstacle_.empty()) {
      return false;
    }
    try {
      act();
      return true;
    } catch (const std::bad_alloc&) {
      obstacle_ = "its memory is full";
    } catch (const std::exception& error) {  // Whatever a driver's library throws.
      obstacle_ = error.what();
    }
    return false;
  }

  std::string device_;
  std::string name_;
  std::string obstacle_;
  std::unique_ptr<Runner> runner_;
};

class ServedNetwork final : public SlimmableNetwork {
 public:
  ServedNetwork(const SlimmableCheckpoint& checkpoint, const BackEnd& back_end,
                const std::vector<LevelChoice>& choices, const std::vector<DeviceBackEnd>& devices)
      : image_size_(checkpoint.channels * checkpoint.height * checkpoint.width),
        classes_(checkpoint.class_names.size()) {
    std::vector<BackEnd::Level> levels;
    std::vector<std::string> names;
    for (const auto& choice : choices) {
      if (std::ranges::find(names, precision_name(choice.precision)) == names.end()) {
        names.push_back(precision_name(choice.precision));
      }
      levels_.push_back(choice.level);
      levels.push_back({fold(checkpoint, choice.width), choice.precision});
    }
    description_ = fmt::format("{}, {}", back_end.name(), fmt::join(names, " and "));
    for (const auto& device : devices) {
      std::vector<BackEnd::Level> copied = levels;
      for (auto& level : copied) {
        level.precision = Precision::kF32;
      }
      description_ += copies_.emplace_back(device, std::move(copied)).description();
    }
    runner_ = back_end.make_runner(std::move(levels));
    runner_->set_threads(1);
  }

  const std::vector<NetworkLevel>& levels() const override { return levels_; }
  const std::string& description() const override { return description_; }
  std::size_t image_size() const override { return image_size_; }

  std::optional<std::string> obstacle(const std::string& device) const override {
    const auto copy = std::ranges::find(copies_, device, &DeviceCopy::device);
    if (copy == copies_.end()) {
      return SlimmableNetwork::obstacle(device);
    }
    return copy->obstacle().empty() ? std::nullopt : std::optional(copy->obstacle());
  }

  void prepare(const ComputePlace& place, std::size_t batch) override {
    set_place(place);
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      try {
        make_room(batch);
        runner_->prepare(level, batch);
      } catch (const std::bad_alloc&) {
        throw Error(
            fmt::format("the network: expected memory for requests of {} images at its "
                        "level {}, found too little",
                        batch, levels_[level].name));
      }
      if (copy_ != nullptr) {
        copy_->prepare(level, batch);
      }
    }
  }

  void set_level(std::size_t level) override {
    if (level >= levels_.size()) {
      throw std::out_of_range("the network has no level " + std::to_string(level));
    }
    level_ = level;
  }

  void set_place(const ComputePlace& place) override {
    assert(place.threads >= 1);
    const auto copy = std::ranges::find(copies_, place.device, &DeviceCopy::device);
    copy_ = copy == copies_.end() ? nullptr : &*copy;
    // The CPU's, too: it goes on where another device fails.
    runner_->set_threads(place.threads);
    if (copy_ != nullptr) {
      copy_->set_threads(place.threads);
    }
  }

  void infer(std::span<const std::uint8_t> images, std::span<int> predictions) override {
    assert(images.size() == predictions.size() * image_size_);
    make_room(predictions.size());
    asked_ = predictions.size();
    const std::span<float> scores(logits_.data(), asked_ * classes_);
    if (asked_ > 0 && (copy_ == nullptr || !copy_->run(level_, images, scores))) {
      runner_->run(level_, images, scores);
    }
    for (std::size_t i = 0; i < asked_; ++i) {
      const auto of_image = scores.subspan(i * classes_, classes_);
      predictions[i] = static_cast<int>(std::ranges::max_element(of_image) - of_image.begin());
    }
  }

  std::span<const float> logits() const override { return {logits_.data(), asked_ * classes_}; }

 private:
  void make_room(std::size_t batch) {
    if (logits_.size() < batch * classes_) {
      logits_.resize(batch * classes_);
    }
  }

  std::vector<NetworkLevel> levels_;
  std::string description_;
  std::size_t image_size_;
  std::size_t classes_;
  std::unique_ptr<Runner> runner_;  ///< On the CPU.
  std::vector<DeviceCopy> copies_;
  DeviceCopy* copy_ = nullptr;  ///< That is to compute; null: the CPU.
  std::size_t level_ = 0;
  std::size_t asked_ = 0;      ///< Images of the last infer().
  std::vector<float> logits_;  ///< At least [asked_ x classes_].
};

std::string name_level(double width, Precision precision) {
  const std::string name = level_name(width);
  return precision == Precision::kF32 ? name : name + "-" + precision_name(precision);
}

constexpr double kTestImages = 10000.0;

}  // namespace

std::vector<BackEnd::Speed> choose_speeds(const BackEnd& back_end,
                                          const std::vector<Precision>& precisions) {
  auto speeds = back_end.speeds();
  if (precisions.empty()) {
    return speeds;
  }
  std::vector<BackEnd::Speed> wanted;
  for (const Precision precision : precisions) {
    const auto found = std::ranges::find(speeds, precision, &BackEnd::Speed::precision);
    if (found == speeds.end()) {
      std::vector<std::string> names;
      std::ranges::transform(speeds, std::back_inserter(names),
                             [](const auto& speed) { return precision_name(speed.precision); });
      throw ConfigError(fmt::format(
          "precision: expected one that {} has instructions for on this machine ({}), found {}",
          back_end.name(), fmt::join(names, ", "), precision_name(precision)));
    }
    wanted.push_back(*found);
  }
  return wanted;
}

const std::vector<std::string>& back_end_names() {
#if defined(__x86_64__)
  static const std::vector<std::string> names = {"onednn", "xnnpack", "torch"};
#else
  static const std::vector<std::string> names = {"xnnpack", "torch"};
#endif
  return names;
}

const BackEnd& load_back_end(const std::string& name) {
  const std::string& module = name.empty() ? back_end_names().front() : name;
  if (const BackEnd* const found = load_engine_module(module).back_end()) {
    return *found;
  }
  throw ConfigError(fmt::format("expected a {} that can be used here, found none", module));
}

DeviceBackEnd find_device_back_end(const std::string& device) {
  try {
    return {.device = device, .back_end = &load_back_end(device)};
  } catch (const ConfigError& error) {
    return {.device = device, .obstacle = error.what()};
  }
}

std::vector<LevelChoice> all_levels(const SlimmableCheckpoint& checkpoint,
                                    const std::vector<BackEnd::Speed>& speeds) {
  std::vector<LevelChoice> levels;
  for (std::size_t i = 0; i < checkpoint.widths.size(); ++i) {
    const SlimmableWidth& width = checkpoint.widths[i];
    for (const auto& [precision, cost] : speeds) {
      const auto accuracy = width.accuracy_top1.find(precision);
      if (accuracy != width.accuracy_top1.end()) {
        levels.push_back({.width = i,
                          .precision = precision,
                          .level = {.name = name_level(width.width, precision),
                                    .width = width.width,
                                    .accuracy_top1 = accuracy->second},
                          .work = multiply_adds(checkpoint, width.width) * cost});
      }
    }
  }
  std::ranges::stable_sort(levels, {}, &LevelChoice::work);
  return levels;
}

std::vector<LevelChoice> choose_levels(const SlimmableCheckpoint& checkpoint,
                                       const std::vector<BackEnd::Speed>& speeds) {
  std::vector<LevelChoice> kept;
  for (LevelChoice& candidate : all_levels(checkpoint, speeds)) {
    const double accuracy = candidate.level.accuracy_top1;
    const double error = std::sqrt(accuracy * (1.0 - accuracy) / kTestImages);
    if (kept.empty() || accuracy - kept.back().level.accuracy_top1 > error) {
      kept.push_back(std::move(candidate));
    }
  }
  const bool by_width = std::ranges::all_of(
      kept, [&](const LevelChoice& each) { return each.precision == kept.front().precision; });
  for (LevelChoice& each : kept) {
    if (by_width) {
      each.level.name = level_name(each.level.width);
    } else {
      // Both channels in and out grow with the width.
      each.level.width = std::sqrt(each.work / kept.back().work);
    }
  }
  return kept;
}

std::unique_ptr<SlimmableNetwork> make_slimmable_network(const SlimmableCheckpoint& checkpoint,
                                                         const EngineOptions& options) {
  const BackEnd& back_end = load_back_end(options.back_end);
  const auto choices = choose_levels(checkpoint, choose_speeds(back_end, options.precisions));
  if (choices.empty()) {
    throw ConfigError(
        "network.precision: expected one that the checkpoint has an accuracy for, found none "
        "(`rein "
        "network calibrate` measures them)");
  }
  std::vector<DeviceBackEnd> devices;
  std::ranges::transform(options.devices, std::back_inserter(devices), find_device_back_end);
  return make_slimmable_network(checkpoint, back_end, choices, devices);
}

std::unique_ptr<SlimmableNetwork> make_slimmable_network(
    const SlimmableCheckpoint& checkpoint, const BackEnd& back_end,
    const std::vector<LevelChoice>& levels, const std::vector<DeviceBackEnd>& devices) {
  return std::make_unique<ServedNetwork>(checkpoint, back_end, levels, devices);
}

std::unique_ptr<Engine> load_slimmable_network(const std::filesystem::path& checkpoint,
                                               const EngineOptions& options) {
  return make_slimmable_network(read_checkpoint(checkpoint), options);
}

}  // namespace rein
