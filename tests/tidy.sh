#!/usr/bin/env bash
# clang-tidy over all sources with the checks of .clang-tidy, each of which fails the run. Those that
# include LibTorch or OpenMP are left out: Debian's clang 14 cannot compile the one's headers as C++20
# and has none for the other.
#
#   tests/tidy.sh BUILD_FOLDER [FILE...]   the folder holds compile_commands.json
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard 'common/*.cpp' \
    'platform/*.cpp' 'models/*.cpp' 'env/*.cpp' 'agent/*.cpp' 'study/*.cpp' 'cli/*.cpp')
  mapfile -t files < <(grep -LE '#include <(torch/|ATen/|c10/|omp\.h)|"models/slimmable_layers' "${files[@]}")
  set -- "${files[@]}"
fi
printf '%s\0' "$@" | xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "$build" --quiet 2> >(grep -v 'warnings generated' >&2)
echo "clang-tidy: $# files"
