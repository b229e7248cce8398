/// NVIDIA's management library as the file says that the environment variable FAKE_NVML names,
/// which is read at every call:
///
///   {"init": 0, "cards": [{"address": "0000:01:00.0", "name": "NVIDIA H200", "energy": 1000,
///   ...}]}
///
/// A number of a card that is not there is not supported, and one below 0 is minus an error. What
/// was opened and closed, a line each, is in a file beside it that ends in `.calls`.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

constexpr int kUninitialized = 1;
constexpr int kInvalidArgument = 2;
constexpr int kNotSupported = 3;
constexpr int kNotFound = 6;

struct Utilization {
  unsigned gpu;
  unsigned memory;
};

struct Temperature {
  unsigned version;
  int sensor;
  int c;
};

struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned pci_device_id;
  unsigned pci_subsystem_id;
  char bus_id[32];
};

int open_count = 0;
std::size_t generation = 0;  ///< Handles are of the time since the library was opened.

std::string path() { return std::getenv("FAKE_NVML"); }

nlohmann::json script() {
  std::ifstream file(path());
  return nlohmann::json::parse(file);
}

void note(const std::string& line) {
  std::ofstream(path() + ".calls", std::ios::app) << line << '\n';
}

std::size_t num_lines() {
  std::ifstream file(path() + ".calls");
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) {
    ++count;
  }
  return count;
}

void* handle_of(std::size_t card) { return reinterpret_cast<void*>(1000 * generation + card + 1); }

/// The number that is called `key`.
template <typename Number>
int answer(void* card, const std::string& key, Number* number) {
  if (open_count == 0) {
    return kUninitialized;
  }
  const auto cards = script().at("cards");
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (handle_of(i) == card) {
      const auto lost = cards[i].value("lost", 0);
      const auto value = cards[i].value(key, static_cast<std::int64_t>(-kNotSupported));
      if (lost != 0 || value < 0) {
        return lost != 0 ? lost : static_cast<int>(-value);
      }
      *number = static_cast<Number>(value);
      return 0;
    }
  }
  return kInvalidArgument;
}

int handle(std::size_t index, void** card) {
  const auto cards = script().at("cards");
  if (open_count == 0 || index >= cards.size()) {
    return open_count == 0 ? kUninitialized : kInvalidArgument;
  }
  note("card " + cards[index].at("address").get<std::string>());
  const int error = cards[index].value("closed", 0);
  if (error == 0) {
    *card = handle_of(index);
  }
  return error;
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
  if (const int error = script().value("init", 0); error != 0) {
    return error;
  }
  note("init");
  if (open_count++ == 0) {
    generation = num_lines();
  }
  return 0;
}

int nvmlShutdown() {
  if (open_count == 0) {
    return kUninitialized;
  }
  --open_count;
  note("shutdown");
  return 0;
}

const char* nvmlErrorString(int result) {
  switch (result) {
    case kNotSupported:
      return "Not Supported";
    case 4:
      return "Insufficient Permissions";
    case kNotFound:
      return "Not Found";
    case 9:
      return "Driver Not Loaded";
    case 15:
      return "GPU is lost";
    case 18:
      return "Driver/library version mismatch";
    default:
      return "Unknown Error";
  }
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(script().at("cards").size());
  return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** card) { return handle(index, card); }

int nvmlDeviceGetHandleByPciBusId_v2(const char* address, void** card) {
  const auto cards = script().at("cards");
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (cards[i].at("address") == address) {
      return handle(i, card);
    }
  }
  return kNotFound;
}

int nvmlDeviceGetPciInfo_v3(void* card, PciInfo* info) {
  const auto cards = script().at("cards");
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (handle_of(i) == card) {
      const std::string address = cards[i].at("address");
      return std::sscanf(address.c_str(), "%x:%x:%x", &info->domain, &info->bus, &info->device) == 3
                 ? 0
                 : kInvalidArgument;
    }
  }
  return kInvalidArgument;
}

int nvmlDeviceGetName(void* card, char* name, unsigned length) {
  const auto cards = script().at("cards");
  for (std::size_t i = 0; i < cards.size(); ++i) {
    if (handle_of(i) == card && cards[i].contains("name")) {
      std::strncpy(name, cards[i].at("name").get<std::string>().c_str(), length);
      return 0;
    }
  }
  return kNotSupported;
}

int nvmlDeviceGetPowerManagementLimitConstraints(void* card, unsigned* least, unsigned* greatest) {
  *least = 0;
  return answer(card, "limit", greatest);
}

int nvmlDeviceGetPowerUsage(void* card, unsigned* power) { return answer(card, "power", power); }

int nvmlDeviceGetClockInfo(void* card, int clock, unsigned* frequency) {
  const char* const keys[] = {"graphics", "sm", "memory", "video"};
  return clock >= 0 && clock < 4 ? answer(card, keys[clock], frequency) : kInvalidArgument;
}

int nvmlDeviceGetUtilizationRates(void* card, Utilization* utilization) {
  utilization->memory = 77;
  return answer(card, "busy", &utilization->gpu);
}

#ifdef FAKE_NVML_IS_OLD
int nvmlDeviceGetTemperature(void* card, int sensor, unsigned* temperature) {
  return sensor == 0 ? answer(card, "temperature", temperature) : kInvalidArgument;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void* card, unsigned long long* reasons) {
  return answer(card, "reasons", reasons);
}
#else
int nvmlDeviceGetTemperatureV(void* card, Temperature* temperature) {
  return temperature->version == 0x0100000C && temperature->sensor == 0
             ? answer(card, "temperature", &temperature->c)
             : kInvalidArgument;
}

int nvmlDeviceGetCurrentClocksEventReasons(void* card, unsigned long long* reasons) {
  return answer(card, "reasons", reasons);
}

int nvmlDeviceGetTotalEnergyConsumption(void* card, unsigned long long* energy) {
  return answer(card, "energy", energy);
}
#endif

}  // extern "C"
