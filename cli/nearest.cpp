#include "cli/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace rein {

namespace {

/// Optimal string alignment (Damerau 1964, Levenshtein 1966).
std::size_t count_slips(const std::string& one, const std::string& other) {
  std::vector<std::vector<std::size_t>> slips(one.size() + 1,
                                              std::vector<std::size_t>(other.size() + 1));
  for (std::size_t i = 0; i <= one.size(); ++i) {
    for (std::size_t j = 0; j <= other.size(); ++j) {
      if (i == 0 || j == 0) {
        slips[i][j] = i + j;
        continue;
      }
      slips[i][j] = std::min({slips[i - 1][j] + 1, slips[i][j - 1] + 1,
                              slips[i - 1][j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) {
        slips[i][j] = std::min(slips[i][j], slips[i - 2][j - 2] + 1);
      }
    }
  }
  return slips.back().back();
}

}  // namespace

std::string nearest_of(const std::vector<std::string>& words, const std::string& typed) {
  constexpr std::size_t kLongest = 100;
  if (typed.size() < 2 || typed.size() > kLongest) {
    return "";
  }
  std::string nearest;
  std::size_t fewest = std::max<std::size_t>(1, typed.size() / 3) + 1;
  for (const auto& word : words) {
    const std::size_t slips = word.starts_with(typed) ? 1 : count_slips(word, typed);
    if (slips < fewest) {
      nearest = word;
      fewest = slips;
    }
  }
  return nearest;
}

std::string did_you_mean(const std::vector<std::string>& words, const std::string& typed) {
  const std::string word = nearest_of(words, typed);
  return word.empty() ? "" : fmt::format(" (did you mean '{}'?)", word);
}

}  // namespace rein
