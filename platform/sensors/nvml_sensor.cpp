#include "platform/sensors/nvml_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "platform/kernel/sysfs_root.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

constexpr std::string_view kDevices = "/sys/bus/pci/devices";
constexpr double kMjPerJ = 1e3;
/// The mean over a window is at most so much above what a card may be set to draw.
constexpr double kOverLimit = 2.0;
/// Asking takes at most one part in so many of the time.
constexpr int kShareOfTime = 20;
constexpr Duration kFirstPatience = std::chrono::seconds(1);
constexpr Duration kLongestPatience = std::chrono::minutes(1);

/// A signal of a card. Bits are those of nvmlClocksEventReasons (before: ...ThrottleReasons).
struct CardSignal {
  std::string_view quantity;
  std::string_view suffix;
  std::string_view what;
  CardNumber number;
  std::int64_t mask = 0;
  double divisor = 1.0;
};
constexpr std::array<CardSignal, 8> kSignals{{
    {"power_w", "", "power", CardNumber::kPowerMw, 0, 1e3},
    {"temperature_c", "", "temperature", CardNumber::kTemperatureC},
    {"frequency_mhz", "", "SM clock", CardNumber::kSmClockMhz},
    {"frequency_mhz", "_memory", "memory clock", CardNumber::kMemoryClockMhz},
    {"load_share", "", "utilisation", CardNumber::kBusyPercent, 0, 100.0},
    // SwPowerCap, HwPowerBrakeSlowdown.
    {"throttled", "_power", "power cap", CardNumber::kThrottleReasons, 0x04 | 0x80},
    // SwThermalSlowdown, HwThermalSlowdown.
    {"throttled", "_heat", "thermal slowdown", CardNumber::kThrottleReasons, 0x20 | 0x40},
    // HwSlowdown: either, or too high a current.
    {"throttled", "_hardware", "hardware slowdown", CardNumber::kThrottleReasons, 0x08},
}};

std::string signal_name(const CardSignal& signal, const std::string& card) {
  return fmt::format("{}.{}{}", signal.quantity, card, signal.suffix);
}

bool has(const std::vector<Signal>& signals, const std::string& name) {
  return std::ranges::find(signals, name, &Signal::name) != signals.end();
}

/// One is the `gpu`; each of several carries its address, and so does one where a GPU of the
/// chip's has that name.
std::vector<std::string> name_cards(std::vector<SensorName> cards,
                                    const std::vector<Signal>& others) {
  const std::size_t count = cards.size();
  if (std::ranges::any_of(kSignals, [&others](const CardSignal& signal) {
        return has(others, signal_name(signal, "gpu"));
      })) {
    cards.push_back({"gpu", ""});
  }
  auto names = unique_names(cards);
  names.resize(count);
  return names;
}

/// Takes out those that asking would wake, and tells of them.
void leave_asleep(const SysfsRoot& root, std::vector<std::string>& addresses,
                  std::vector<Missing>& missing) {
  std::erase_if(addresses, [&](const std::string& address) {
    const std::string power = fmt::format("{}/{}/power", kDevices, address);
    if (root.try_read(power + "/runtime_status") != "suspended") {
      return false;
    }
    missing.push_back({power + "/runtime_status",
                       "holds 'suspended': the card sleeps, and asking would wake it",
                       fmt::format("wake it (echo on > {}/control), or give the board file a place "
                                   "with `device: gpu`",
                                   power)});
    return true;
  });
}

/// Whether what was answered at first may be answered otherwise later.
bool is_offered(NvmlResult result) {
  return result != NvmlResult::kNotSupported && result != NvmlResult::kFunctionNotFound &&
         result != NvmlResult::kNoPermission;
}

bool is_loss(NvmlResult result) {
  switch (result) {
    case NvmlResult::kUninitialized:
    case NvmlResult::kNotFound:
    case NvmlResult::kDriverNotLoaded:
    case NvmlResult::kGpuIsLost:
    case NvmlResult::kResetRequired:
    case NvmlResult::kVersionMismatch:
    case NvmlResult::kGpuNotFound:
      return true;
    default:
      return false;
  }
}

template <typename Answers>
auto& answer_of(Answers& answers, CardNumber what) {
  return answers[static_cast<std::size_t>(what)];
}

}  // namespace

std::vector<std::string> find_nvidia_cards(const SysfsRoot& root) {
  std::vector<std::string> addresses;
  for (const auto& address : root.list(std::string(kDevices))) {
    const std::string device = fmt::format("{}/{}", kDevices, address);
    // Of a display controller, not of the card's sound or a chip's bridge.
    if (root.try_read(device + "/vendor") == "0x10de" &&
        root.try_read(device + "/class").value_or("").starts_with("0x03")) {
      addresses.push_back(address);
    }
  }
  std::ranges::sort(addresses);
  return addresses;
}

NvmlSensor::NvmlSensor(const SysfsRoot& root, const Clock& clock, bool wakes,
                       const std::vector<Signal>& others, std::vector<Missing>& missing)
    : calls_(root.calls()), clock_(clock) {
  auto addresses = find_nvidia_cards(root);
  const bool are_listed = !addresses.empty();
  if (!wakes) {
    leave_asleep(root, addresses, missing);
  }
  if (are_listed && addresses.empty()) {
    return;
  }
  Missing obstacle;
  nvml_ = Nvml::open(calls_, obstacle);
  if (!nvml_) {
    if (are_listed || root.exists("/proc/driver/nvidia")) {
      missing.push_back(std::move(obstacle));
    }
    return;
  }
  // In some containers the kernel lists none.
  for (const auto& address : are_listed ? addresses : nvml_->addresses()) {
    add_card(address, missing);
  }
  std::vector<SensorName> places;
  for (const auto& card : cards_) {
    places.push_back({"gpu", card.address});
  }
  const auto names = name_cards(std::move(places), others);
  const bool is_the_gpu =
      cards_.size() == 1 && names.front() == "gpu" && !has(others, "gpu_load_share");
  for (std::size_t i = 0; i < cards_.size(); ++i) {
    add_signals(cards_[i], names[i], is_the_gpu, missing);
  }
  std::erase_if(cards_, [](const Card& card) { return card.channels.empty(); });
  if (cards_.empty()) {
    nvml_.reset();
  }
}

void NvmlSensor::add_card(const std::string& address, std::vector<Missing>& missing) {
  Card card{.address = address, .patience = kFirstPatience};
  if (const auto result = nvml_->find(address, card.device); result != NvmlResult::kSuccess) {
    missing.push_back({fmt::format("{}/{}", kDevices, address),
                       fmt::format("cannot be asked: {}", nvml_->text_of(result)),
                       remedy_of(result)});
    return;
  }
  card.name = nvml_->name_of(card.device);
  read(card);
  for (auto& answer : card.answers) {
    answer.is_offered = is_offered(answer.result);
  }
  cards_.push_back(std::move(card));
}

void NvmlSensor::add_signals(Card& card, const std::string& name, bool is_the_gpu,
                             std::vector<Missing>& missing) {
  const bool counts_energy = answer_of(card.answers, CardNumber::kEnergyMj).is_offered;
  for (const auto& signal : kSignals) {
    const bool is_power = signal.number == CardNumber::kPowerMw;
    const Answer& answer = answer_of(card.answers, signal.number);
    if (!answer.is_offered && !(is_power && counts_energy)) {
      missing.push_back({signal_name(signal, name),
                         fmt::format("NVML, {}: {}", card.name, nvml_->text_of(answer.result)),
                         remedy_of(answer.result)});
      continue;
    }
    const bool is_load = signal.number == CardNumber::kBusyPercent;
    signals_.push_back(
        make_signal(is_load && is_the_gpu ? "gpu_load_share" : signal.quantity,
                    is_load && is_the_gpu ? "" : fmt::format("{}{}", name, signal.suffix),
                    fmt::format("NVML, {}, {}", card.name,
                                is_power && counts_energy ? "energy" : signal.what)));
    double max = quantity_of(signal.quantity).max;
    if (const auto limit_w = nvml_->greatest_limit_w(card.device); is_power && limit_w) {
      max = std::min(max, kOverLimit * *limit_w);
    }
    card.channels.push_back({.what = signal.number,
                             .mask = signal.mask,
                             .divisor = signal.divisor,
                             .max = max,
                             .signal = signals_.size() - 1});
  }
  card.said.resize(card.channels.size());
}

void NvmlSensor::connect(TimePoint now) {
  nvml_.reset();  // Whoever resets a card has to wait until nobody holds it.
  const auto is_wanted = [now](const Card& card) { return card.retry_at <= now; };
  if (std::ranges::none_of(cards_, is_wanted)) {
    return;
  }
  Missing obstacle;
  nvml_ = Nvml::open(calls_, obstacle);
  for (auto& card : cards_) {
    if (!is_wanted(card)) {
      continue;
    }
    card.device = nullptr;
    if (!nvml_) {
      lose(card, obstacle.reason, now);
    } else if (const auto result = nvml_->find(card.address, card.device);
               result != NvmlResult::kSuccess) {
      lose(card, nvml_->text_of(result), now);
    }
  }
}

void NvmlSensor::lose(Card& card, const std::string& why, TimePoint now) {
  card.device = nullptr;
  card.due = {};
  card.took = {};
  card.retry_at = now + card.patience;
  card.patience = std::min(2 * card.patience, kLongestPatience);
  card.energy.restart();
  card.energy_mj.reset();
  card.power_mw.reset();
  card.asked_at = now;
  // The same of all, so that it is told once.
  std::ranges::fill(
      card.said,
      Measurement{.value = {}, .age = {}, .problem = fmt::format("NVML, {}: {}", card.name, why)});
}

void NvmlSensor::read(Card& card) const {
  for (std::size_t i = 0; i < kNumCardNumbers; ++i) {
    if (Answer& answer = card.answers[i]; answer.is_offered) {
      answer.result = nvml_->read(static_cast<CardNumber>(i), card.device, answer.number);
    }
  }
}

std::optional<NvmlResult> NvmlSensor::loss_of(const Card& card) const {
  const auto lost = std::ranges::find_if(card.answers, [](const Answer& answer) {
    return answer.is_offered && is_loss(answer.result);
  });
  if (lost != card.answers.end()) {
    return lost->result;
  }
  if (std::ranges::none_of(card.answers, &Answer::is_there)) {
    return answer_of(card.answers, card.channels.front().what).result;
  }
  return std::nullopt;
}

void NvmlSensor::ask(Card& card, TimePoint now) {
  const TimePoint begin = clock_.now();
  read(card);
  const Duration took = clock_.now() - begin;
  // Once is chance: this process was not running, or the card had to wake up.
  card.due = now + std::min(took, card.took) * kShareOfTime * static_cast<int>(cards_.size());
  card.took = took;
  card.asked_at = now;
}

void NvmlSensor::sample(const SampleContext& context, std::vector<Measurement>& measurements) {
  const TimePoint now = context.now;
  if (std::ranges::any_of(cards_, [now](const Card& card) {
        return card.device == nullptr && card.retry_at <= now;
      })) {
    connect(now);
  }
  bool is_one_lost = false;
  for (auto& card : cards_) {
    const bool is_due = now >= card.due || now < card.asked_at;
    if (card.device == nullptr || !is_due) {
      continue;
    }
    ask(card, now);
    if (const auto loss = loss_of(card)) {
      lose(card, nvml_->text_of(*loss), now);
      is_one_lost = true;
      continue;
    }
    card.patience = kFirstPatience;
    card.retry_at = {};
    for (std::size_t i = 0; i < card.channels.size(); ++i) {
      card.said[i] = measure(card, card.channels[i]);
    }
  }
  if (is_one_lost) {
    connect(now);
  }
  for (const auto& card : cards_) {
    for (const auto& said : card.said) {
      measurements.push_back(said);
      measurements.back().age = std::max(now - card.asked_at, Duration::zero());
    }
  }
}

Measurement NvmlSensor::measure(Card& card, const Channel& channel) const {
  if (channel.what == CardNumber::kPowerMw) {
    return measure_power(card, channel);
  }
  const Answer& answer = answer_of(card.answers, channel.what);
  if (!answer.is_there()) {
    return trouble(channel, nvml_->text_of(answer.result));
  }
  if (channel.mask != 0) {
    return {.value = (answer.number & channel.mask) != 0 ? 1.0 : 0.0, .age = {}, .problem = {}};
  }
  // Whole degrees may well stay as they are: nothing here is stuck.
  return judge(channel, static_cast<double>(answer.number) / channel.divisor);
}

Measurement NvmlSensor::measure_power(Card& card, const Channel& channel) const {
  const Answer& energy = answer_of(card.answers, CardNumber::kEnergyMj);
  const Answer& power = answer_of(card.answers, CardNumber::kPowerMw);
  if (power.is_there() && std::exchange(card.power_mw, power.number) != power.number) {
    card.power_moved_at = card.asked_at;
  }
  std::optional<double> mean_w;
  if (energy.is_there()) {
    const auto before = std::exchange(card.energy_mj, energy.number);
    if (before && energy.number < *before) {
      card.energy.restart();
      card.energy.mean_w(card.asked_at, static_cast<double>(energy.number) / kMjPerJ);
      return trouble(channel, fmt::format("expected a count that grows, found {} mJ after {}",
                                          energy.number, *before));
    }
    mean_w = card.energy.mean_w(card.asked_at, static_cast<double>(energy.number) / kMjPerJ);
  } else {
    card.energy.restart();
    card.energy_mj.reset();
  }
  if (mean_w && *mean_w > 0.0) {
    Measurement measurement = judge(channel, *mean_w);
    if (!measurement.value) {
      card.energy.restart();
    }
    return measurement;
  }
  if (!power.is_there()) {
    return mean_w              ? trouble(channel, fmt::format("has not moved for {:.0f} ms",
                                                              to_milliseconds(EnergyWindow::kLength)))
           : energy.is_there() ? Measurement{}
                               : trouble(channel, nvml_->text_of(power.result));
  }
  const double unmoved_s = to_seconds(card.asked_at - card.power_moved_at);
  if (power.number != 0 && unmoved_s >= quantity_of("power_w").stuck_after_s) {
    return {.value = {},
            .age = {},
            .problem =
                fmt::format("NVML, {}, power: has not changed for {:.0f} s", card.name, unmoved_s)};
  }
  return judge(channel, static_cast<double>(power.number) / channel.divisor);
}

Measurement NvmlSensor::judge(const Channel& channel, double value) const {
  const Quantity& quantity = quantity_of(signals_[channel.signal].name);
  if (const auto problem = implausible(quantity, quantity.min, channel.max, value);
      !problem.empty()) {
    return trouble(channel, problem);
  }
  return {.value = value, .age = {}, .problem = {}};
}

Measurement NvmlSensor::trouble(const Channel& channel, const std::string& what) const {
  return {.value = {},
          .age = {},
          .problem = fmt::format("{}: {}", signals_[channel.signal].source, what)};
}

}  // namespace rein
