#!/usr/bin/env bash
# Top-1 of each level of the small network: slimmable, grown by groups of channels, and trained alone.
# Needs LibTorch and Debian's dataset-fashion-mnist.
#
#   experiments/slimmable/run.sh [--epochs N] [--output DIR]    default: 12, results/slimmable/epochs-N
#
# With 12 epochs the slimmable network is the one that comes with Rein, which was trained alike;
# otherwise it is trained too. A folder that exists is gone on with: networks in it are not trained again.
set -euo pipefail
cd "$(dirname "$0")/../.."

epochs=12
output=
while [ $# -gt 0 ]; do
  case $1 in
    --epochs) epochs=$2 && shift 2 ;;
    --output) output=$2 && shift 2 ;;
    *)
      echo "experiments/slimmable/run.sh: expected --epochs or --output, found '$1'" >&2
      exit 2
      ;;
  esac
done
output=${output:-results/slimmable/epochs-$epochs}

cmake --preset release >/dev/null
cmake --build --preset release --target compare_training -- --quiet
shipped=()
[ "$epochs" != 12 ] || shipped=(--slimmable models/trained/fashion-mnist.rein)
mkdir -p "$output"
build/release/experiments/slimmable/compare_training --epochs "$epochs" --bfloat16 --threads 1 \
  --output "$output" "${shipped[@]}" | tee "$output/table.txt"
