#!/usr/bin/env bash
# Installs what Rein needs on Debian 12 and is not there yet. Called by quickstart.sh and
# tests/run.sh; a second call does nothing.
#
#   experiments/setup.sh          what building and running needs
#   experiments/setup.sh --tests  and what the tests need besides
set -euo pipefail

packages=(
  g++ cmake ninja-build
  libtorch-dev libopenblas0-pthread  # the slimmable network; the plain BLAS is several times slower
  libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev zlib1g-dev doctest-dev
  libjs-dygraphs          # the report's charts
  dataset-fashion-mnist   # the images that are served
  stress-ng               # the co-runners
)
if [ "${1:-}" = --tests ]; then
  packages+=(clang-format clang-tidy codespell python3)
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null |
    grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "Installing: ${missing[*]}"
install="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo)
else
  echo "Packages are missing, and only root can install them. Run this, then try again:" >&2
  echo "  su -c 'apt-get update && $install'" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { ${as_root[@]+"${as_root[@]}"} apt-get update && ${as_root[@]+"${as_root[@]}"} $install; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "The packages could not be installed; this was tried: apt-get update && $install" >&2
  exit 1
fi
