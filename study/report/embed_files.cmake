# cmake -DOUTPUT=FILE.cpp -DHEADER=FILE.hpp -DNAMESPACE=NAME "-DFILES=kName=path;..." -P embed_files.cmake:
# files as the string constants that the header declares. References to source maps go, since a report
# loads nothing.
set(code "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n")
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([A-Za-z]+)=(.+)$" matched "${entry}")
  set(name ${CMAKE_MATCH_1})
  file(READ "${CMAKE_MATCH_2}" text)
  string(REGEX REPLACE "//# sourceMappingURL=[^\n]*|/\\*# sourceMappingURL=[^\n]*\\*/" "" text
                       "${text}")
  string(HEX "${text}" bytes)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND code "constexpr char ${name}Bytes[] = {${bytes}};\n"
                     "const std::string_view ${name}(${name}Bytes, ${length});\n\n")
endforeach()
file(WRITE "${OUTPUT}" "${code}}  // namespace ${NAMESPACE}\n")
