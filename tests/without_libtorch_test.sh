#!/usr/bin/env bash
# The program without LibTorch loads none of it and no BLAS, starts once, does what needs no DNN, and says
# what it cannot do.
#
#   tests/without_libtorch_test.sh REIN
set -euo pipefail
cd "$(dirname "$0")/.."
rein=$1

fail() {
  echo "$*" >&2
  exit 1
}
libraries=$(ldd "$rein")
for unwanted in torch blas lapack gfortran gomp; do
  ! grep -q "$unwanted" <<<"$libraries" || fail "loaded: $(grep -m 1 "$unwanted" <<<"$libraries")"
done
# The loader looks for each library once in each program that is started.
starts=$(LD_DEBUG=libs "$rein" --help 2>&1 >/dev/null | grep -c 'find library=libc\.so') || true
[ "$starts" -eq 1 ] || fail "rein --help: expected to start once, found $starts starts"
"$rein" probe >/dev/null
"$rein" run configs/runs/odroid-xu3.yaml --dry-run >/dev/null
status=0
said=$("$rein" network benchmark models/trained/fashion-mnist.rein 2>&1) || status=$?
[ "$status" -eq 3 ] && grep -q "this build has no LibTorch" <<<"$said" ||
  fail "rein network benchmark: expected a refusal with status 3, found status $status: $said"
echo "without LibTorch: the program runs"
