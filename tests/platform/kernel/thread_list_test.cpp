#include "platform/kernel/thread_list.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "support/other_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

/// A process with its threads, as the kernel shows it.
struct Shown {
  int id;
  int parent;
  std::vector<int> threads;
  std::string children = {};  ///< Of its main thread.
  int born = 5;
  const char* state = "S";
};

void show(const test::TemporaryTree& tree, const Shown& process, bool with_children = true) {
  tree.write(fmt::format("/proc/{}/stat", process.id),
             fmt::format("{} (a) b) {} {} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 {} 0 {} 0\n", process.id,
                         process.state, process.parent, process.threads.size(), process.born));
  for (const int thread : process.threads) {
    tree.make_folder(fmt::format("/proc/{}/task/{}", process.id, thread));
    // The kernel has one for each thread too, although it does not list it.
    const std::string own = fmt::format("/proc/{0}/task/{0}", thread);
    tree.write(own + "/stat", "");
    if (with_children) {
      tree.write(own + "/children", thread == process.id ? process.children : "");
    }
  }
}

std::vector<int> read(ThreadList& list) {
  std::vector<int> threads{7};
  DOCTEST_CHECK(list.read(threads) == 0);
  return threads;
}

}  // namespace

DOCTEST_TEST_CASE("threads are listed as they come and go") {
  const test::TemporaryTree tree;
  ThreadList list(tree.root());
  std::vector<int> threads{7};
  list.read(threads);
  DOCTEST_CHECK(threads.empty());
  tree.make_folder("/proc/self/task/1000");
  tree.make_folder("/proc/self/task/200");
  tree.make_folder("/proc/self/task/odd");
  list.read(threads);
  DOCTEST_CHECK(threads == std::vector<int>{200, 1000});
  tree.remove("/proc/self/task/200");
  tree.make_folder("/proc/self/task/300");
  list.read(threads);
  DOCTEST_CHECK(threads == std::vector<int>{300, 1000});
  tree.remove("/proc/self/task");
  list.read(threads);
  DOCTEST_CHECK(threads.empty());
  tree.make_folder("/proc/self/task/400");
  list.read(threads);
  DOCTEST_CHECK(threads == std::vector<int>{400});
}

DOCTEST_TEST_CASE("the threads of this very process are listed") {
  ThreadList list{SysfsRoot()};
  std::vector<int> before;
  list.read(before);
  DOCTEST_CHECK(std::find(before.begin(), before.end(), getpid()) != before.end());
  std::promise<void> end;
  std::thread thread([&end] { end.get_future().wait(); });
  std::vector<int> after;
  list.read(after);
  end.set_value();
  thread.join();
  DOCTEST_CHECK(after.size() == before.size() + 1);
}

DOCTEST_TEST_CASE("another process is listed with all that comes of it, until that ends") {
  for (const bool with_children : {true, false}) {
    DOCTEST_CAPTURE(with_children);  // A kernel may have no such files.
    const test::TemporaryTree tree;
    const auto show_all = [&](const std::vector<Shown>& processes) {
      for (const auto& each : processes) {
        show(tree, each, with_children);
      }
    };
    show_all({{500, 1, {500, 501}, "600 "},
              {600, 500, {600}, "700 "},
              {700, 600, {700, 701}},
              {800, 1, {800}}});
    ThreadList list(tree.root(), Subject::process(500));
    DOCTEST_CHECK(read(list) == std::vector<int>{500, 501, 600, 700, 701});
    // One in between ends, and what has lost it stays.
    tree.remove("/proc/600");
    show_all({{500, 1, {500, 501}, ""}, {700, 1, {700, 701}}});
    DOCTEST_CHECK(read(list) == std::vector<int>{500, 501, 700, 701});
    // Another process has the id of one that has ended.
    show_all({{700, 1, {700, 701}, "", 6}});
    DOCTEST_CHECK(read(list) == std::vector<int>{500, 501});
    // It has ended but for its parent, and then but for its other threads.
    show_all({{500, 1, {500}, "", 5, "Z"}});
    tree.remove("/proc/500/task/501");
    DOCTEST_CHECK(read(list).empty());
    show_all({{500, 1, {500, 502}, "", 5, "Z"}});
    DOCTEST_CHECK(read(list).empty());
    ThreadList new_list(tree.root(), Subject::process(500));
    DOCTEST_CHECK(read(new_list) == std::vector<int>{500, 502});
  }
}

DOCTEST_TEST_CASE("a control group is listed with those below it, in both versions") {
  for (const std::string file : {"tasks", "cgroup.threads"}) {
    DOCTEST_CAPTURE(file);
    const test::TemporaryTree tree;
    const std::string group = "/sys/fs/cgroup/app.slice";
    ThreadList list(tree.root(), Subject::group(group));
    DOCTEST_CHECK(read(list).empty());
    std::string many;
    std::vector<int> expected;
    for (int thread = 1000; thread < 3000; ++thread) {
      many += fmt::format("{}\n", thread);
      expected.push_back(thread);
    }
    tree.write(group + "/" + file, many);
    tree.write(group + "/one/" + file, "0\n31\n30\n");  // 0 is in another PID namespace.
    tree.write(group + "/one/two/" + file, "40\n");
    tree.write(group + "/three/" + file, "");
    tree.write("/sys/fs/cgroup/other/" + file, "50\n");
    expected.insert(expected.begin(), {30, 31, 40});
    DOCTEST_CHECK(read(list) == expected);
    tree.remove(group + "/one");
    expected.erase(expected.begin(), expected.begin() + 3);
    DOCTEST_CHECK(read(list) == expected);
    tree.remove(group);
    DOCTEST_CHECK(read(list).empty());
  }
}

DOCTEST_TEST_CASE("a real process's threads and children come and go, and it ends") {
  test::OtherProcess other;
  ThreadList list(SysfsRoot(), Subject::process(other.pid()));
  const std::vector<int> alone{other.pid()};
  DOCTEST_CHECK(read(list) == alone);
  other.start_thread();
  other.start_thread();
  DOCTEST_CHECK(read(list).size() == 3);
  other.end_thread();
  const pid_t child = other.fork_child();
  const auto with_child = read(list);
  DOCTEST_CHECK(with_child.size() == 3);
  DOCTEST_CHECK(std::ranges::count(with_child, child) == 1);
  other.kill_child();
  other.end_thread();
  DOCTEST_CHECK(read(list) == alone);
  other.end();
  DOCTEST_CHECK(read(list).empty());
}

DOCTEST_TEST_CASE("what lost its parent before anybody looked is nobody's") {
  test::OtherProcess other;
  ThreadList list(SysfsRoot(), Subject::process(other.pid()));
  const pid_t orphan = other.fork_orphan();
  DOCTEST_REQUIRE(orphan > 0);
  DOCTEST_CHECK(read(list) == std::vector<int>{other.pid()});
}

}  // namespace rein
