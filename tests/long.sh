#!/usr/bin/env bash
# What takes too long for tests/run.sh: every reader of input files under libFuzzer for a while, and
# thousands of mutated files through the program itself; then all tests of the whole program, which
# takes seconds to load LibTorch there, under the sanitizers. Run it before a change to a reader, or
# anything large, is done.
#
#   tests/long.sh [SECONDS]    for each reader; 60 if not given
#
# Prints executions a second and findings, and fails on a finding, which is left in
# build/fuzz/findings: name it found-WHAT-WENT-WRONG and put it into tests/fuzz/corpus/READER.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

experiments/setup.sh --tests
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz rein -- --quiet
findings=build/fuzz/findings
mkdir -p "$findings"
failed=0

printf '%-12s %10s %8s %8s  %s\n' reader executions 'per s' corpus finding
for corpus in tests/fuzz/corpus/*/; do
  reader=$(basename "$corpus")
  grown=build/fuzz/grown/$reader
  mkdir -p "$grown"
  log=$findings/$reader.log
  status=0
  REIN_FUZZ_READER=$reader nice -n 15 build/fuzz/tests/fuzz/fuzz "$grown" "$corpus" \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=100000 \
    -dict=tests/fuzz/readers.dict \
    -artifact_prefix="$findings/$reader-" -print_final_stats=1 >"$log" 2>&1 || status=$?
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  finding=$(sed -n 's/.*Test unit written to //p' "$log" | head -n 1)
  printf '%-12s %10s %8s %8s  %s\n' "$reader" "${count:--}" "${rate:--}" \
    "$(find "$grown" -type f | wc -l)" "${finding:-none}"
  [ "$status" -eq 0 ] || failed=1
done

tests/fuzz/mutated_files.py build/fuzz/cli/rein 5000 || failed=1

cmake --preset asan-torch >/dev/null
cmake --build --preset asan-torch -- --quiet
ctest --preset asan-torch --parallel "$(nproc)" --output-on-failure --no-tests=error || failed=1
exit "$failed"
