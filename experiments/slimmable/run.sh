#!/usr/bin/env bash
# Top-1 of each level of the small network: slimmable, grown by groups of channels, and trained alone.
# With --exits: of the slimmable one, and of early exits. Needs LibTorch and Debian's dataset-fashion-mnist.
#
#   experiments/slimmable/run.sh [--exits] [--epochs N] [--output DIR]  default: 12, results/slimmable/epochs-N
#
# --exits with other epochs than 12: after a run without it, which trains the slimmable network.
# With 12 epochs the slimmable network is the one that comes with Rein, which was trained alike;
# otherwise it is trained too. A folder that exists is gone on with: networks in it are not trained again.
set -euo pipefail
cd "$(dirname "$0")/../.."

epochs=12
output=
program=compare_training
while [ $# -gt 0 ]; do
  case $1 in
    --exits) program=early_exits && shift ;;
    --epochs) epochs=$2 && shift 2 ;;
    --output) output=$2 && shift 2 ;;
    *)
      echo "experiments/slimmable/run.sh: expected --exits, --epochs or --output, found '$1'" >&2
      exit 2
      ;;
  esac
done
output=${output:-results/slimmable/epochs-$epochs}

cmake --preset release >/dev/null
cmake --build --preset release --target "$program" -- --quiet
network=()
[ "$program" != early_exits ] || network=(--slimmable "$output/slimmable.rein")
[ "$epochs" != 12 ] || network=(--slimmable models/trained/fashion-mnist.rein)
mkdir -p "$output"
"build/release/experiments/slimmable/$program" --epochs "$epochs" --bfloat16 --output "$output" \
  "${network[@]}" | tee "$output/$program.txt"
