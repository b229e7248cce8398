#pragma once

#include <string_view>

namespace rein::suite {

// Files of configs/ that the build put into the program: see boards.cmake.
extern const std::string_view kJetsonNano;
extern const std::string_view kJetsonOrinNx;
extern const std::string_view kJetsonXavierNx;
extern const std::string_view kOdroidXuThree;
extern const std::string_view kPc;
extern const std::string_view kRaspberryPiFour;
extern const std::string_view kRecording;  ///< A CSV of arrivals.

}  // namespace rein::suite
