# cmake -DOUTPUT=FILE.cpp "-DFILES=kName=path;..." -P embed_files.cmake: files as string constants
# of namespace rein::report::assets. References to source maps go, since a report loads nothing.
set(code "#include \"study/report/assets.hpp\"\n\nnamespace rein::report::assets {\n\n")
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
file(WRITE "${OUTPUT}" "${code}}  // namespace rein::report::assets\n")
