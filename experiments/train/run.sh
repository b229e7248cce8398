#!/usr/bin/env bash
# Trains the checkpoints in configs/trained/ again, from their seed: the same files on the same
# machine. They are for the runs of configs/runs/ on simulated boards; README.md says more.
#
#   experiments/train/run.sh [AGENT...]    all of model_based, dqn and actor_critic if none is named
set -euo pipefail
cd "$(dirname "$0")/../.."

runs=(odroid-xu3 jetson-nano jetson-xavier-nx jetson-orin-nx raspberry-pi-4 pc)
agents=("$@")
[ ${#agents[@]} -gt 0 ] || agents=(model_based dqn actor_critic)

cmake --preset release >/dev/null
cmake --build --preset release --target rein -- --quiet
rein=build/release/cli/rein
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for agent in "${agents[@]}"; do
  case $agent in
    model_based) options=(--episodes 96 --validate-every 48) ;;
    dqn) options=(--episodes 800 --validate-every 200 --set agent.save_replay=false) ;;
    *) options=(--episodes 1600 --validate-every 400) ;;
  esac
  mkdir -p "configs/trained/$agent"
  for run in "${runs[@]}"; do
    echo "== $agent, $run"
    "$rein" train "configs/runs/$run.yaml" --set "agent.kind=$agent" "${options[@]}" \
      --output "$work/$agent-$run"
    cp "$work/$agent-$run/agent.json" "configs/trained/$agent/$run.json"
  done
done
