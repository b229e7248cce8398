#include "platform/machine_lock.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>

#include "common/error.hpp"
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
  DOCTEST_CHECK(lock.notice() == "process " + std::to_string(user.process()) +
                                     " of user 65534 says that it manages this machine too");
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

}  // namespace rein
