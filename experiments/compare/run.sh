#!/usr/bin/env bash
# Compares all agents on all simulated boards in all scenarios, and prints the figures beside their goals.
# What was played before at this commit is not played again.
#
#   experiments/compare/run.sh [--seeds N] [--jobs J] [--quick] [--output DIR] [--variants FILE]
#
#   --seeds     episodes of each agent in each scenario; default 10
#   --jobs      episodes at once; default: the processors
#   --quick     a look in a few minutes: 2 seeds, 2 scenarios
#   --output    default: results/compare/<commit>
#   --variants  other agents than those of variants.yaml; LEARNER=NAME says which of them is compared
#
# With REIN=PROGRAM nothing is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=experiments/compare
seeds=10
jobs=$(nproc)
# Those with arrivals of their own came later, and have no figures to compare with.
scenarios=()
for name in alone battery bursts changing-budgets cpu-co-runner dynamic-ofa gpu-co-runner hot-ambient \
  random-co-runners rising-rate; do
  scenarios+=("configs/scenarios/$name.yaml")
done
variants=$here/variants.yaml
output=results/compare/$(git describe --always --dirty 2>/dev/null || echo unknown)
learner=${LEARNER:-model_based}
while [ $# -gt 0 ]; do
  case $1 in
    --quick)
      seeds=2
      scenarios=(configs/scenarios/{changing-budgets,cpu-co-runner}.yaml)
      output+=-quick
      shift
      continue
      ;;
    --seeds | --jobs | --output | --variants)
      [ $# -gt 1 ] || { echo "$0: $1: expected a value, found none" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    *)
      sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
done

rein=${REIN:-}
if [ -z "$rein" ]; then
  cmake --preset release >/dev/null
  cmake --build --preset release --target rein -- --quiet
  rein=build/release/cli/rein
fi

# The report of the folder NAME, evaluated with the other arguments, goes into a file.
evaluate() {
  local folder=$output/$1
  shift
  mkdir -p "$folder"
  echo "== $folder"
  "$rein" evaluate "$@" --seeds "$seeds" --jobs "$jobs" --resume --output "$folder" >"$folder/tables.txt"
}

runs=(configs/runs/{odroid-xu3,jetson-nano,jetson-xavier-nx,jetson-orin-nx,raspberry-pi-4,pc}.yaml)
evaluate all "${runs[@]}" --scenarios "${scenarios[@]}" --variants "$variants" \
  --compare "$learner" --show "$learner,best_static"
# Periods are of 100 to 250 ms: 300 s are at least 1200 of them.
evaluate from-nothing "${runs[@]}" --scenarios configs/scenarios/alone.yaml --duration 300 \
  --variants "${FROM_NOTHING:-$here/from-nothing.yaml}"
evaluate equal-accuracy $here/xavier-equal-accuracy.yaml --variants "${EQUAL_ACCURACY:-$here/equal-accuracy.yaml}"

$here/figures.py "$output" "$learner"
