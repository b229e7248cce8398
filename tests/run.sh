#!/usr/bin/env bash
# Sets up, builds and passes all tests: the whole program, the program without LibTorch, and both
# sanitizers; then the installed program, format, spelling, include directions and clang-tidy.
#
#   tests/run.sh            everything
#   tests/run.sh --quick    without the sanitizers, the build without LibTorch and clang-tidy
set -euo pipefail
cd "$(dirname "$0")/.."
quick=${1:-}

step() { printf '\n== %s\n' "$*"; }

step "set up"
experiments/setup.sh --tests

step "format, spelling, include directions"
tests/lint.sh

build_and_test() {
  step "$1: build"
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" -- --quiet
  step "$1: test"
  ctest --preset "$1" --output-on-failure --no-tests=error | tail -n 25
  # What was not tested, and why.
  grep -ho 'SKIPPED: .*' "build/$1/Testing/Temporary/LastTest.log" | sort -u || true
}

build_and_test release

step "install"
tests/install_test.sh build/release

if [ "$quick" != --quick ]; then
  build_and_test no-torch
  build_and_test asan
  step "clang-tidy"
  tests/tidy.sh build/release
fi

step "all passed"
