#!/usr/bin/env bash
# Rein's main job in one command: sets up, builds, asks of this machine what leaves it a choice, serves
# real images beside real co-runners while an agent learns online, does the same for four static
# configurations, and compares them.
#
#   experiments/quickstart.sh [OUTPUT]    default: results/quickstart/<date>
set -euo pipefail
cd "$(dirname "$0")/.."

experiments/setup.sh
cmake --preset release >/dev/null
cmake --build --preset release --target rein -- --quiet

rein=build/release/cli/rein
run=configs/runs/quickstart.yaml
output=${1:-results/quickstart/$(date +%Y%m%d-%H%M%S)}
cpus=$(nproc)
[ "$cpus" -gt 1 ] && everywhere=all$cpus || everywhere=cpu0

echo "== Rate and deadline for this machine"
experiments/fit_to_machine.sh "$rein" "$run" "$output/fitted"
mapfile -t fitted < <(sed 's/^/--set=/' "$output/fitted/settings")

# Serves with a static configuration: NAME, what the scenario is shortened to, which is enough for
# something that does not learn, the agent in YAML, other options.
static() {
  local name=$1 scale=$2 agent=$3
  shift 3
  echo "== $name"
  "$rein" run "$run" "${fitted[@]}" --set "agent=$agent" --set "time_scale=$scale" "$@" --output "$output/$name"
}

echo "== The levels of the network on this machine, for a request of this run"
batch=$(sed -n 's/^applications.0.requests.batch=//p' "$output/fitted/settings")
"$rein" network benchmark --batch "$batch" --threads 1 --repeat 50

echo "== model_based, from nothing"
"$rein" run "$run" "${fitted[@]}" --output "$output/model_based"
static full-width-all-cpus 0.4 "{kind: static, configuration: {width: 1.0, mapping: $everywhere}}"
static full-width-one-cpu 0.4 "{kind: static, configuration: {width: 1.0, mapping: cpu0}}"
static narrowest-one-cpu 0.4 "{kind: static, configuration: {width: 0.25, mapping: cpu0}}"
static narrowest-in-float 0.2 "{kind: static, configuration: {width: 0.25, mapping: $everywhere}}" \
  --set applications.0.network.precision=f32

echo
"$rein" report "$output"/{model_based,full-width-all-cpus,full-width-one-cpu,narrowest-one-cpu,narrowest-in-float}
