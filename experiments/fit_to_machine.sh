#!/usr/bin/env bash
# Fits a live run to the machine it finds, in ten seconds in which nobody else should use it, so that
# there is a choice to make: full width on one CPU keeps the deadline with little to spare while that
# CPU is free, and does not beside somebody else, who leaves it less than it needs.
#
#   experiments/fit_to_machine.sh REIN RUN.yaml FOLDER
#
# FOLDER/settings has a line for each `rein run RUN.yaml --set`:
#   images a request   the run's 96, or as many as take about 5 ms where 96 take less than 1 ms or more
#                      than 20: a control period then has several requests, and a request is no less
#                      than what programs on one CPU take turns by
#   requests a second  as many as keep that CPU busy for 60 % of the time: more than the half that one
#                      co-runner leaves
#   deadline           10 % above the 99th percentile at this rate, but from 1.25 to 1.6 times the median, and
#                      no more than the time between two requests
#   power limit        where the run has one, 40 % above what this takes
set -euo pipefail
rein=$1 run=$2 folder=$3
mkdir -p "$folder"

# serve REQUESTS: at full width on CPU 0, alone, into $folder/measured.
serve() {
  rm -rf "$folder/measured"
  if ! "$rein" run "$run" --set "agent={kind: static, configuration: {width: 1.0, mapping: cpu0}}" \
    --set "applications.0.requests=$1" --output "$folder/measured" \
    --set "scenario={name: measuring, phases: [{name: alone, duration_s: 3}]}" >"$folder/measuring.log" 2>&1; then
    cat "$folder/measuring.log" >&2
    exit 1
  fi
}
# measured KEY: of the whole run.
measured() {
  sed -n '/^  "whole"/,/^  }/s/^    "'"$1"'": \([0-9.e+-]*\),\{0,1\}$/\1/p' "$folder/measured/summary.json"
}
# reckon EXPRESSION [NAME=VALUE]...: by awk, to four digits.
reckon() {
  local expression=$1 names=()
  for each in "${@:2}"; do names+=(-v "$each"); done
  awk "${names[@]}" "
    function least(a, b) { return a < b ? a : b }
    function most(a, b) { return a > b ? a : b }
    BEGIN { printf(\"%.4g\", $expression) }" </dev/null
}

batch=96
serve "{arrival: closed_loop, batch: $batch}"
service_ms=$(measured latency_p50_ms)
if [ "$(reckon 'ms < 1 || ms > 20' ms="$service_ms")" = 1 ]; then
  batch=$(reckon 'int(most(1, least(1000, batch * 5 / ms)))' batch="$batch" ms="$service_ms")
  serve "{arrival: closed_loop, batch: $batch}"
  service_ms=$(measured latency_p50_ms)
fi
rate_hz=$(reckon '0.6e3 / ms' ms="$service_ms")

# Again as it will be: between requests clocks fall and caches are used by others.
serve "{arrival: periodic, rate_hz: $rate_hz, batch: $batch}"
p50=$(measured latency_p50_ms) p99=$(measured latency_p99_ms)
deadline_ms=$(reckon 'least(1e3 / hz, most(1.25 * p50, least(1.6 * p50, 1.1 * p99)))' \
  p50="$p50" p99="$p99" hz="$rate_hz")
{
  echo "applications.0.requests.batch=$batch"
  echo "applications.0.requests.rate_hz=$rate_hz"
  echo "budgets.latency.deadline_ms=$deadline_ms"
  power_w=$(measured power_ours_w)
  if [ -n "$power_w" ] && grep -q '"name": "power"' "$folder/measured/summary.json"; then
    echo "budgets.power.limit_w=$(reckon '1.4 * w' w="$power_w")"
  fi
} >"$folder/settings.new"
mv "$folder/settings.new" "$folder/settings"
echo "At full width on one CPU $batch images take $(reckon ms ms="$p50") ms (p99 $(reckon ms ms="$p99")): $rate_hz requests a second, deadline $deadline_ms ms"
