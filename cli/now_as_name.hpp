#pragma once

#include <string>

namespace rein {

/// Date and time as a part of a file's name: "20261123-101530".
std::string now_as_name();

}  // namespace rein
