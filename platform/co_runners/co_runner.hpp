#pragma once

#include <string>

namespace rein {

/// Another program on the machine that a scenario starts and ends.
class CoRunner {
 public:
  virtual ~CoRunner() = default;
  /// Begins to run it; does not block. Nothing happens if it runs already.
  virtual void start() = 0;
  /// Ends it and all that it started; does not block. Nothing happens if it does not run.
  virtual void stop() = 0;
  /// Whether it runs now, as far as is known without blocking.
  virtual bool running() = 0;
  /// Why it could not be started or ended by itself with an error, without its name; empty if
  /// all is well.
  virtual std::string trouble() = 0;
};

}  // namespace rein
