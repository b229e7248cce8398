#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/kernel/system_calls.hpp"

namespace rein::test {

/// The kernel's calls, but for the files that a test puts into trouble. Files are named by the end
/// of their path. Counts what was called, by the end of the path as well.
class FaultyCalls : public SystemCalls {
 public:
  std::map<std::string, int> open_errors;
  std::map<std::string, int> read_errors;
  std::map<std::string, int> write_errors;
  std::map<std::string, std::string> texts;  ///< What a file says, whatever it holds.
  bool root = false;
  std::string library;  ///< The path of a driver's; empty: there is none.
  int num_opens = 0;
  int num_reads = 0;
  int num_writes = 0;
  std::vector<std::pair<std::string, std::string>> written;  ///< Path and value, in order.

  bool is_root() override { return root; }
  void* open_library(const char* /*name*/) override {
    return library.empty() ? nullptr : SystemCalls::open_library(library.c_str());
  }
  int open_file(const char* path, int flags) override {
    ++num_opens;
    if (const int* error = find(open_errors, path)) {
      return -*error;
    }
    const int descriptor = SystemCalls::open_file(path, flags);
    if (descriptor >= 0) {
      paths_[descriptor] = path;
    }
    return descriptor;
  }
  ssize_t read_file(int descriptor, std::span<char> buffer, off_t offset) override {
    ++num_reads;
    const std::string& path = paths_[descriptor];
    if (const int* error = find(read_errors, path)) {
      return -*error;
    }
    if (const std::string* text = find(texts, path)) {
      const std::string_view rest =
          std::string_view(*text).substr(std::min<std::size_t>(text->size(), offset));
      const std::size_t count = std::min(rest.size(), buffer.size());
      std::memcpy(buffer.data(), rest.data(), count);
      return static_cast<ssize_t>(count);
    }
    return SystemCalls::read_file(descriptor, buffer, offset);
  }
  ssize_t write_file(int descriptor, std::string_view text) override {
    ++num_writes;
    const std::string& path = paths_[descriptor];
    if (const int* error = find(write_errors, path)) {
      return -*error;
    }
    written.emplace_back(path, std::string(text));
    return SystemCalls::write_file(descriptor, text);
  }
  void close_file(int descriptor) override {
    paths_.erase(descriptor);
    SystemCalls::close_file(descriptor);
  }

 private:
  template <typename Value>
  static const Value* find(const std::map<std::string, Value>& ends, std::string_view path) {
    for (const auto& [end, value] : ends) {
      if (path.ends_with(end)) {
        return &value;
      }
    }
    return nullptr;
  }

  std::map<int, std::string> paths_;
};

}  // namespace rein::test
