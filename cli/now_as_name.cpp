#include "cli/now_as_name.hpp"

#include <ctime>

namespace rein {

std::string now_as_name() {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  localtime_r(&now, &date);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &date);
  return text;
}

}  // namespace rein
