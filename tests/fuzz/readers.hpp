#pragma once

#include <map>
#include <string>
#include <string_view>

namespace rein::fuzz {

/// Reads `bytes` as one kind of input file, and uses what was read as the program does. A mistake
/// in it may end in an Error of ours and in nothing else: no signal, no other exception, no number
/// that is not finite; and what can be written is read back as it was.
using Reader = void (*)(std::string_view bytes);

/// By the name of what they read: the folders of corpus/.
const std::map<std::string, Reader>& readers();

/// Calls the reader and takes the errors that it may end in. @return the error's message, empty if
/// there was none. @throws what it may not end in.
std::string read(Reader reader, std::string_view bytes);

}  // namespace rein::fuzz
