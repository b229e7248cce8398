#pragma once

#include <string_view>

namespace rein::report::assets {

// Files that the build put into the program: see embed_files.cmake.
extern const std::string_view kPageHtml;
extern const std::string_view kEvaluationHtml;
extern const std::string_view kTrainingHtml;
extern const std::string_view kStyleCss;
extern const std::string_view kSeriesJs;
extern const std::string_view kBandsJs;
extern const std::string_view kChartsJs;
extern const std::string_view kDrawingJs;
extern const std::string_view kComparisonJs;
extern const std::string_view kMainJs;
extern const std::string_view kDygraphCss;
extern const std::string_view kDygraphJs;
extern const std::string_view kSynchronizerJs;

}  // namespace rein::report::assets
