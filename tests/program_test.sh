#!/usr/bin/env bash
# The program loads a library that computes only when it serves, starts once, and says in one line what it
# lacks: a module, a module's library, instructions.
#
#   tests/program_test.sh REIN
set -euo pipefail
cd "$(dirname "$0")/.."
rein=$(realpath "$1")
network=$PWD/models/trained/fashion-mnist.rein
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}
# refused WORDS COMMAND...: it ends with status 3 and one line that holds the words.
refused() {
  local words=$1 status=0 said
  shift
  said=$("$@" 2>&1 >/dev/null) || status=$?
  [ "$status" -eq 3 ] && grep -qF -- "$words" <<<"$said" && [ "$(wc -l <<<"$said")" -eq 1 ] ||
    fail "$*: expected status 3 and one line with '$words', found status $status: $said"
}

libraries=$(ldd "$rein")
for unwanted in torch dnnl XNNPACK blas lapack gfortran gomp; do
  ! grep -q "$unwanted" <<<"$libraries" || fail "loaded: $(grep -m 1 "$unwanted" <<<"$libraries")"
done
# The loader looks for each library once in each program that is started.
starts=$(LD_DEBUG=libs "$rein" --help 2>&1 >/dev/null | grep -c 'find library=libc\.so') || true
[ "$starts" -eq 1 ] || fail "rein --help: expected to start once, found $starts starts"
"$rein" probe >/dev/null
"$rein" run configs/runs/odroid-xu3.yaml --dry-run >/dev/null

# It serves, and what it serves with is loaded.
"$rein" network benchmark "$network" --batch 1 --repeat 10 --precision f32 >"$folder/table"
grep -q "^1.00 .* 1      1 " "$folder/table" || fail "network benchmark: $(cat "$folder/table")"

# A program without its modules, with one of another kind, and with one whose libraries are missing.
mkdir -p "$folder/bin" "$folder/lib/rein"
cp "$rein" "$folder/bin/rein"
refused "expected the module" "$folder/bin/rein" network benchmark "$network"
serving=$(basename "$(ls "$(dirname "$rein")"/../lib/rein/rein-{onednn,xnnpack}.so 2>/dev/null | head -n 1)")
module=$folder/lib/rein/$serving
echo "not a library" >"$module"
refused "expected its libraries" "$folder/bin/rein" network benchmark "$network"
library=$(ldconfig -p | sed -n 's/.*=> \(.*libz\.so\.1\)$/\1/p' | head -n 1)
cp "$library" "$module"
refused "expected a module of Rein" "$folder/bin/rein" network benchmark "$network"

# A processor without the instructions that are asked for.
if [ "$serving" = rein-onednn.so ]; then
  ONEDNN_MAX_CPU_ISA=AVX2 refused "applications.0.network.precision: expected a precision" "$rein" run \
    configs/runs/quickstart.yaml --set applications.0.network.precision=int8 --dry-run
fi
refused "network.engine: expected one of" "$rein" run configs/runs/quickstart.yaml --dry-run \
  --set applications.0.network.engine=abacus
echo "the program: loads what it serves with, and says what it lacks"
