#pragma once

#include <stdlib.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/files.hpp"
#include "support/temporary_folder.hpp"

namespace rein::test {

/// What the fake of NVIDIA's library says, here and in programs that are started.
class FakeCards {
 public:
  explicit FakeCards(const std::vector<std::string>& addresses = {"0000:01:00.0"}) {
    script["cards"] = nlohmann::json::array();
    for (const auto& address : addresses) {
      script["cards"].push_back({{"address", address},
                                 {"name", "NVIDIA H200"},
                                 {"limit", 700'000},
                                 {"energy", 5'000'000},
                                 {"power", 75'000},
                                 {"temperature", 31},
                                 {"sm", 1980},
                                 {"graphics", 11},
                                 {"memory", 3201},
                                 {"busy", 25},
                                 {"reasons", 1}});
    }
    say();
    write_file(path() + ".calls", "");
    setenv("FAKE_NVML", path().c_str(), 1);
  }
  ~FakeCards() { unsetenv("FAKE_NVML"); }
  FakeCards(const FakeCards&) = delete;
  FakeCards& operator=(const FakeCards&) = delete;

  std::string path() const { return (folder_.path() / "nvml.json").string(); }
  nlohmann::json& card(std::size_t index = 0) { return script["cards"][index]; }
  /// Makes the library say what `script` holds.
  void say() const { write_file(path(), script.dump()); }
  /// What was opened, found and closed since the call before.
  std::vector<std::string> new_calls() {
    std::vector<std::string> lines;
    std::string line;
    for (const char c : read_file(path() + ".calls")) {
      if (c == '\n') {
        lines.push_back(line);
        line.clear();
      } else {
        line += c;
      }
    }
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(num_told_));
    num_told_ += lines.size();
    return lines;
  }

  nlohmann::json script;  ///< As tests/support/fake_nvml.cpp reads it.

 private:
  TemporaryFolder folder_;
  std::size_t num_told_ = 0;
};

}  // namespace rein::test
