// Without libFuzzer: every file of the corpus, once through its reader. What make_corpus.py made is
// read without a mistake, and what was found once ends in none but a mistake.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>

#include "common/files.hpp"
#include "fuzz/readers.hpp"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  spdlog::set_level(spdlog::level::off);
  int files = 0;
  int findings = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& [name, reader] : rein::fuzz::readers()) {
      int of_reader = 0;
      for (const auto& entry : fs::directory_iterator(fs::path(argv[i]) / name)) {
        ++of_reader;
        try {
          const auto file = entry.path().filename().string();
          const bool may_be_refused = file.starts_with("found-") || file.starts_with("refused-");
          const auto mistake = rein::fuzz::read(reader, rein::read_file(entry.path()));
          if (!mistake.empty() && !may_be_refused) {
            throw std::runtime_error("expected an input without a mistake, found: " + mistake);
          }
        } catch (const std::exception& error) {
          std::fprintf(stderr, "%s: %s\n", entry.path().c_str(), error.what());
          ++findings;
        }
      }
      files += of_reader;
      if (of_reader == 0) {
        std::fprintf(stderr, "%s: expected files for the reader, found none\n", name.c_str());
        ++findings;
      }
    }
  }
  std::printf("%d files, %d findings\n", files, findings);
  return files > 0 && findings == 0 ? 0 : 1;
}
