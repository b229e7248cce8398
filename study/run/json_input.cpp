#include "study/run/json_input.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"

namespace rein {

namespace {
constexpr int kMostLevels = 64;
}  // namespace

nlohmann::ordered_json parse_json(const std::string& text, const std::string& name) {
  using Json = nlohmann::ordered_json;
  const auto check = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostLevels) {
      throw ConfigError(
          fmt::format("{}: expected at most {} levels, found more", name, kMostLevels));
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    const std::size_t end = std::min(text.size(), error.byte > 0 ? error.byte - 1 : 0);
    const auto before = std::string_view(text).substr(0, end);
    const auto line_begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    throw ConfigError(fmt::format("{}:{}:{}: expected JSON, found a mistake", name,
                                  1 + std::ranges::count(before, '\n'), end - line_begin + 1));
  } catch (const Json::exception&) {
    throw ConfigError(fmt::format("{}: expected numbers that are finite, found others", name));
  }
}

}  // namespace rein
