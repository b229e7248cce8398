#include "platform/kernel/thread_list.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "support/temporary_tree.hpp"

namespace rein {

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

}  // namespace rein
