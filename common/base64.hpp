#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

/// Bytes as text (RFC 4648, section 4, with padding).
std::string to_base64(std::span<const std::byte> bytes);
/// The bytes; nothing if `text` is not what to_base64() writes.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

/// Numbers as they are in memory, lowest byte first.
template <typename T>
std::string numbers_to_base64(std::span<const T> numbers) {
  return to_base64(std::as_bytes(numbers));
}

}  // namespace rein
