#include "platform/giving_back/restoration.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/faulty_calls.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

/// A kernel that refuses a minimum above the maximum, and a governor of CPUs that are offline.
class StrictCalls final : public test::FaultyCalls {
 public:
  explicit StrictCalls(const test::TemporaryTree& tree) : tree_(tree) {}

  ssize_t write_file(int descriptor, std::string_view text) override {
    const std::string path =
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor));
    // O_TRUNC has emptied it, as it does not in sysfs.
    if (refuses(path, std::string(text))) {
      std::ofstream(path) << before_[path];
      return -EINVAL;
    }
    before_[path] = text;
    return FaultyCalls::write_file(descriptor, text);
  }
  void holds(const std::string& file, const std::string& text) {
    tree_.write(file, text);
    before_[tree_.root().resolve(file)] = text;
  }

 private:
  int number(const std::string& file) { return std::stoi(before_[tree_.root().resolve(file)]); }
  bool refuses(const std::string& path, const std::string& text) {
    return (path.ends_with("/min") && std::stoi(text) > number("/sys/max")) ||
           (path.ends_with("/max") && std::stoi(text) < number("/sys/min")) ||
           (path.ends_with("/governor") && number("/sys/online") == 0);
  }
  const test::TemporaryTree& tree_;
  std::map<std::string, std::string> before_;
};

class Recorder final : public RestorationListener {
 public:
  std::vector<std::string> changed;
  std::vector<std::pair<std::string, int>> problems;
  void restored(const Restoration& restoration) override { changed.emplace_back(restoration.path); }
  void failed(const Restoration& restoration, int error) override {
    problems.emplace_back(restoration.path, error);
  }
};

}  // namespace

DOCTEST_TEST_CASE("limits are put back in whatever order they can be") {
  for (const auto& each : {std::pair{"1", "1"}, {"5", "5"}, {"9", "9"}, {"3", "6"}}) {
    const auto& [min, max] = each;
    for (const bool min_first : {false, true}) {
      DOCTEST_CAPTURE(each.first);
      const test::TemporaryTree tree;
      StrictCalls calls(tree);
      calls.holds("/sys/min", min);
      calls.holds("/sys/max", max);
      const std::string sys = tree.root().resolve("/sys").string();
      const std::string first = "value " + sys + "/min\t4\n";
      const std::string second = "value " + sys + "/max\t7\n";
      Recorder recorder;
      DOCTEST_CHECK(restore(SysfsRoot(tree.path(), calls),
                            min_first ? first + second : second + first, recorder));
      DOCTEST_CHECK(tree.read("/sys/min") == "4");
      DOCTEST_CHECK(tree.read("/sys/max") == "7");
      DOCTEST_CHECK(recorder.problems.empty());
    }
  }
}

DOCTEST_TEST_CASE("a governor that needs its CPUs online is put back after them in any order") {
  for (const bool governor_last : {false, true}) {
    const test::TemporaryTree tree;
    StrictCalls calls(tree);
    calls.holds("/sys/online", "0");
    calls.holds("/sys/governor", "userspace");
    const std::string sys = tree.root().resolve("/sys").string();
    const std::string online = "value " + sys + "/online\t1\n";
    const std::string governor = "value " + sys + "/governor\tondemand\n";
    Recorder recorder;
    DOCTEST_CHECK(restore(SysfsRoot(tree.path(), calls),
                          governor_last ? online + governor : governor + online, recorder));
    DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
  }
}

DOCTEST_TEST_CASE("a text that the kernel takes but does not say back is told, and is no refusal") {
  const test::TemporaryTree tree;
  test::FaultyCalls calls;
  tree.write("/sys/max", "1400000");
  calls.texts["/sys/max"] = "1400000\n";  // A thermal limit.
  Recorder recorder;
  const std::string path = tree.root().resolve("/sys/max").string();
  DOCTEST_CHECK(restore(SysfsRoot(tree.path(), calls), "value " + path + "\t2000000\n", recorder));
  DOCTEST_CHECK(recorder.problems == std::vector<std::pair<std::string, int>>{{path, 0}});
}

DOCTEST_TEST_CASE("a group that is gone and one whose processes are gone are no trouble") {
  const test::TemporaryTree tree;
  tree.write("/sys/home/cgroup.procs", "");
  test::FaultyCalls calls;
  const std::string sys = tree.root().resolve("/sys").string();
  Recorder recorder;
  DOCTEST_CHECK(restore(SysfsRoot(tree.path(), calls), "group " + sys + "/none\t" + sys + "/home\n",
                        recorder));
  tree.write("/sys/group/cgroup.procs", "12\n34\n");
  calls.write_errors["/home/cgroup.procs"] = ESRCH;
  // The kernel's groups can be removed with their files, folders cannot.
  DOCTEST_CHECK_FALSE(restore(SysfsRoot(tree.path(), calls),
                              "group " + sys + "/group\t" + sys + "/home\n", recorder));
  DOCTEST_CHECK(recorder.problems ==
                std::vector<std::pair<std::string, int>>{{sys + "/group", ENOTEMPTY}});
}

DOCTEST_TEST_CASE("a file that somebody put at a path is neither read nor emptied nor removed") {
  const test::TemporaryTree tree;
  tree.write("/sys/shadow", "precious\n");
  tree.write("/home/cgroup.procs", "precious\n");
  tree.make_folder("/rein-1");
  tree.write("/rein-2/cgroup.procs", "12\n");
  // The machine itself, where what is below the tree is none of the kernel's.
  for (const char* root : {"/", "/.", "/proc/self/root"}) {
    DOCTEST_CAPTURE(root);
    test::FaultyCalls calls;
    Recorder recorder;
    const std::string shadow = (tree.path() / "sys/shadow").string();
    const std::string home = (tree.path() / "home").string();
    const std::string empty = (tree.path() / "rein-1").string();
    const std::string full = (tree.path() / "rein-2").string();
    std::string lines;
    for (const Restoration& each : {Restoration{Restoration::Kind::kValue, shadow, "x"},
                                    {Restoration::Kind::kWrite, shadow, "x"},
                                    {Restoration::Kind::kGroup, empty, home},
                                    {Restoration::Kind::kGroup, full, home}}) {
      lines += each.line();
    }
    DOCTEST_CHECK_FALSE(restore(SysfsRoot(root, calls), lines, recorder));
    DOCTEST_CHECK(recorder.changed.empty());
    DOCTEST_CHECK(recorder.problems ==
                  std::vector<std::pair<std::string, int>>{
                      {full, EPERM}, {empty, EPERM}, {shadow, EPERM}, {shadow, EPERM}});
    DOCTEST_CHECK(calls.num_reads == 0);
    DOCTEST_CHECK(calls.num_writes == 0);
  }
  DOCTEST_CHECK(tree.read("/sys/shadow") == "precious\n");
  DOCTEST_CHECK(tree.read("/home/cgroup.procs") == "precious\n");
  DOCTEST_CHECK(tree.exists("/rein-1"));
}

DOCTEST_TEST_CASE("a setting of the machine is one by whatever links a path leads to it") {
  const test::TemporaryTree tree;
  test::FaultyCalls calls;
  const SysfsRoot root("/", calls);
  if (!root.exists("/sys/kernel/mm")) {
    DOCTEST_MESSAGE("SKIPPED: no sysfs here");
    return;
  }
  std::filesystem::create_symlink("/sys/kernel", tree.path() / "kernel");
  std::filesystem::create_symlink("/sys/kernel/mm", tree.path() / "mm");
  std::filesystem::create_symlink(tree.path(), tree.path() / "sysfs");
  const auto open_it = [&](const std::filesystem::path& path, int flags) {
    const int descriptor = root.open_setting(path.c_str(), flags);
    if (descriptor >= 0) {
      calls.close_file(descriptor);
    }
    return descriptor < 0 ? descriptor : 0;
  };
  for (const int flags : {O_PATH, O_RDONLY}) {
    DOCTEST_CHECK(open_it("/sys/kernel/mm", flags) == 0);
    DOCTEST_CHECK(open_it(tree.path() / "kernel/mm", flags) == 0);
    DOCTEST_CHECK(open_it(tree.path() / "mm", flags) == -ELOOP);
    DOCTEST_CHECK(open_it(tree.path() / "sysfs", flags) == -ELOOP);
    DOCTEST_CHECK(open_it(tree.path(), flags) == -EPERM);
  }
}

DOCTEST_TEST_CASE("a group of more processes than fit at once moves none that is not in it") {
  const test::TemporaryTree tree;
  tree.write("/sys/home/cgroup.procs", "");
  tree.make_folder("/sys/rein-1");
  test::FaultyCalls calls;
  std::string members;
  while (members.size() <= 5000) {
    members += "1234567\n";
    members += "12345678\n";
  }
  calls.texts["/rein-1/cgroup.procs"] = members;
  tree.write("/sys/rein-1/cgroup.procs", "");
  const std::string sys = tree.root().resolve("/sys").string();
  Recorder recorder;
  restore(SysfsRoot(tree.path(), calls), "group " + sys + "/rein-1\t" + sys + "/home\n", recorder);
  DOCTEST_CHECK_FALSE(calls.written.empty());
  for (const auto& [path, text] : calls.written) {
    DOCTEST_CHECK((text == "1234567" || text == "12345678"));
  }
}

DOCTEST_TEST_CASE("a restoration and its line are the same thing") {
  const Restoration restoration{
      .kind = Restoration::Kind::kValue, .path = "/sys/a b", .text = "two words"};
  DOCTEST_CHECK(restoration.line() == "value /sys/a b\ttwo words\n");
  Restoration parsed;
  DOCTEST_REQUIRE(Restoration::parse("value /sys/a b\ttwo words", parsed));
  DOCTEST_CHECK(parsed.kind == Restoration::Kind::kValue);
  DOCTEST_CHECK(parsed.path == "/sys/a b");
  DOCTEST_CHECK(parsed.text == "two words");
  for (const char* bad : {"", "value", "value /sys/a", "value sys/a\tb", "thing /sys/a\tb", "\t"}) {
    DOCTEST_CAPTURE(bad);
    DOCTEST_CHECK_FALSE(Restoration::parse(bad, parsed));
  }
}

}  // namespace rein
