#!/usr/bin/env bash
# Format, spelling and include directions: what needs no build.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp')
clang-format --dry-run --Werror "${sources[@]}"
git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' '*.md' '*.sh' '*.yaml' '*.cmake' '*.js' '*CMakeLists.txt' |
  xargs codespell --ignore-words-list=opps,ans,inout
tests/include_directions.py

# CMake takes a semicolon in a test's name for two tests, neither of which exists: both pass.
if git grep -n 'TEST_CASE(".*;' -- 'tests/*.cpp'; then
  echo "expected test names without semicolons" >&2
  exit 1
fi
