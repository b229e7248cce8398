#!/usr/bin/env bash
# clang-tidy over all sources with the checks of .clang-tidy, each of which fails the run. Those that
# include LibTorch or OpenMP are left out: Debian's clang 14 cannot compile the one's headers as C++20
# and has none for the other.
#
#   tests/tidy.sh                        everything, each room as one source, as headers take most of
#                                        the time; file by file where two of a room share a name
#   tests/tidy.sh BUILD_FOLDER FILE...   these; the folder holds compile_commands.json
set -euo pipefail
cd "$(dirname "$0")/.."

# check SOURCE: of build/tidy; a room or what is in none.
check() {
  local found files
  found=$(clang-tidy --quiet -p build/tidy "$1" 2>&1) && return 0
  mapfile -t files < <(sed -n 's/^#include "\(.*\)"$/\1/p' "$1")
  if [[ $1 == */Unity/* ]] && grep -q clang-diagnostic-error <<<"$found"; then
    echo "clang-tidy: file by file: $(basename "$1")"
    found=$(clang-tidy --quiet -p build/tidy/files "${files[@]}" 2>&1) && return 0
  fi
  grep -v ' warnings generated' <<<"$found"
  return 1
}
export -f check

if [ $# -eq 0 ]; then
  cmake --preset tidy >/dev/null
  cmake --preset tidy -B build/tidy/files -DCMAKE_UNITY_BUILD=OFF >/dev/null
  mapfile -t sources < <(sed -n 's/^ *"file": "\(.*\)",\?$/\1/p' build/tidy/compile_commands.json |
    grep -v -e /assets.cpp -e /suite/boards.cpp)
  printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'check "$1"' _
  echo "clang-tidy: ${#sources[@]} rooms and files"
else
  build=$1
  shift
  printf '%s\0' "$@" | xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "$build" --quiet \
    2> >(grep -v 'warnings generated' >&2)
  echo "clang-tidy: $# files"
fi
