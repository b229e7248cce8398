#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/co_runners/co_runner.hpp"
#include "platform/co_runners/co_runner_group.hpp"
#include "platform/kernel/cpu_set.hpp"

namespace rein {

/// A program that shares the machine with the managed network.
struct CoRunnerCommand {
  std::string name;                 ///< For messages.
  std::vector<std::string> argv;    ///< Never empty; run without a shell.
  CpuList cpus;                     ///< That it is pinned to; empty: wherever we may run.
  std::optional<std::string> user;  ///< Whom it runs as; needs root unless it is us.
};

/// One real co-runner, started and stopped any number of times.
///
/// The constructor forks a supervisor process, so make it before there are threads, and before a
/// LinuxPlatform moves this process into a control group. The supervisor sends SIGTERM, and 300 ms
/// later SIGKILL to whatever is left of the command, daemons that it made included. It does the
/// same when this process ends, by SIGKILL too; and if the supervisor is killed, its keeper does.
/// If both are, what detached itself is in the control group, if there is one, and dies by that:
/// through this object, or if that is gone too, through CoRunnerLeftovers. Used from one thread.
class CoRunnerProcess final : public CoRunner {
 public:
  /// An executable by its name in PATH or by its path, made absolute; nothing if there is none.
  static std::optional<std::filesystem::path> resolve_command(const std::string& command);

  /// `group_parents`: where a control group for it may be made, as CoRunnerGroup::parents() says.
  /// @throws Error if there is no such command or user, or the kernel allows no more processes.
  explicit CoRunnerProcess(const CoRunnerCommand& command,
                           const std::vector<std::filesystem::path>& group_parents = {});
  /// Stops the command and waits until nothing is left of it: 300 ms or less as a rule, 7 s at
  /// most.
  ~CoRunnerProcess() override;
  CoRunnerProcess(const CoRunnerProcess&) = delete;
  CoRunnerProcess& operator=(const CoRunnerProcess&) = delete;

  void start() override;
  void stop() override;
  /// False between start() and the supervisor's word that it runs, a few ms later.
  bool running() override;
  std::string trouble() override;

  /// After start() and before the next: the command's exit status, 128 + signal if it was killed;
  /// nothing while it runs or if it was stopped.
  std::optional<int> exit_status();
  /// Whether a stop() has not come to its end yet.
  bool stopping();
  /// Its control group; null if it has none.
  const CoRunnerGroup* group() const { return group_.get(); }
  /// Readable when there is news of the command. For poll().
  int descriptor() const { return connection_; }

 private:
  enum class Phase { kStopped, kStarting, kRunning, kEnded, kStopping };

  void order(bool start);
  /// Takes in the news, without blocking.
  void update();
  void lose_supervisor();

  CoRunnerCommand command_;
  std::unique_ptr<CoRunnerGroup> group_;  ///< Null where none can be made.
  int connection_ = -1;
  pid_t keeper_ = -1;
  Phase phase_ = Phase::kStopped;
  std::uint32_t generation_ = 0;
  std::optional<int> exit_status_;
  std::string trouble_;
};

}  // namespace rein
