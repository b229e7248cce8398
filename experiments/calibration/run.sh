#!/usr/bin/env bash
# Prints simulated beside published values for each board, and fails where a bound is broken.
#
#   experiments/calibration/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

cmake --preset release >/dev/null
cmake --build --preset release --target calibrate -- --quiet
exec build/release/experiments/calibration/calibrate
