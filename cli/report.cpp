#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "study/report/evaluation_page.hpp"
#include "study/report/evaluation_table.hpp"
#include "study/report/page.hpp"
#include "study/report/run_results.hpp"
#include "study/report/table.hpp"

namespace rein {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> folders;
  std::string output;
};

/// In the folder of the only run, or in the deepest folder that holds them all.
fs::path default_output(const std::vector<std::string>& folders) {
  if (folders.size() == 1) {
    return fs::path(folders.front()) / "report.html";
  }
  const auto parent_of = [](const std::string& folder) {
    // With a slash at the end the name would be empty.
    return (fs::absolute(folder) / "").lexically_normal().parent_path().parent_path();
  };
  fs::path common = parent_of(folders.front());
  for (const auto& folder : folders) {
    const fs::path parent = parent_of(folder);
    const auto [in_common, in_parent] = std::ranges::mismatch(common, parent);
    fs::path shared;
    std::for_each(common.begin(), in_common, [&](const fs::path& part) { shared /= part; });
    common = shared;
  }
  return common / "report.html";
}

/// As people would name it who stand in the current folder.
fs::path readable(const fs::path& file) {
  const fs::path below = file.lexically_relative(fs::current_path());
  return below.empty() || *below.begin() == ".." ? file : below;
}

/// Of a single folder, which holds an evaluation.
int report_evaluation(const ReportOptions& options) {
  const fs::path folder = options.folders.front();
  const fs::path output =
      options.output.empty() ? folder / "report.html" : fs::path(options.output);
  const fs::path config = folder / "config.yaml";
  const auto evaluation = report::read_evaluation(folder);
  write_file(output, report::make_page(evaluation,
                                       is_there(config) ? read_file(config, kMostRecorded) : ""));
  put("{}{}\n", report::to_text(evaluation), readable(output).string());
  return 0;
}

int make_report(const ReportOptions& options) {
  if (std::ranges::any_of(options.folders, report::is_evaluation)) {
    if (options.folders.size() > 1) {
      throw UsageError("folders: expected runs or a single evaluation, found an evaluation among " +
                       std::to_string(options.folders.size()));
    }
    return report_evaluation(options);
  }
  std::vector<report::Run> runs;
  for (const auto& folder : options.folders) {
    runs.push_back(report::read_run(folder));
  }
  std::stable_partition(runs.begin(), runs.end(), std::mem_fn(&report::Run::explores));
  const fs::path output =
      options.output.empty() ? default_output(options.folders) : fs::path(options.output);
  write_file(output, report::make_page(runs));
  std::string text = report::to_text(report::compare_runs(runs, report::labels_of(runs)));
  for (const auto& note : report::shortfalls(runs)) {
    text += note + "\n";
  }
  put("{}{}\n", text, readable(output).string());
  return 0;
}

}  // namespace

void add_report(CLI::App& app, VerbAction& action) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* verb =
      app.add_subcommand("report", "turn what runs or an evaluation wrote into one report.html");
  verb->add_option("folders", options->folders,
                   "the folders of the runs, to be compared, or of an evaluation")
      ->type_name("DIR")
      ->required();
  verb->add_option("--output", options->output,
                   "where to write it (default: report.html in the folder, or in the folder that "
                   "holds them all)")
      ->type_name("FILE");
  verb->callback([options, &action] { action = [options] { return make_report(*options); }; });
}

}  // namespace rein
