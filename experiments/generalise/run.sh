#!/usr/bin/env bash
# Plays every agent once in worlds that nobody chose (docs/held-out.md), and prints the figures beside their goals.
# The seeds are made from the first eight digits of the commit that is measured. What was played before at this
# commit is not played again.
#
#   experiments/generalise/run.sh [--seeds N] [--worlds W] [--seed S] [--agents a,b,c] [--jobs J] [--output DIR]
#                                 [--learner NAME]
#
#   --seeds    of an exam; default 10
#   --worlds   of each seed; default 20. A quick look: --seeds 1
#   --seed     a number, for a second exam beside that of the commit
#   --agents   kinds, instead of variants.yaml
#   --jobs     episodes at once; default: the processors
#   --output   default: results/generalise/<commit>
#   --learner  the agent that is judged; default model_based
#
# With REIN=PROGRAM nothing is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=experiments/generalise
seeds=10
worlds=20
seed=
agents=
jobs=$(nproc)
commit=$(git rev-parse --short=8 HEAD 2>/dev/null || true)
output=results/generalise/$(git describe --always --dirty 2>/dev/null || echo unknown)
learner=model_based
while [ $# -gt 0 ]; do
  case $1 in
    --seeds | --worlds | --seed | --agents | --jobs | --output | --learner)
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
for option in seeds worlds jobs; do
  [[ ${!option} =~ ^[1-9][0-9]{0,3}$ ]] || { echo "$0: --$option: expected a number from 1 to 9999, found '${!option}'" >&2; exit 2; }
done
[[ $seed =~ ^[0-9]{0,12}$ ]] || { echo "$0: --seed: expected a number of at most 12 digits, found '$seed'" >&2; exit 2; }
[ -n "$commit$seed" ] || { echo "$0: expected --seed where there is no commit to take it from, found none" >&2; exit 2; }

rein=${REIN:-}
if [ -z "$rein" ]; then
  cmake --preset release >/dev/null
  cmake --build --preset release --target rein -- --quiet
  rein=build/release/cli/rein
fi
chosen=(--variants "$here/variants.yaml")
[ -z "$agents" ] || chosen=(--agents "$agents")

# One exam: 1000 times its number and 1 to N are the seeds, so that exams share none.
exam() {
  local name=$1 number=$2 folders=() i
  for ((i = 1; i <= seeds; ++i)); do
    folders+=("$output/$name/seed-$i")
    "$rein" evaluate --suite held-out --seed $((1000 * number + i)) --worlds "$worlds" "${chosen[@]}" \
      --jobs "$jobs" --resume --output "$output/$name/seed-$i" >"$output/$name-seed-$i.txt"
  done
  echo "== exam $name: seeds $((1000 * number + 1)) to $((1000 * number + seeds)), $worlds worlds each"
  "$here/figures.py" "$learner" "${folders[@]}" | tee "$output/$name.txt"
}

mkdir -p "$output"
[ -z "$commit" ] || exam "$commit" "$((16#$commit))"
[ -z "$seed" ] || exam "$seed" "$seed"
