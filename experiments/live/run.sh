#!/usr/bin/env bash
# model_based from nothing, live, beside the static configurations that are best in hindsight: in the
# quickstart's scenario, and in one with Poisson arrivals and a co-runner that stays on one CPU. First
# every width in every place is played at a tenth of a scenario's length, twice; then model_based and
# the three that earned the most, five times, in turn and whole. On two CPUs 35 minutes for the one
# scenario and 20 for the other, in which nobody else should use the machine: co-runners are part of
# the scenarios.
#
#   experiments/live/run.sh [--scenario NAME] [--rounds N] [--time-scale S] [--rivals] [--output DIR]
#
#   --scenario    quickstart or taken-cpu alone; both if not given
#   --rounds      default 5
#   --time-scale  of all runs, for a look: default 1
#   --rivals      also alert, with a profile of this machine, and model_based pre-trained near it: with
#                 two CPUs alone, half an hour more
#   --output      default: results/live/<date>; a folder that exists is gone on with: runs that are
#                 complete are not made again
#
# With REIN=PROGRAM nothing is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=experiments/live
scenarios=(quickstart taken-cpu)
rounds=5
time_scale=1
rivals=false
output=results/live/$(date +%Y%m%d-%H%M%S)
refuse() {
  echo "$here/run.sh: $1" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --rivals) rivals=true && shift ;;
    --scenario | --rounds | --time-scale | --output)
      [ $# -gt 1 ] || refuse "$1: expected a value, found none"
      case $1 in
        --scenario) scenarios=("$2") ;;
        --rounds) rounds=$2 ;;
        --time-scale) time_scale=$2 ;;
        --output) output=$2 ;;
      esac
      shift 2
      ;;
    *) refuse "expected --scenario, --rounds, --time-scale, --rivals or --output, found '$1'" ;;
  esac
done
[[ $rounds =~ ^[1-9][0-9]*$ ]] || refuse "--rounds: expected a number from 1, found '$rounds'"
[[ $time_scale =~ ^[0-9]*\.?[0-9]+$ ]] || refuse "--time-scale: expected a number, found '$time_scale'"
for scenario in "${scenarios[@]}"; do
  [[ $scenario =~ ^(quickstart|taken-cpu)$ ]] ||
    refuse "--scenario: expected quickstart or taken-cpu, found '$scenario'"
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

[ -e "$output/fitted/settings" ] || experiments/fit_to_machine.sh "$rein" "$run" "$output/fitted"
mapfile -t fitted < <(sed 's/^/--set=/' "$output/fitted/settings")
"$here/figures.py" configurations "$output/fitted/measured/trace.yaml" >"$output/configurations"

# A run into the folder, with the other arguments, unless it was completed before.
serve() {
  local folder=$output/$1
  shift
  grep -qs '"ended": "completed"' "$folder/summary.json" && return
  rm -rf "$folder"
  mkdir -p "$(dirname "$folder")"
  echo "== $folder"
  "$rein" run "$run" "${fitted[@]}" "$@" --output "$folder" </dev/null >"$folder.log" 2>&1 ||
    { cat "$folder.log" >&2 && exit 1; }
}

if $rivals; then
  [ -e "$output/profile.csv" ] || "$rein" profile "$run" "${fitted[@]}" --output "$output/profile.csv"
  if [ ! -e "$output/trained/agent.json" ]; then
    rm -rf "$output/trained"
    "$rein" train configs/runs/quickstart-simulated.yaml "${fitted[@]}" --profile "$output/profile.csv" \
      --set agent.kind=model_based --episodes 96 --validate-every 48 --output "$output/trained"
  fi
fi

# play SCENARIO AGENT FOLDER SEED SCALE
play() {
  local into=$1/$2/$3 configuration
  local given=(--set "scenario=$PWD/configs/scenarios/$1.yaml" --seed "$4" --set "time_scale=$5")
  case $2 in
    model_based) serve "$into" "${given[@]}" ;;
    pre-trained) serve "$into" "${given[@]}" --load "$output/trained/best" ;;
    alert) serve "$into" "${given[@]}" --set "agent={kind: alert, profile: $output/profile.csv}" ;;
    *)
      configuration=$(sed -n "s/^$2 //p" "$output/configurations")
      serve "$into" "${given[@]}" --set "agent={kind: static, configuration: $configuration}"
      ;;
  esac
}

for scenario in "${scenarios[@]}"; do
  mapfile -t every < <(cut -d' ' -f1 "$output/configurations")
  # In hindsight; where there are many, less of each.
  short=$(awk -v n=${#every[@]} -v s="$time_scale" 'BEGIN { print s * (n > 20 ? 2 / n : 0.1) }')
  for round in 1 2; do
    for name in "${every[@]}"; do
      play "$scenario" "$name" "sweep-$round" "$round" "$short"
    done
  done
  { echo model_based && "$here/figures.py" best "$output/$scenario"; } >"$output/$scenario.agents"
  mapfile -t agents <"$output/$scenario.agents"
  ! $rivals || agents+=(alert pre-trained)
  echo "$scenario: ${agents[*]}"
  # In turn, there and back, so that whatever else the machine does is the same for all.
  for round in $(seq "$rounds"); do
    order=("${agents[@]}")
    [ $((round % 2)) = 1 ] || mapfile -t order < <(printf '%s\n' "${agents[@]}" | tac)
    for agent in "${order[@]}"; do
      play "$scenario" "$agent" "$round" "$round" "$time_scale"
    done
  done
done
for scenario in "${scenarios[@]}"; do
  echo
  "$here/figures.py" table "$output/$scenario"
done
