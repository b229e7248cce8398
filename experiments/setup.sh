#!/usr/bin/env bash
# Installs what Rein needs on Debian 12 and is not there yet. Called by quickstart.sh and
# tests/run.sh; a second call does nothing.
#
#   experiments/setup.sh             what building and running needs
#   experiments/setup.sh --training  and LibTorch, which trains networks: 300 packages
#   experiments/setup.sh --tests     and what the tests need besides
set -euo pipefail

packages=(
  g++ cmake ninja-build
  libxnnpack-dev libpthreadpool-dev  # runs the network on arm, and on x86 if asked to
  libeigen3-dev           # principal components; headers alone
  libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev zlib1g-dev doctest-dev
  libjs-dygraphs          # the report's charts
  dataset-fashion-mnist   # the images that are served
  stress-ng               # the co-runners
)
[ "$(uname -m)" != x86_64 ] || packages+=(libdnnl-dev)  # runs it on x86
# Those without which tests/kernel/ and tests/arm_engine_test.sh are skipped, and say so.
for_kernel_tests=(
  qemu-system-x86 qemu-system-arm acpica-tools cpio g++-aarch64-linux-gnu qemu-user
)
for_training=(
  libtorch-dev libopenblas0-pthread  # the plain BLAS is several times slower
)
if [ "${1:-}" = --training ] || [ "${1:-}" = --tests ]; then
  packages+=("${for_training[@]}")
fi
if [ "${1:-}" = --tests ]; then
  packages+=(clang-format clang-tidy clang libclang-rt-14-dev codespell python3 libbenchmark-dev)
fi

# missing PACKAGE...: those that are not installed.
missing() {
  local package
  for package in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null |
      grep -qx installed || echo "$package"
  done
}
mapfile -t needed < <(missing "${packages[@]}")
optional=()
if [ "${1:-}" = --tests ]; then
  mapfile -t optional < <(missing "${for_kernel_tests[@]}")
fi
[ $((${#needed[@]} + ${#optional[@]})) -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo)
elif [ ${#needed[@]} -eq 0 ]; then
  echo "Not installed, as only root can: ${optional[*]}; the real-kernel tests will be skipped" >&2
  exit 0
else
  echo "Packages are missing, and only root can install them. Run this, then try again:" >&2
  echo "  su -c 'apt-get update && apt-get install -y --no-install-recommends ${needed[*]}'" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# install_now PACKAGE...: fails, with apt's words in the log, if one cannot be had.
install_now() {
  [ $# -gt 0 ] || return 0
  echo "Installing: $*"
  ${as_root[@]+"${as_root[@]}"} apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1
}

${as_root[@]+"${as_root[@]}"} apt-get update >"$log" 2>&1 || true  # Installing will tell.
if ! install_now "${needed[@]}"; then
  cat "$log" >&2
  echo "The packages could not be installed; this was tried: apt-get update && apt-get install -y" \
    "--no-install-recommends ${needed[*]}" >&2
  exit 1
fi
if ! install_now "${optional[@]}"; then
  tail -n 3 "$log" >&2
  echo "Not to be had here: ${optional[*]}; the real-kernel tests will be skipped" >&2
fi
