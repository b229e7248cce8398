#include "platform/giving_back/machine_lock.hpp"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>

#include "common/error.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_tree.hpp"

namespace rein {
namespace {

constexpr uid_t kNobody = 65534;

bool is_root() {
  if (geteuid() != 0) {
    DOCTEST_MESSAGE("SKIPPED: only root can be two users");
    return false;
  }
  return true;
}

/// Runs until the object goes, as another user, once it has done something.
class OtherUser {
 public:
  explicit OtherUser(const std::function<void()>& act) {
    std::array<int, 2> ready{};
    std::array<int, 2> end{};
    DOCTEST_REQUIRE((pipe(ready.data()) == 0 && pipe(end.data()) == 0));
    process_ = fork();
    if (process_ == 0) {
      close(end[1]);
      char word = setresuid(kNobody, kNobody, kNobody) == 0 ? 'y' : 'n';
      try {
        act();
      } catch (const Error&) {
        word = 'n';
      }
      [[maybe_unused]] ssize_t ignored = write(ready[1], &word, 1);
      ignored = read(end[0], &word, 1);
      _exit(0);
    }
    close(ready[1]);
    close(end[0]);
    char word = 'n';
    did_it_ = read(ready[0], &word, 1) == 1 && word == 'y';
    close(ready[0]);
    end_ = end[1];
  }
  ~OtherUser() {
    close(end_);
    waitpid(process_, nullptr, 0);
  }
  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;

  bool did_it() const { return did_it_; }
  pid_t process() const { return process_; }

 private:
  pid_t process_;
  int end_;
  bool did_it_;
};

/// A tree that others may look into.
struct OpenTree {
  OpenTree() { chmod(tree.path().c_str(), 0755); }
  test::TemporaryTree tree;
};

}  // namespace

DOCTEST_TEST_CASE("a user who holds the lock's name does not keep root out, and root is told") {
  if (!is_root()) {
    return;
  }
  const OpenTree open;
  const OtherUser user([&] { new MachineLock(open.tree.root()); });
  DOCTEST_REQUIRE(user.did_it());
  const MachineLock lock(open.tree.root());
  DOCTEST_CHECK(
      lock.notice().starts_with("process " + std::to_string(user.process()) + " of user 65534"));
}

DOCTEST_TEST_CASE("not even where root can make no file for its lock") {
  if (!is_root()) {
    return;
  }
  const OpenTree open;
  open.tree.write("/run", "a file, not a folder");
  const OtherUser user([&] { new MachineLock(open.tree.root()); });
  DOCTEST_REQUIRE(user.did_it());
  DOCTEST_CHECK_NOTHROW(MachineLock(open.tree.root()));
}

DOCTEST_TEST_CASE("a user is kept out by root, and by another user") {
  if (!is_root()) {
    return;
  }
  const OpenTree open;
  const auto try_it = [&] { const MachineLock lock(open.tree.root()); };
  {
    const MachineLock lock(open.tree.root());
    DOCTEST_CHECK_FALSE(OtherUser(try_it).did_it());
  }
  DOCTEST_CHECK(OtherUser(try_it).did_it());
  const OtherUser user([&] { new MachineLock(open.tree.root()); });
  DOCTEST_CHECK_FALSE(OtherUser(try_it).did_it());
}

DOCTEST_TEST_CASE("root's lock is no file or folder that somebody else put there") {
  if (!is_root()) {
    return;
  }
  const OpenTree open;
  const auto folder = open.tree.path() / "run" / "rein";
  std::filesystem::create_directories(folder);
  const auto precious = open.tree.path() / "precious";
  open.tree.write("/precious", "precious");
  std::filesystem::create_symlink(precious, folder / "lock");
  {
    const MachineLock lock(open.tree.root());
    DOCTEST_CHECK_THROWS_AS(MachineLock(open.tree.root()), Error);
  }
  DOCTEST_CHECK(open.tree.read("/precious") == "precious");
  DOCTEST_REQUIRE(chown(folder.c_str(), kNobody, kNobody) == 0);
  const MachineLock lock(open.tree.root());
  DOCTEST_CHECK_THROWS_AS(MachineLock(open.tree.root()), Error);
}

DOCTEST_TEST_CASE("whatever root's umask, users see that root's lock is held") {
  if (!is_root()) {
    return;
  }
  for (const mode_t mask : {0000U, 0002U, 0077U}) {
    DOCTEST_CAPTURE(mask);
    const OpenTree open;
    open.tree.make_folder("/run");
    const mode_t before = umask(mask);
    const MachineLock lock(open.tree.root());
    umask(before);
    DOCTEST_CHECK(open.tree.exists("/run/rein/lock"));
    DOCTEST_CHECK_FALSE(OtherUser([&] { const MachineLock another(open.tree.root()); }).did_it());
  }
}

DOCTEST_TEST_CASE("root that is short of descriptors does not take another lock instead") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  if (!is_root()) {
    return;
  }
  const test::TemporaryTree tree;
  const MachineLock lock(tree.root());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  // One that is free: enough for the folder, and none for the file in it.
  const int next = dup(STDIN_FILENO);
  close(next);
  const rlimit few{.rlim_cur = static_cast<rlim_t>(next) + 1, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  std::string problem;
  try {
    const MachineLock another(tree.root());
  } catch (const Error& error) {
    problem = error.what();
  }
  setrlimit(RLIMIT_NOFILE, &before);
  DOCTEST_CHECK(problem.ends_with("Too many open files"));
}

DOCTEST_TEST_CASE("a run whose process has the name of one that has ended is under way") {
  const test::TemporaryTree tree;
  std::array<int, 2> ready{};
  DOCTEST_REQUIRE(pipe(ready.data()) == 0);
  const pid_t holder = fork();
  if (holder == 0) {
    prctl(PR_SET_NAME, "a) Z 1 (b");
    new MachineLock(tree.root());
    [[maybe_unused]] const ssize_t ignored = write(ready[1], "y", 1);
    pause();
  }
  char word = 0;
  [[maybe_unused]] const ssize_t ignored = read(ready[0], &word, 1);
  DOCTEST_CHECK_THROWS_WITH_AS(MachineLock(tree.root()),
                               ("this machine is managed by another run, process " +
                                std::to_string(holder) + ": wait for its end, or end it")
                                   .c_str(),
                               Error);
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
}

}  // namespace rein
