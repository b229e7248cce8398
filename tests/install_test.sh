#!/usr/bin/env bash
# Installs a build into an empty folder and runs the installed program from elsewhere.
#
#   tests/install_test.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "$1" && pwd)
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix" >/dev/null
cd /
"$prefix/bin/rein" --help | grep -q "Usage: rein"
"$prefix/bin/rein" probe >/dev/null
"$prefix/bin/rein" run "$prefix/share/rein/configs/runs/quickstart.yaml" --dry-run >/dev/null
for file in share/rein/configs/scenarios/quickstart.yaml share/rein/models/trained/fashion-mnist.rein; do
  [ -s "$prefix/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
echo "installed: bin/rein runs"
