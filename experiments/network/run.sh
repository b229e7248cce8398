#!/usr/bin/env bash
# Rein's engine beside ONNX Runtime and beside oneDNN called by hand, on this machine: the tables, and the
# figures beside their goals. Ten minutes in which nobody else should use the machine.
#
#   experiments/network/run.sh [--quick] [--rounds N] [--requests N] [--checkpoint FILE] [--output FILE]
#
# All options: run.py --help. With REIN=PROGRAM the program is not built. ONNX Runtime comes as a package of
# npm, into build/network/.
set -euo pipefail
cd "$(dirname "$0")/../.."

onnxruntime_version=1.30.0
options=(--rein "${REIN:-build/release/cli/rein}")

cmake --preset release >/dev/null
[ -n "${REIN:-}" ] || cmake --build --preset release --target rein -- --quiet
if cmake --build --preset release --target help | grep '^onednn_by_hand:' >/dev/null; then
  cmake --build --preset release --target onednn_by_hand -- --quiet
  options+=(--onednn build/release/experiments/network/onednn_by_hand)
else
  echo "SKIPPED: oneDNN by hand: expected Debian's libdnnl-dev, found none" >&2
fi

# Its install script would fetch what only GPUs need.
packages=build/network/onnxruntime
installed=$packages/node_modules/onnxruntime-node
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "SKIPPED: ONNX Runtime: expected node and npm, found none" >&2
elif grep -qs "\"version\": \"$onnxruntime_version\"" "$installed/package.json" ||
  { mkdir -p "$packages" && echo '{"private": true}' >"$packages/package.json" &&
    npm --prefix "$packages" install --ignore-scripts --no-audit --no-fund \
      "onnxruntime-node@$onnxruntime_version" >"$packages/npm.log" 2>&1; }; then
  options+=(--onnxruntime "$packages")
else
  echo "SKIPPED: ONNX Runtime: npm: $(grep -m 2 error "$packages/npm.log" | paste -sd ' ')" >&2
fi

exec experiments/network/run.py "${options[@]}" "$@"
