#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "study/report/markup.hpp"
#include "study/report/page.hpp"
#include "study/report/run_results.hpp"
#include "study/report/table.hpp"
#include "support/process.hpp"
#include "support/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using rein::report::Run;
using rein::report::Table;

const fs::path kData = fs::path(REIN_SOURCE_DIR) / "tests/data/report";
const std::string kSummary =
    R"({"agent": "static", "whole": {"requests": 2}, "second_half": {"requests": null}})";

std::vector<Run> sample_runs() {
  return {rein::report::read_run(kData / "q_learning"), rein::report::read_run(kData / "static")};
}

/// A run's folder below `parent` with this trace and summary.
fs::path write_run(const fs::path& parent, const std::string& name, const std::string& trace,
                   const std::string& summary = kSummary) {
  rein::write_file(parent / name / "trace.csv", trace);
  rein::write_file(parent / name / "summary.json", summary);
  return parent / name;
}

std::string message_of(const fs::path& folder) {
  try {
    rein::report::read_run(folder);
  } catch (const rein::ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::string trace_message(const std::string& trace) {
  try {
    rein::report::parse_trace(trace, "trace.csv");
  } catch (const rein::ConfigError& error) {
    return error.what();
  }
  return "no error";
}

/// What `rein report` prints.
std::string print_report(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {REIN_PROGRAM, "report"});
  rein::Process process(arguments);
  DOCTEST_REQUIRE(process.wait() == 0);
  return process.output();
}

std::string last_line(const std::string& text) {
  return text.substr(text.rfind('\n', text.size() - 2) + 1);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

DOCTEST_TEST_CASE("the comparison shows what the summaries say, and marks the best") {
  const Table table = rein::report::compare_runs(sample_runs(), {"q_learning", "static"});

  DOCTEST_REQUIRE(table.rows.size() == 2);
  const std::vector<std::string> headings = {"agent",    "missed %", "2nd half", "accuracy %",
                                             "2nd half", "p50 ms",   "p95 ms",   "p99 ms",
                                             "power W",  "energy mJ"};
  DOCTEST_CHECK(table.headings == headings);
  std::vector<std::string> learner;
  std::vector<bool> best;
  for (const auto& cell : table.rows[0]) {
    learner.push_back(cell.text);
    best.push_back(cell.best);
  }
  const std::vector<std::string> expected = {"q_learning", "0.00", "0.00", "68.70", "67.22",
                                             "30.1",       "33.7", "33.7", "6.65",  "374.8"};
  DOCTEST_CHECK(learner == expected);
  const std::vector<bool> expected_best = {false, true, true, false, false,
                                           true,  true, true, false, false};
  DOCTEST_CHECK(best == expected_best);
  DOCTEST_CHECK(table.rows[1][1].text == "61.03");
  DOCTEST_CHECK(table.rows[1][3].best);
  DOCTEST_CHECK(table.rows[1][8].estimated);
}

DOCTEST_TEST_CASE("phases that came again and again are shown with how often they did") {
  const rein::TemporaryFolder folder;
  const auto phases = [&](const std::string& name, const std::string& more) {
    const auto run = rein::report::read_run(
        write_run(folder.path(), name, "period,time_s\n0,0\n",
                  R"({"agent": "static", "whole": {}, "second_half": {}, "phases": [)"
                  R"({"name": "a", "start_s": 0, "end_s": 9, "statistics": {"requests": 8})" +
                      more + "}]}"));
    return rein::report::compare_phases(run);
  };
  for (const std::string more : {"", R"(, "stretches": 1, "seconds": 9)"}) {
    const Table once = phases("once", more);
    DOCTEST_CHECK(once.headings[3] == "requests");
    DOCTEST_CHECK(once.rows[0][3].text == "8");
  }
  const Table often = phases("often", R"(, "stretches": 70, "seconds": 5)");
  DOCTEST_CHECK(often.headings[3] == "times");
  DOCTEST_CHECK(often.rows[0][3].text == "70");
  DOCTEST_CHECK(often.rows[0][4].text == "8");
}

DOCTEST_TEST_CASE("the report says what decisions took, in the unit that fits") {
  const rein::TemporaryFolder folder;
  const auto page = [&](const std::string& name, const std::string& decision) {
    return rein::report::make_page({rein::report::read_run(
        write_run(folder.path(), name, "period,time_s\n0,0\n",
                  R"({"agent": "static", "whole": {}, "second_half": {}, "decision_us": )" +
                      decision + "}"))});
  };
  DOCTEST_CHECK(
      contains(page("fast", R"({"p50": 0.1604, "p99": 1.2})"), "160 ns each, p99 1.20 us"));
  DOCTEST_CHECK_FALSE(contains(page("simulated", R"({"p50": 0.0, "p99": 0.0})"), "Decisions"));
}

DOCTEST_TEST_CASE("equal values are not marked as best, and a missing one is a dash") {
  std::vector<Run> runs(3);
  runs[0].whole.miss_share = 0.1;
  runs[1].whole.miss_share = 0.1;
  const Table table = rein::report::compare_runs(runs, {"a", "b", "c"});

  DOCTEST_CHECK_FALSE(table.rows[0][1].best);
  DOCTEST_CHECK_FALSE(table.rows[1][1].best);
  DOCTEST_CHECK(table.rows[2][1].text == "–");
}

DOCTEST_TEST_CASE("a table as text has aligned columns") {
  const Table table{.headings = {"agent", "p50 ms"},
                    .rows = {{{.text = "a"}, {.text = "–"}},
                             {{.text = "static"}, {.text = "1.5", .estimated = true}}}};
  DOCTEST_CHECK(rein::report::to_text(table) ==
                "agent     p50 ms\n"
                "a              –\n"
                "static  1.5 est.\n");
}

DOCTEST_TEST_CASE("runs of one agent are told apart by their folders") {
  std::vector<Run> runs(3);
  runs[0].agent = runs[1].agent = "q_learning";
  runs[2].agent = "static";
  runs[0].folder = "seed1";
  runs[1].folder = "seed2";
  const std::vector<std::string> expected = {"q_learning (seed1)", "q_learning (seed2)", "static"};
  DOCTEST_CHECK(rein::report::labels_of(runs) == expected);
  runs[0].folder = "monday/run/";
  runs[1].folder = "tuesday/run";
  DOCTEST_CHECK(rein::report::labels_of(runs)[0] == "q_learning (monday/run/)");
  DOCTEST_CHECK(rein::report::labels_of(runs)[1] == "q_learning (tuesday/run)");
  runs[1].folder = "tuesday/walk";
  DOCTEST_CHECK(rein::report::labels_of(runs)[1] == "q_learning (walk)");
}

DOCTEST_TEST_CASE("a page holds dygraphs and its own scripts, and loads nothing") {
  const std::string page = rein::report::make_page(sample_runs());

  DOCTEST_CHECK(contains(page, "Dygraph=t()"));
  DOCTEST_CHECK(contains(page, "Dygraph.synchronize = synchronize"));
  DOCTEST_CHECK(contains(page, ".dygraph-legend{"));
  DOCTEST_CHECK(contains(page, "function drawChart("));
  DOCTEST_CHECK(contains(page, "default-src 'none'"));
  for (const char* const reference :
       {" src=", "href=", "url(", "@import", "sourceMappingURL", "<link", "<iframe", "<img"}) {
    DOCTEST_CAPTURE(reference);
    DOCTEST_CHECK_FALSE(contains(page, reference));
  }
}

DOCTEST_TEST_CASE("a page shows the runs, their phases, machine and configuration") {
  const std::string page = rein::report::make_page(sample_runs());

  DOCTEST_CHECK(contains(page, "<h2>q_learning</h2>"));
  DOCTEST_CHECK(contains(page, "<h2>static</h2>"));
  DOCTEST_CHECK(contains(page, "<th>compile</th>"));
  DOCTEST_CHECK(contains(page, "<dt>Machine</dt><dd>Two-core CPU</dd>"));
  DOCTEST_CHECK(contains(page, "<tr><th>hypervisor</th><td>false</td></tr>"));
  DOCTEST_CHECK(contains(page, "board: laptop  # &lt;two&gt; CPUs"));
  DOCTEST_CHECK(contains(page, "power_w from a model of the CPU"));
  DOCTEST_CHECK_FALSE(contains(page, "The runs differ"));
}

DOCTEST_TEST_CASE("a page warns when its runs are of different scenarios") {
  auto runs = sample_runs();
  runs[1].scenario = "street";
  DOCTEST_CHECK(contains(rein::report::make_page(runs),
                         "The runs differ in their scenario: office, street."));
}

DOCTEST_TEST_CASE("names from files cannot become markup or end the page's data") {
  auto runs = sample_runs();
  const std::string evil = "</script><script>alert('\"&')</script>{{data}}";
  runs[0].agent = runs[0].phases[0].name = runs[0].config = evil;
  runs[0].machine = {{evil, evil}};
  runs[0].trace.names["phase"][0] = evil + "\xFF";
  const std::string page = rein::report::make_page(runs);

  DOCTEST_CHECK_FALSE(contains(page, "<script>alert"));
  DOCTEST_CHECK(contains(page,
                         "<th>&lt;/script&gt;&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"
                         "&lt;/script&gt;{{data}}</th>"));
  DOCTEST_CHECK(
      contains(page, R"("\u003c/script>\u003cscript>alert('\"&')\u003c/script>{{data}})"));
}

DOCTEST_TEST_CASE("a trace may have unknown columns, empty cells and quoted names") {
  const auto trace = rein::report::parse_trace(
      "time_s,phase,colour,width.camera,mapping.camera\r\n"
      "0.0,\"a, \"\"b\"\"\",red,,cpu0\r\n"
      "0.5,\"two\nlines\",,0.25,\n",
      "trace.csv");
  DOCTEST_CHECK(trace.rows == 2);
  DOCTEST_CHECK(trace.numbers.size() == 2);
  DOCTEST_CHECK_FALSE(trace.numbers.at("width.camera")[0].has_value());
  DOCTEST_CHECK(trace.numbers.at("width.camera")[1] == 0.25);
  DOCTEST_CHECK(trace.names.at("phase") == std::vector<std::string>{"a, \"b\"", "two\nlines"});
  DOCTEST_CHECK(trace.names.at("mapping.camera") == std::vector<std::string>{"cpu0", ""});
}

DOCTEST_TEST_CASE("a run without rows still makes a page") {
  const rein::TemporaryFolder folder;
  const Run run = rein::report::read_run(write_run(folder.path(), "empty", "period,time_s\n"));
  DOCTEST_CHECK(contains(rein::report::make_page({run}), R"("rows":0)"));
}

DOCTEST_TEST_CASE("a mistake in a trace is named with its line and column") {
  DOCTEST_CHECK(trace_message("") ==
                "trace.csv:1: expected a header with the columns' names, found nothing");
  DOCTEST_CHECK(trace_message("0,0.5\n1,0.75\n") ==
                "trace.csv:1: expected a header with the columns' names, found '0'");
  DOCTEST_CHECK(trace_message("period,,phase\n") ==
                "trace.csv:1: expected a header with the columns' names, found ''");
  DOCTEST_CHECK(trace_message("period,phase,period\n") ==
                "trace.csv:1: column 'period': expected each column once, found it twice");
  DOCTEST_CHECK(trace_message("period,phase\n0,a\n1\n") ==
                "trace.csv:3: expected 2 cells, found 1");
  DOCTEST_CHECK(trace_message("period,phase\n0,\"a\nb\"\n1,a,b\n") ==
                "trace.csv:4: expected 2 cells, found 3");
  DOCTEST_CHECK(trace_message("period,late.camera\n0,1\n1,abc\n") ==
                "trace.csv:3: late.camera: expected a whole number from 0, found 'abc'");
  DOCTEST_CHECK(trace_message("reward_power\nnan\n") ==
                "trace.csv:2: reward_power: expected a number from -1e+15 to 1e+15, found 'nan'");
  DOCTEST_CHECK(trace_message("power_w\n1.5W\n") ==
                "trace.csv:2: power_w: expected a number from -1e+15 to 1e+15, found '1.5W'");
  DOCTEST_CHECK(trace_message("phase\n\"a\n") ==
                "trace.csv:2: expected the end of a quoted cell, found the end of the file");
  DOCTEST_CHECK(trace_message("phase\n\"a\"b\n") ==
                "trace.csv:2: expected ',' or the end of the line, found 'b'");
}

DOCTEST_TEST_CASE("a trace that a loss of power cut short was no run's any more") {
  const rein::TemporaryFolder folder;
  const Run run =
      rein::report::read_run(write_run(folder.path(), "cut", "period,time_s\n0,0\n1,0.1\n2,0."));
  DOCTEST_CHECK(run.trace.rows == 2);
  DOCTEST_CHECK(run.trace.is_cut);
}

DOCTEST_TEST_CASE("a trace that its trace.yaml is not of, or of a later rein, is refused") {
  const rein::TemporaryFolder folder;
  const std::string path = folder.path().string();
  const fs::path run = write_run(folder.path(), "run", "period,time_s\n0,0\n");
  rein::TraceDescription description;
  description.write_beside(run / "trace.csv");
  DOCTEST_CHECK(message_of(run) ==
                path +
                    "/run/trace.csv: expected the column episode that trace.yaml beside it tells "
                    "of, found none");
  description.version = 3;
  description.write_beside(run / "trace.csv");
  DOCTEST_CHECK(message_of(run) ==
                path +
                    "/run/trace.yaml:3:10: version: expected at most 2, found 3: the trace was "
                    "written by a later rein");
}

DOCTEST_TEST_CASE("what is missing from a run's folder is named") {
  const rein::TemporaryFolder folder;
  const std::string path = folder.path().string();
  rein::write_file(folder.path() / "file", "");
  rein::write_file(folder.path() / "half/summary.json", kSummary);
  rein::write_file(folder.path() / "none/trace.csv", "period,time_s\n");

  DOCTEST_CHECK(message_of(folder.path() / "away") ==
                path + "/away: expected the folder of a run, found nothing");
  DOCTEST_CHECK(message_of(folder.path() / "file") ==
                path + "/file: expected the folder of a run, found a file");
  DOCTEST_CHECK(message_of(folder.path() / "half") ==
                path + "/half/trace.csv: cannot be read: No such file or directory");
  DOCTEST_CHECK(message_of(write_run(folder.path(), "timeless", "period\n0\n")) ==
                path + "/timeless/trace.csv:1: expected the column time_s, found none");
  DOCTEST_CHECK(message_of(folder.path() / "none") ==
                path + "/none/summary.json: cannot be read: No such file or directory");
}

DOCTEST_TEST_CASE("a mistake in a summary or in machine.json is named") {
  const rein::TemporaryFolder folder;
  const auto with_summary = [&](const std::string& summary) {
    return message_of(write_run(folder.path(), "run", "period,time_s\n", summary));
  };
  const std::string file = (folder.path() / "run/summary.json").string();

  DOCTEST_CHECK(with_summary(R"({"whole": {}})") ==
                file + ":1:1: agent: expected this key, found nothing");
  DOCTEST_CHECK(with_summary("{\"agent\": \"a\",\n \"whole\": {\"miss_share\": \"high\"}}") ==
                file + ":2:26: whole.miss_share: expected a number, found 'high'");
  DOCTEST_CHECK(with_summary(R"({"agent": "a", "whole": 5})") ==
                file + ":1:25: whole: expected a mapping, found '5'");

  const fs::path run = write_run(folder.path(), "run", "period,time_s\n");
  rein::write_file(run / "machine.json", "[1]");
  DOCTEST_CHECK(message_of(run) ==
                run.string() + "/machine.json: expected a JSON object, found something else");
}

DOCTEST_TEST_CASE("JSON of 100,000 levels ended in a crash") {
  const rein::TemporaryFolder folder;
  const fs::path run = write_run(folder.path(), "run", "period,time_s\n");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "{\"a\":";
  }
  rein::write_file(run / "machine.json", deep);
  DOCTEST_CHECK(message_of(run) ==
                run.string() + "/machine.json: expected at most 64 levels, found more");
  rein::write_file(run / "machine.json", "{\n \"a\": nul}");
  DOCTEST_CHECK(message_of(run) ==
                run.string() + "/machine.json:2:10: expected JSON, found a mistake");
  rein::write_file(run / "machine.json", "{}");
  rein::write_file(run / "summary.json", deep);
  DOCTEST_CHECK(message_of(run).starts_with(run.string() + "/summary.json:1:"));
}

DOCTEST_TEST_CASE("the verb prints the table, the learning agent first, and the report's path") {
  const rein::TemporaryFolder folder;
  const fs::path report = folder.path() / "new" / "page.html";
  const std::string output = print_report(
      {(kData / "static").string(), (kData / "q_learning").string(), "--output", report.string()});

  DOCTEST_CHECK(output.starts_with("agent "));
  DOCTEST_CHECK(output.find("\nq_learning ") < output.find("\nstatic "));
  DOCTEST_CHECK(last_line(output) == report.string() + "\n");
  const std::string page = rein::read_file(report);
  DOCTEST_CHECK(page.starts_with("<!DOCTYPE html>"));
  DOCTEST_CHECK(page.find("<h2>q_learning</h2>") < page.find("<h2>static</h2>"));
}

DOCTEST_TEST_CASE("the report goes into the only folder, or into the one that holds them all") {
  const rein::TemporaryFolder folder;
  const fs::path first = write_run(folder.path(), "night/a", "period,time_s\n");
  const fs::path second = write_run(folder.path(), "night/b/c", "period,time_s\n");

  DOCTEST_CHECK(last_line(print_report({first.string()})) ==
                (first / "report.html").string() + "\n");
  DOCTEST_CHECK(last_line(print_report({first.string() + "/", second.string()})) ==
                (folder.path() / "night/report.html").string() + "\n");
  DOCTEST_CHECK(fs::exists(folder.path() / "night/report.html"));
}

DOCTEST_TEST_CASE("a template's values are not searched for names again") {
  DOCTEST_CHECK(rein::report::fill_template("<{{a}}|{{b}}>", {{"a", "{{b}}"}, {"b", "2"}}) ==
                "<{{b}}|2>");
}
