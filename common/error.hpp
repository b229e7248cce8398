#pragma once

#include <stdexcept>
#include <string>

namespace rein {

/// Something that a user or the kernel did wrong while running; exit status 1.
///
/// The message is one line: which thing (a path, a name), what was found, what was expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What this process or the machine ran out of while looking at something: descriptors, memory.
/// Nothing was found out, so that it is no Error, which says of what was looked at that it is
/// missing or wrong; exit status 1.
class ResourceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A mistake in a configuration or input file; exit status 3.
///
/// The message reads `file:line:column: dotted.key: expected ..., found ...`.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// A mistake on the command line that the parser cannot see; exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace rein
