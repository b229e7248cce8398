#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/kernel/missing.hpp"

namespace rein {

/// What a temperature is of, as its kind says.
enum class HeatSource {
  kProcessor,  ///< The CPU, or the chip that it is a part of.
  kCard,       ///< A graphics card of its own.
  kUnknown,    ///< The name says nothing: "acpitz".
  kElsewhere,  ///< Memory modules, disks, radios, batteries, the skin, inputs of a monitoring chip.
};

/// By the label of a channel, in any vendor's words.
HeatSource heat_source_of(std::string_view label);
/// By the type of a thermal zone, whose GPU is a part of the chip.
HeatSource heat_source_of_zone(std::string_view type);
/// By the name of a hwmon driver; kUnknown: its channels have to say.
HeatSource heat_source_of_chip(std::string_view driver);

/// Which temperatures count for the hottest one, as a board file says.
struct HeatChoice {
  std::vector<std::string> zones;   ///< These and no others; may hold `*`. Empty: by their kind.
  std::vector<std::string> ignore;  ///< Never these; may hold `*`.
};

/// A signal `temperature_c.<name>`.
struct Temperature {
  std::string name;
  HeatSource source = HeatSource::kUnknown;
};

/// Which of them count: those of the processor, and of cards if the board has `uses_cards`; if
/// there are none, those whose names say nothing. `choice` goes before all that. What of it is not
/// there, and a machine without any, is added to `missing`.
std::vector<bool> choose_heat(const std::vector<Temperature>& temperatures,
                              const HeatChoice& choice, bool uses_cards,
                              std::vector<Missing>& missing);

}  // namespace rein
