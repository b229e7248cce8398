#pragma once

namespace rein {

/// What the program ends with; docs/configuration.md tells users.
enum ExitStatus {
  kDone = 0,
  kFailed = 1,         ///< While running, or what was asked for could not be printed.
  kUsage = 2,          ///< A mistake on the command line.
  kConfiguration = 3,  ///< A mistake in a configuration or input file.
  kInterrupted = 130,  ///< By Ctrl-C, with something left to do (128 + SIGINT, as shells say it).
  kReaderGone = 141,   ///< Nobody reads standard output any more (128 + SIGPIPE, likewise).
};

}  // namespace rein
