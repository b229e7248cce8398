# The boards that a suite begins with, and a recording, as ${CMAKE_CURRENT_BINARY_DIR}/suite/boards.cpp: in the
# program, so that a seed means the same worlds wherever it is played.
set(configs ${CMAKE_CURRENT_SOURCE_DIR}/../configs)
set(suite_files kJetsonNano=${configs}/boards/jetson-nano.yaml
                kJetsonOrinNx=${configs}/boards/jetson-orin-nx.yaml
                kJetsonXavierNx=${configs}/boards/jetson-xavier-nx.yaml
                kOdroidXuThree=${configs}/boards/odroid-xu3.yaml
                kPc=${configs}/boards/pc.yaml
                kRaspberryPiFour=${configs}/boards/raspberry-pi-4.yaml
                kRecording=${configs}/arrivals/azure-llm-code.csv)
list(TRANSFORM suite_files REPLACE "^[A-Za-z]+=" "" OUTPUT_VARIABLE suite_paths)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/suite)
add_custom_command(
  OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/suite/boards.cpp
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/suite/boards.cpp
          -DHEADER=study/suite/boards.hpp -DNAMESPACE=rein::suite "-DFILES=${suite_files}"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/report/embed_files.cmake
  DEPENDS ${suite_paths} ${CMAKE_CURRENT_SOURCE_DIR}/report/embed_files.cmake
  VERBATIM)
