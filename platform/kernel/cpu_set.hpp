#pragma once

#include <string>
#include <vector>

namespace rein {

/// CPU numbers in ascending order, each once.
using CpuList = std::vector<int>;

/// Reads the kernel's notation: "0-2,4". Blanks around it are allowed; empty text is an empty list.
/// @throws Error naming the text, if it is something else.
CpuList parse_cpu_list(const std::string& text);

/// The kernel's notation of `cpus`.
std::string format_cpu_list(const CpuList& cpus);

}  // namespace rein
