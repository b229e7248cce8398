#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/sensors/energy_window.hpp"
#include "platform/sensors/nvml.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

class SysfsRoot;

/// Addresses of the graphics cards of NVIDIA's that the kernel lists ("0000:01:00.0"), ascending.
std::vector<std::string> find_nvidia_cards(const SysfsRoot& root);

/// Power, temperature, clocks, load and what throttles of NVIDIA's cards, as NVML tells them:
/// `power_w.gpu`, or of several cards `power_w.gpu_0000_01_00.0`. Nothing is set.
///
/// A card whose calls take long is asked less often, and keeps what it said meanwhile: all cards
/// together take at most a twentieth of the time. One that is lost has no values, and is let go of,
/// so that it can be reset; it is looked for again and again, less and less often.
class NvmlSensor final : public Sensor {
 public:
  /// No signals, and nothing missing, where there is neither a card nor a driver. A card that
  /// sleeps is left asleep, unless it `wakes` them. The names that `others` have are not taken.
  /// The calls of `root` and the clock, by which calls are timed, must outlive this.
  NvmlSensor(const SysfsRoot& root, const Clock& clock, bool wakes,
             const std::vector<Signal>& others, std::vector<Missing>& missing);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

 private:
  struct Answer {
    bool is_offered = true;  ///< Else it was not at first, and is never asked for again.
    NvmlResult result = NvmlResult::kUninitialized;
    std::int64_t number = 0;

    bool is_there() const { return is_offered && result == NvmlResult::kSuccess; }
  };
  using Answers = std::array<Answer, kNumCardNumbers>;
  /// A signal and how it is made of a number.
  struct Channel {
    CardNumber what;
    std::int64_t mask;  ///< The signal is whether one of these bits is set; 0: it is the number,
    double divisor;     ///< over this.
    double max;         ///< Plausible.
    std::size_t signal;
  };
  struct Card {
    std::string address;
    std::string name;
    Nvml::Device device = nullptr;  ///< Null: it is lost.
    Answers answers{};
    std::vector<Channel> channels;
    std::vector<Measurement> said;  ///< A channel each, at asked_at.
    TimePoint asked_at{};
    Duration took{};
    TimePoint due{};  ///< When it is asked next.
    TimePoint retry_at{};
    Duration patience{};
    EnergyWindow energy;
    std::optional<std::int64_t> energy_mj;
    std::optional<std::int64_t> power_mw;
    TimePoint power_moved_at{};
  };

  void add_card(const std::string& address, std::vector<Missing>& missing);
  void add_signals(Card& card, const std::string& name, bool is_the_gpu,
                   std::vector<Missing>& missing);
  /// Opens the library anew, and finds the cards that are not to be left alone for now.
  void connect(TimePoint now);
  void lose(Card& card, const std::string& why, TimePoint now);
  void ask(Card& card, TimePoint now);
  void read(Card& card) const;
  /// Why nothing more is to be had of the card; nothing if it is well.
  std::optional<NvmlResult> loss_of(const Card& card) const;
  Measurement measure(Card& card, const Channel& channel) const;
  Measurement measure_power(Card& card, const Channel& channel) const;
  Measurement judge(const Channel& channel, double value) const;
  Measurement trouble(const Channel& channel, const std::string& what) const;

  SystemCalls& calls_;
  const Clock& clock_;
  std::unique_ptr<Nvml> nvml_;
  std::vector<Card> cards_;
  std::vector<Signal> signals_;
};

}  // namespace rein
