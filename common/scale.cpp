#include "common/scale.hpp"

#include <fmt/format.h>

namespace rein {

std::string formula(const Scale& scale, std::string_view number) {
  const auto over = [](std::string_view text, double by) {
    return by == 1.0 ? std::string(text) : fmt::format("{} / {}", text, by);
  };
  const std::string ones = over(number, scale.one);
  const bool is_linear = scale.kind == Scale::Kind::kLinear;
  return over(
      is_linear ? ones
                : fmt::format("{}({})", scale.kind == Scale::Kind::kLog2 ? "log2" : "log10", ones),
      scale.divisor);
}

}  // namespace rein
