#include "platform/co_runners/co_runner_process.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "common/error.hpp"
#include "platform/co_runners/co_runner_supervisor.hpp"

namespace rein {

namespace {

constexpr std::chrono::seconds kExitPatience{5};

bool is_executable(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

/// Whom the command runs as, looked up before the fork.
struct User {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  std::string home;
  std::vector<std::string> environment;  ///< What a login would give.
};

/// Ours, with what belongs to one user taken from `entry` or left out. What is ours alone, such as
/// the agent of our keys or the session's bus, is not for somebody else.
std::vector<std::string> environment_of(const passwd& entry) {
  const std::string shell = entry.pw_shell;
  std::vector<std::string> environment{
      fmt::format("HOME={}", entry.pw_dir), fmt::format("USER={}", entry.pw_name),
      fmt::format("LOGNAME={}", entry.pw_name),
      fmt::format("SHELL={}", shell.empty() ? "/bin/sh" : shell),
      fmt::format("PATH=/usr/local/bin:/usr/bin:/bin{}",
                  entry.pw_uid == 0 ? ":/usr/local/sbin:/usr/sbin:/sbin" : "")};
  for (const char* name : {"LANG", "LC_ALL", "TERM", "TZ"}) {
    if (const char* value = std::getenv(name)) {
      environment.push_back(fmt::format("{}={}", name, value));
    }
  }
  return environment;
}

User find_user(const CoRunnerCommand& command) {
  errno = 0;
  const passwd* entry = getpwnam(command.user->c_str());
  if (entry == nullptr) {
    const int error = errno;
    // How the libraries say that there is none differs.
    if (error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO) {
      throw Error(fmt::format("co-runner {}: cannot look up the user '{}': {}", command.name,
                              *command.user, std::strerror(error)));
    }
    throw Error(fmt::format("co-runner {}: expected a user of this machine, found '{}'",
                            command.name, *command.user));
  }
  User user{.user = entry->pw_uid,
            .group = entry->pw_gid,
            .groups = {},
            .home = entry->pw_dir,
            .environment = environment_of(*entry)};
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  while (getgrouplist(command.user->c_str(), user.group, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<std::size_t>(count));
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

std::string describe_failure(SupervisorEvent::Kind kind, const CoRunnerCommand& command,
                             int error) {
  const char* reason = std::strerror(error);
  switch (kind) {
    case SupervisorEvent::Kind::kPinFailed:
      return fmt::format("cannot be pinned to CPUs {}: {}", format_cpu_list(command.cpus), reason);
    case SupervisorEvent::Kind::kUserFailed:
      return fmt::format("cannot run as '{}': {}", command.user.value_or(""), reason);
    case SupervisorEvent::Kind::kExecFailed:
      return fmt::format("cannot run '{}': {}", command.argv.front(), reason);
    default:
      return fmt::format("cannot fork: {}", reason);
  }
}

}  // namespace

std::optional<std::filesystem::path> CoRunnerProcess::resolve_command(const std::string& command) {
  if (command.find('/') != std::string::npos) {
    return is_executable(command) ? std::optional(std::filesystem::absolute(command))
                                  : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; !command.empty() && std::getline(folders, folder, ':');) {
    const auto file = std::filesystem::absolute(folder.empty() ? "." : folder) / command;
    if (is_executable(file)) {
      return file;
    }
  }
  return std::nullopt;
}

CoRunnerProcess::CoRunnerProcess(const CoRunnerCommand& command,
                                 const std::vector<std::filesystem::path>& group_parents)
    : command_(command) {
  const auto path = command.argv.empty() ? std::nullopt : resolve_command(command.argv.front());
  if (!path) {
    throw Error(fmt::format("co-runner {}: expected a command that can be run, found '{}'",
                            command.name, command.argv.empty() ? "" : command.argv.front()));
  }
  std::vector<char*> argv;
  for (auto& word : command_.argv) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);

  SupervisorPlan plan{.path = path->c_str(), .argv = argv.data(), .environment = environ};
  plan.num_cpus = command.cpus.size();
  CPU_ZERO(&plan.cpus);
  for (const int cpu : command.cpus) {
    CPU_SET(cpu, &plan.cpus);
  }
  User user;
  std::vector<char*> environment;
  if (command.user) {
    user = find_user(command);
    plan.drops_user = user.user != geteuid();
    plan.user = user.user;
    plan.group = user.group;
    plan.groups = user.groups.data();
    plan.num_groups = user.groups.size();
  }
  if (plan.drops_user) {
    for (auto& variable : user.environment) {
      environment.push_back(variable.data());
    }
    environment.push_back(nullptr);
    plan.environment = environment.data();
    plan.home = user.home.c_str();
  }

  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw Error(fmt::format("co-runner {}: no socket: {}", command.name, std::strerror(errno)));
  }
  connection_ = ends[0];
  plan.connection = ends[1];
  group_ = CoRunnerGroup::make(group_parents);
  plan.cgroup = group_.get();
  keeper_ = fork();
  if (keeper_ == 0) {
    supervise(plan);
  }
  const int error = errno;
  close(ends[1]);
  if (keeper_ < 0) {
    close(connection_);
    throw Error(fmt::format("co-runner {}: cannot fork: {}", command.name, std::strerror(error)));
  }
}

CoRunnerProcess::~CoRunnerProcess() {
  // The supervisor takes the end of the orders as the last one; its own end and its keeper's are
  // the answer.
  shutdown(connection_, SHUT_WR);
  const auto deadline = std::chrono::steady_clock::now() + kExitPatience;
  bool ended = false;
  while (!ended) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd source{connection_, POLLIN, 0};
    if (left.count() <= 0 || poll(&source, 1, static_cast<int>(left.count())) == 0) {
      kill(keeper_, SIGKILL);
      break;
    }
    SupervisorEvent event{};
    const ssize_t count = recv(connection_, &event, sizeof(event), MSG_DONTWAIT);
    ended = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
  }
  close(connection_);
  while (waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void CoRunnerProcess::order(bool start) {
  ++generation_;
  exit_status_.reset();
  trouble_.clear();
  phase_ = start ? Phase::kStarting : Phase::kStopping;
  const SupervisorOrder order{start ? SupervisorOrder::Kind::kStart : SupervisorOrder::Kind::kStop,
                              generation_};
  if (send(connection_, &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    lose_supervisor();
  }
}

void CoRunnerProcess::lose_supervisor() {
  phase_ = Phase::kStopped;
  trouble_ = "its supervisor is gone";
  if (group_) {
    group_->kill_all();
  }
}

void CoRunnerProcess::start() {
  update();
  if (phase_ != Phase::kStarting && phase_ != Phase::kRunning) {
    order(/*start=*/true);
  }
}

void CoRunnerProcess::stop() {
  update();
  // A command that has ended may have left daemons behind.
  if (phase_ != Phase::kStopped && phase_ != Phase::kStopping) {
    order(/*start=*/false);
  }
}

void CoRunnerProcess::update() {
  SupervisorEvent event{};
  ssize_t count = 0;
  while ((count = recv(connection_, &event, sizeof(event), MSG_DONTWAIT)) == sizeof(event)) {
    if (event.generation != generation_) {
      continue;
    }
    std::string problem;
    switch (event.kind) {
      case SupervisorEvent::Kind::kStarted:
        phase_ = Phase::kRunning;
        break;
      case SupervisorEvent::Kind::kEnded:
        phase_ = Phase::kEnded;
        exit_status_ =
            WIFSIGNALED(event.value) ? 128 + WTERMSIG(event.value) : WEXITSTATUS(event.value);
        if (*exit_status_ != 0) {
          problem = fmt::format("ended with exit status {}", *exit_status_);
        }
        break;
      case SupervisorEvent::Kind::kStopped:
        phase_ = Phase::kStopped;
        if (event.value != 0) {
          problem = "has left processes that cannot be killed";
        }
        break;
      default:
        phase_ = Phase::kStopped;
        problem = describe_failure(event.kind, command_, event.value);
    }
    if (!problem.empty()) {
      trouble_ = problem;
    }
  }
  if (count == 0) {
    lose_supervisor();
  }
}

bool CoRunnerProcess::running() {
  update();
  return phase_ == Phase::kRunning;
}

std::string CoRunnerProcess::trouble() {
  update();
  return trouble_;
}

std::optional<int> CoRunnerProcess::exit_status() {
  update();
  return exit_status_;
}

bool CoRunnerProcess::stopping() {
  update();
  return phase_ == Phase::kStopping;
}

}  // namespace rein
