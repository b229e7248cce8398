#pragma once

#include <cstdint>

namespace rein {

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): neighbours become far apart.
constexpr std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// Of one of many things that are drawn for a purpose, so that none has to do with another.
constexpr std::uint64_t mixed_seed(std::uint64_t purpose, std::uint64_t seed, std::uint64_t index) {
  return mixed(mixed(mixed(purpose) ^ seed) ^ index);
}

}  // namespace rein
