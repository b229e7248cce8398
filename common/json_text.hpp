#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rein {

/// As a file is to hold it. Paths, and errors that name them, need not be UTF-8, which is all that
/// JSON can hold: what is none becomes U+FFFD, where the library would throw.
template <typename Json>
std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace rein
