#include "platform/sensors/nvml.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "platform/kernel/system_calls.hpp"

namespace rein {

namespace {

constexpr const char* kLibrary = "libnvidia-ml.so.1";
constexpr double kMwPerW = 1e3;

// NVML_CLOCK_SM, NVML_CLOCK_MEM and NVML_TEMPERATURE_GPU.
constexpr int kClockOfSm = 1;
constexpr int kClockOfMemory = 2;
constexpr int kSensorOfGpu = 0;

/// Under the first of the names that the library has.
template <typename Function>
bool look_up(void* library, Function*& function, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    if (function != nullptr) {
      return true;
    }
  }
  return false;
}

/// What the loader says, without the name of the library.
std::string loader_error() {
  const char* const said = dlerror();
  std::string text = said == nullptr ? "cannot be loaded" : said;
  const std::string begin = fmt::format("{}: ", kLibrary);
  return text.starts_with(begin) ? text.substr(begin.size()) : text;
}

}  // namespace

/// Null is what a library may lack: it is older than the function, or has dropped it.
struct Nvml::Functions {
  /// nvmlUtilization_t.
  struct Utilization {
    unsigned gpu_percent;
    unsigned memory_percent;
  };

  /// nvmlTemperature_v1_t.
  struct Temperature {
    unsigned version = sizeof(Temperature) | 1U << 24;  // NVML_STRUCT_VERSION.
    int sensor = kSensorOfGpu;
    int c = 0;
  };

  /// nvmlPciInfo_t, as nvmlDeviceGetPciInfo_v3 fills it.
  struct PciInfo {
    std::array<char, 16> bus_id_legacy;
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned pci_device_id;
    unsigned pci_subsystem_id;
    std::array<char, 32> bus_id;
  };

  static std::int64_t to_number(const Utilization& busy) { return busy.gpu_percent; }
  static std::int64_t to_number(const Temperature& temperature) { return temperature.c; }
  static std::int64_t to_number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

  int (*init)();
  int (*shutdown)();
  const char* (*error_string)(int result);
  int (*count)(unsigned* count);
  int (*by_index)(unsigned index, Device* card);
  int (*by_address)(const char* address, Device* card);
  int (*pci_info)(Device card, PciInfo* info);
  int (*name)(Device card, char* name, unsigned length);
  int (*limits_mw)(Device card, unsigned* least, unsigned* greatest);
  int (*energy_mj)(Device card, unsigned long long* energy);
  int (*power_mw)(Device card, unsigned* power);
  int (*temperature_c)(Device card, int sensor, unsigned* temperature);
  int (*temperature)(Device card, Temperature* temperature);  ///< What is to replace it.
  int (*clock_mhz)(Device card, int clock, unsigned* frequency);
  int (*utilization)(Device card, Utilization* utilization);
  int (*throttle_reasons)(Device card, unsigned long long* reasons);

  /// @return whether all is there without which nothing can be asked.
  bool look_up_in(void* library) {
    look_up(library, error_string, {"nvmlErrorString"});
    look_up(library, pci_info, {"nvmlDeviceGetPciInfo_v3"});
    look_up(library, name, {"nvmlDeviceGetName"});
    look_up(library, limits_mw, {"nvmlDeviceGetPowerManagementLimitConstraints"});
    look_up(library, energy_mj, {"nvmlDeviceGetTotalEnergyConsumption"});
    look_up(library, power_mw, {"nvmlDeviceGetPowerUsage"});
    look_up(library, temperature_c, {"nvmlDeviceGetTemperature"});
    look_up(library, temperature, {"nvmlDeviceGetTemperatureV"});
    look_up(library, clock_mhz, {"nvmlDeviceGetClockInfo"});
    look_up(library, utilization, {"nvmlDeviceGetUtilizationRates"});
    look_up(
        library, throttle_reasons,
        {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
    return look_up(library, init, {"nvmlInit_v2"}) &&
           look_up(library, shutdown, {"nvmlShutdown"}) &&
           look_up(library, count, {"nvmlDeviceGetCount_v2"}) &&
           look_up(library, by_index, {"nvmlDeviceGetHandleByIndex_v2"}) &&
           look_up(library, by_address, {"nvmlDeviceGetHandleByPciBusId_v2"});
  }
};

std::string remedy_of(NvmlResult result) {
  switch (result) {
    case NvmlResult::kNotSupported:
    case NvmlResult::kFunctionNotFound:
      return "go without it: the card, its driver or its mode (MIG) does not offer it";
    case NvmlResult::kNoPermission:
    case NvmlResult::kOperatingSystem:
      return "run as root, or give access to /dev/nvidiactl and the card's /dev/nvidia*";
    case NvmlResult::kDriverNotLoaded:
      return "load the driver: modprobe nvidia";
    case NvmlResult::kVersionMismatch:
      return "load the driver anew, or restart the machine: it is not of the library's version";
    case NvmlResult::kGpuIsLost:
    case NvmlResult::kResetRequired:
      return "nvidia-smi --gpu-reset, or restart the machine";
    default:
      return "look at what nvidia-smi and the kernel's log say";
  }
}

std::unique_ptr<Nvml> Nvml::open(SystemCalls& calls, Missing& obstacle) {
  void* const library = calls.open_library(kLibrary);
  if (library == nullptr) {
    obstacle = {kLibrary, loader_error(),
                "install it (Debian's package libnvidia-ml1), or let the container have it"};
    return nullptr;
  }
  auto functions = std::make_unique<Functions>();
  if (!functions->look_up_in(library)) {
    obstacle = {kLibrary, "lacks functions of NVIDIA's management library",
                "install the driver's own (Debian's package libnvidia-ml1)"};
    dlclose(library);
    return nullptr;
  }
  std::unique_ptr<Nvml> nvml(new Nvml(library, std::move(functions)));
  if (const NvmlResult result{nvml->functions_->init()}; result != NvmlResult::kSuccess) {
    nvml->functions_->shutdown = nullptr;
    obstacle = {kLibrary, nvml->text_of(result), remedy_of(result)};
    return nullptr;
  }
  return nvml;
}

Nvml::Nvml(void* library, std::unique_ptr<Functions> functions)
    : library_(library), functions_(std::move(functions)) {}

Nvml::~Nvml() {
  if (functions_->shutdown != nullptr) {
    functions_->shutdown();
  }
  dlclose(library_);
}

std::vector<std::string> Nvml::addresses() const {
  std::vector<std::string> addresses;
  unsigned count = 0;
  if (functions_->pci_info == nullptr || functions_->count(&count) != 0) {
    return addresses;
  }
  for (unsigned i = 0; i < count; ++i) {
    Device card = nullptr;
    Functions::PciInfo info{};
    if (functions_->by_index(i, &card) == 0 && functions_->pci_info(card, &info) == 0) {
      addresses.push_back(
          fmt::format("{:04x}:{:02x}:{:02x}.0", info.domain, info.bus, info.device));
    }
  }
  // Its own order may be another after a restart.
  std::ranges::sort(addresses);
  return addresses;
}

NvmlResult Nvml::find(const std::string& address, Device& card) const {
  return NvmlResult{functions_->by_address(address.c_str(), &card)};
}

std::string Nvml::name_of(Device card) const {
  constexpr unsigned kLength = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE.
  std::array<char, kLength> name{};
  const bool is_known =
      functions_->name != nullptr && functions_->name(card, name.data(), kLength - 1) == 0;
  return is_known && name[0] != '\0' ? name.data() : "NVIDIA card";
}

std::optional<double> Nvml::greatest_limit_w(Device card) const {
  unsigned least_mw = 0;
  unsigned greatest_mw = 0;
  if (functions_->limits_mw == nullptr ||
      functions_->limits_mw(card, &least_mw, &greatest_mw) != 0 || greatest_mw == 0) {
    return std::nullopt;
  }
  return greatest_mw / kMwPerW;
}

NvmlResult Nvml::read(CardNumber what, Device card, std::int64_t& number) const {
  const auto ask = [&number](auto value, auto* function, auto... arguments) {
    if (function == nullptr) {
      return NvmlResult::kFunctionNotFound;
    }
    const NvmlResult result{function(arguments..., &value)};
    number = Functions::to_number(value);
    return result;
  };
  const Functions& functions = *functions_;
  switch (what) {
    case CardNumber::kEnergyMj:
      return ask(0ULL, functions.energy_mj, card);
    case CardNumber::kPowerMw:
      return ask(0U, functions.power_mw, card);
    case CardNumber::kTemperatureC:
      return functions.temperature_c == nullptr
                 ? ask(Functions::Temperature{}, functions.temperature, card)
                 : ask(0U, functions.temperature_c, card, kSensorOfGpu);
    case CardNumber::kSmClockMhz:
      return ask(0U, functions.clock_mhz, card, kClockOfSm);
    case CardNumber::kMemoryClockMhz:
      return ask(0U, functions.clock_mhz, card, kClockOfMemory);
    case CardNumber::kBusyPercent:
      return ask(Functions::Utilization{}, functions.utilization, card);
    case CardNumber::kThrottleReasons:
      return ask(0ULL, functions.throttle_reasons, card);
  }
  return NvmlResult::kFunctionNotFound;
}

std::string Nvml::text_of(NvmlResult result) const {
  const char* const text = functions_->error_string == nullptr
                               ? nullptr
                               : functions_->error_string(static_cast<int>(result));
  return text == nullptr ? fmt::format("error {}", static_cast<int>(result)) : text;
}

}  // namespace rein
