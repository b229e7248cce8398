#include "common/random.hpp"

#include <cmath>
#include <sstream>

#include "common/error.hpp"

namespace rein {

double Random::uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

std::size_t Random::index(std::size_t n) {
  // Rejection keeps the draw exactly uniform.
  const std::uint64_t limit = std::mt19937_64::max() - std::mt19937_64::max() % n;
  std::uint64_t draw = engine_();
  while (draw >= limit) {
    draw = engine_();
  }
  return static_cast<std::size_t>(draw % n);
}

double Random::bell() {
  // The four parts of one draw, each of 16 bits.
  const std::uint64_t draw = engine_();
  const std::uint64_t sum =
      (draw & 0xffff) + (draw >> 16 & 0xffff) + (draw >> 32 & 0xffff) + (draw >> 48);
  // Each part, as a share of 2^16, has a variance of 1/12.
  constexpr double kMean = 2.0 * 65535.0;
  constexpr double kScale = 1.7320508075688772 / 65536.0;
  return (static_cast<double>(sum) - kMean) * kScale;
}

double Random::exponential(double mean) { return -mean * std::log1p(-uniform()); }

std::string Random::save() const {
  std::ostringstream text;
  text << engine_;
  return text.str();
}

void Random::load(const std::string& state) {
  std::istringstream text(state);
  std::mt19937_64 engine;
  if (!(text >> engine)) {
    throw Error("random generator: expected the 313 numbers that save() wrote, found '" +
                state.substr(0, 20) + "...'");
  }
  engine_ = engine;
}

}  // namespace rein
