# rein_folder(NAME [WITHOUT sources...] [SOURCES sources...] PUBLIC targets... PRIVATE targets...):
# the library of one folder, with every source below it but those that are WITHOUT; SOURCES are
# others, which are generated.
#
# A target's include directory holds nothing but a link to its own folder, so that
# `#include "env/..."` is found only by the targets that link rein::env: the include directions of
# the architecture are kept by the compiler, not by good will.
function(rein_folder name)
  cmake_parse_arguments(arg "" "" "WITHOUT;SOURCES;PUBLIC;PRIVATE" ${ARGN})
  set(view ${PROJECT_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${name} ${view}/${name} SYMBOLIC)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cpp)
  list(REMOVE_ITEM sources ${arg_WITHOUT})
  add_library(rein_${name} STATIC ${sources} ${arg_SOURCES})
  add_library(rein::${name} ALIAS rein_${name})
  target_include_directories(rein_${name} PUBLIC ${view})
  target_link_libraries(rein_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  rein_compile_options(rein_${name})

  # With CMAKE_UNITY_BUILD, a room is compiled as one: tests/tidy.sh.
  set_target_properties(rein_${name} PROPERTIES
    UNITY_BUILD_MODE GROUP
    UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
  foreach(source IN LISTS sources)
    get_filename_component(room ${name}/${source} DIRECTORY)
    string(MAKE_C_IDENTIFIER ${room} room)
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${room})
  endforeach()
endfunction()

# Warnings and sanitizers, on our own targets only.
function(rein_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                           -Wno-sign-conversion -Wnon-virtual-dtor
                                           -Wno-missing-field-initializers -Werror)
  if(REIN_SANITIZE)
    set(kinds address,undefined,float-cast-overflow)
    target_compile_options(${target} PRIVATE -fsanitize=${kinds}
                                             -fno-sanitize-recover=undefined,float-cast-overflow
                                             -fno-omit-frame-pointer
                                             $<$<BOOL:${REIN_FUZZ}>:-fsanitize=fuzzer-no-link>)
    target_link_options(${target} PUBLIC -fsanitize=${kinds})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/sanitizer_options.cpp)
    endif()
  endif()
endfunction()
