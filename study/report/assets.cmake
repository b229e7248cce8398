# The report's page and its scripts as ${CMAKE_CURRENT_BINARY_DIR}/report/assets.cpp. Debian's libjs-dygraphs
# draws the charts; it goes into the program, so that an installed one needs no other file.
find_path(REIN_DYGRAPHS dygraph.min.js
          PATHS /usr/share PATH_SUFFIXES javascript/dygraphs
          DOC "Folder with dygraph.min.js (Debian's package libjs-dygraphs)" REQUIRED)

set(assets kPageHtml=${CMAKE_CURRENT_SOURCE_DIR}/report/page.html
           kEvaluationHtml=${CMAKE_CURRENT_SOURCE_DIR}/report/evaluation.html
           kTrainingHtml=${CMAKE_CURRENT_SOURCE_DIR}/report/training.html
           kStyleCss=${CMAKE_CURRENT_SOURCE_DIR}/report/style.css
           kSeriesJs=${CMAKE_CURRENT_SOURCE_DIR}/report/series.js
           kBandsJs=${CMAKE_CURRENT_SOURCE_DIR}/report/bands.js
           kChartsJs=${CMAKE_CURRENT_SOURCE_DIR}/report/charts.js
           kDrawingJs=${CMAKE_CURRENT_SOURCE_DIR}/report/drawing.js
           kComparisonJs=${CMAKE_CURRENT_SOURCE_DIR}/report/comparison.js
           kMainJs=${CMAKE_CURRENT_SOURCE_DIR}/report/main.js
           kDygraphCss=${REIN_DYGRAPHS}/dygraph.min.css
           kDygraphJs=${REIN_DYGRAPHS}/dygraph.min.js
           kSynchronizerJs=${REIN_DYGRAPHS}/extras/synchronizer.js)
list(TRANSFORM assets REPLACE "^[A-Za-z]+=" "" OUTPUT_VARIABLE asset_files)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/report)
add_custom_command(
  OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/report/assets.cpp
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/report/assets.cpp
          -DHEADER=study/report/assets.hpp -DNAMESPACE=rein::report::assets "-DFILES=${assets}"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/report/embed_files.cmake
  DEPENDS ${asset_files} ${CMAKE_CURRENT_SOURCE_DIR}/report/embed_files.cmake
  VERBATIM)
