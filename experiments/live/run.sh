#!/usr/bin/env bash
# The quickstart's scenario on this machine, five times with each of four agents in turn: model_based
# pre-trained near this machine, the same from nothing, alert, and the best static configuration.
# 40 minutes in which nobody else should use the machine: co-runners are part of the scenario.
#
#   experiments/live/run.sh [--rounds N] [--output DIR]    default: 5, results/live/<date>
#
# A folder that exists is gone on with: runs that are complete are not made again.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=5
output=results/live/$(date +%Y%m%d-%H%M%S)
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 && shift 2 ;;
    --output) output=$2 && shift 2 ;;
    *)
      echo "experiments/live/run.sh: expected --rounds or --output, found '$1'" >&2
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
run=configs/runs/quickstart.yaml
mkdir -p "$output"
output=$(realpath "$output")

# A run into the folder NAME, with the other arguments, unless it was completed before.
serve() {
  local folder=$output/$1
  shift
  grep -qs '"ended": "completed"' "$folder/summary.json" && return
  rm -rf "$folder"
  echo "== $folder"
  "$rein" run "$run" "$@" --output "$folder" >/dev/null 2>&1
}

# Beforehand, with nobody else on the machine: what each configuration takes, and practice near it.
[ -e "$output/profile.csv" ] || "$rein" profile "$run" --output "$output/profile.csv"
if [ ! -e "$output/trained/agent.json" ]; then
  rm -rf "$output/trained"
  "$rein" train configs/runs/quickstart-simulated.yaml --profile "$output/profile.csv" \
    --set agent.kind=model_based --episodes 96 --validate-every 48 --output "$output/trained"
fi

# In hindsight: every configuration in the scenario at three twentieths of its length.
"$(dirname "$0")/figures.py" configurations "$output/profile.csv" | while read -r name configuration; do
  serve "configurations/$name" --set "agent={kind: static, configuration: $configuration}" --set time_scale=0.15 </dev/null
done
best=$("$(dirname "$0")/figures.py" best "$output/profile.csv" "$output/configurations")
echo "best static configuration: $best"

# In turn, so that whatever else the machine does is the same for all.
for round in $(seq "$rounds"); do
  serve "model_based/$round" --set agent.kind=model_based --load "$output/trained/best" --seed "$round"
  serve "model_based-from-nothing/$round" --set agent.kind=model_based --seed "$round"
  serve "alert/$round" --set agent.kind=alert --set "agent.profile=$output/profile.csv" --seed "$round"
  serve "best_static/$round" --set "agent={kind: static, configuration: $best}" --seed "$round"
done
"$(dirname "$0")/figures.py" table "$output"
