#!/usr/bin/env bash
# Sets up, builds and passes all tests: the whole program, the installed one, and that without
# LibTorch; all but LibTorch under both sanitizers, and models/ with it; the drivers on real kernels;
# format, spelling, include directions and clang-tidy. Prints in the end how long each step took.
#
#   tests/run.sh            everything but what only tests/long.sh does
#   tests/run.sh --quick    without the sanitizers and clang-tidy
set -euo pipefail
cd "$(dirname "$0")/.."
quick=${1:-}

# step NAME: ends the step before.
times=()
step() {
  [ -z "${name:-}" ] || times+=("$(printf '%5d s  %s' $((SECONDS - began)) "$name")")
  name=$*
  began=$SECONDS
  printf '\n== %s\n' "$name"
}

# build PRESET [CMAKE_OPTION...]
build() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$@" -- --quiet
}

# run_tests PRESET [CTEST_OPTION...]
run_tests() {
  ctest --preset "$@" --parallel "$(nproc)" --output-on-failure --no-tests=error | tail -n 25
  # What was not tested, and why.
  grep -ho 'SKIPPED: .*' "build/$1/Testing/Temporary/LastTest.log" | sort -u || true
}

step "set up"
experiments/setup.sh --tests

step "format, spelling, include directions"
tests/lint.sh

step "release: build"
build release
step "release: test"
run_tests release --label-exclude kernel

step "install"
tests/install_test.sh build/release

if [ "$quick" != --quick ]; then
  step "asan: build"
  build asan
  step "asan: test"
  run_tests asan

  step "asan-torch: models"
  build asan-torch --target test_models
  run_tests asan-torch --tests-regex '^models:'
fi

# The guests run one after the other, and leave processors idle.
step "real kernels; clang-tidy beside them"
trap wait EXIT
run_tests release --label-regex kernel &
guests=$!
[ "$quick" = --quick ] || nice tests/tidy.sh
wait $guests

step "all passed"
printf '%s\n' "${times[@]}"
printf '%5d s  in all\n' "$SECONDS"
